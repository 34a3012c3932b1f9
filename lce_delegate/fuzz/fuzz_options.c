// Arbitrary bytes as the options of an operator.
#include <stdlib.h>
#include <string.h>

#include "options.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const char* const KEYS[] = {"channels_in", "padding", "stride_height", "", "a"};
  // A copy of exactly this size, so that AddressSanitizer sees every byte beyond it.
  uint8_t* copy = malloc(size);
  if (size > 0) memcpy(copy, data, size);
  for (size_t i = 0; i < sizeof KEYS / sizeof KEYS[0]; ++i) {
    int64_t value;
    (void)lce_option_integer(copy, size, KEYS[i], &value);
  }
  free(copy);
  return 0;
}
