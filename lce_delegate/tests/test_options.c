// The reader of FlexBuffer maps: what it finds, and what it refuses.
#include "options.h"

#include <string.h>

#include "check.h"
#include "fake_runtime.h"

static const fake_option OPTIONS[] = {
    {"channels_in", 4096}, {"negative", -7}, {"padding", 1}, {"stride_height", 2}};

int main(void) {
  uint8_t bytes[256];
  const size_t size = fake_options(OPTIONS, 4, bytes, 1024);
  int64_t value;
  for (int i = 0; i < 4; ++i) {
    CHECK(lce_option_integer(bytes, size, OPTIONS[i].key, &value) == LCE_OPTION_OK &&
              value == OPTIONS[i].value,
          "%s is %lld", OPTIONS[i].key, (long long)value);
  }
  CHECK(lce_option_integer(bytes, size, "stride", &value) == LCE_OPTION_MISSING, "a prefix");
  CHECK(lce_option_integer(bytes, size, "", &value) == LCE_OPTION_MISSING, "no key");
  CHECK(lce_option_integer(NULL, 0, "padding", &value) == LCE_OPTION_MALFORMED, "no options");

  // As another writer packs them: {"a": 2, "b": 300} in widths of two bytes, {"f": 1.5},
  // {"n": -70000, "t": true} in four bytes, {"i": -5, "u": 7} as indirect integers.
  static const uint8_t NARROW[] = {97, 0, 98, 0, 2, 5, 4, 0, 3, 0, 1, 0, 2, 0, 2, 0, 44, 1, 5, 5, 6, 37, 1};
  static const uint8_t REAL[] = {102, 0, 1, 3, 1, 0, 0, 0, 1,   0,  0,  0, 1,
                                 0,   0, 0, 0, 0, 192, 63, 14, 5, 38, 1};
  static const uint8_t MIXED[] = {110, 0, 116, 0, 2, 5, 4, 0, 3,   0,   0,   0, 1, 0, 0, 0, 2, 0,
                                  0,   0, 144, 238, 254, 255, 1, 0, 0, 0, 6, 106, 10, 38, 1};
  static const uint8_t INDIRECT[] = {105, 0, 251, 117, 0, 7, 2, 7, 5, 2, 1, 2, 10, 8, 24, 28, 4, 36, 1};
  const struct {
    const uint8_t* bytes;
    size_t size;
    const char* key;
    lce_option_status status;
    int64_t value;
  } others[] = {{NARROW, sizeof NARROW, "a", LCE_OPTION_OK, 2},
                {NARROW, sizeof NARROW, "b", LCE_OPTION_OK, 300},
                {REAL, sizeof REAL, "f", LCE_OPTION_TYPE, 0},
                {MIXED, sizeof MIXED, "n", LCE_OPTION_OK, -70000},
                {MIXED, sizeof MIXED, "t", LCE_OPTION_OK, 1},
                {INDIRECT, sizeof INDIRECT, "i", LCE_OPTION_OK, -5},
                {INDIRECT, sizeof INDIRECT, "u", LCE_OPTION_OK, 7}};
  for (size_t i = 0; i < sizeof others / sizeof others[0]; ++i) {
    value = 0;
    CHECK(lce_option_integer(others[i].bytes, others[i].size, others[i].key, &value) ==
                  others[i].status && value == others[i].value,
          "%s is %lld", others[i].key, (long long)value);
  }

  // No prefix and no change of a single byte leads outside (AddressSanitizer sees to that), and a
  // map that was cut off is not read.
  for (size_t cut = 0; cut < size; ++cut) {
    uint8_t copy[256];
    memcpy(copy, bytes, cut);
    CHECK(lce_option_integer(copy, cut, "padding", &value) != LCE_OPTION_OK || value != 1,
          "a map of %zu bytes cut to %zu", size, cut);
  }
  for (size_t at = 0; at < size; ++at) {
    for (int changed = 0; changed < 256; ++changed) {
      uint8_t copy[256];
      memcpy(copy, bytes, size);
      copy[at] = (uint8_t)changed;
      (void)lce_option_integer(copy, size, "stride_height", &value);
    }
  }
  return check_result();
}
