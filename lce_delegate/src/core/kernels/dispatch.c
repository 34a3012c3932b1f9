// The one place that decides which kernel of list.h is used, and how weights are packed for it.
#include <string.h>

#include "kernel.h"

const lce_kernel* const lce_kernels[] = {
#define KERNEL(name) &lce_kernel_##name,
#include "list.h"
#undef KERNEL
    NULL,
};

static bool same_name(const char* a, const char* b) {
  for (; *a == *b; ++a, ++b) {
    if (*a == '\0') return true;
  }
  return false;
}

const lce_kernel* lce_find_kernel(const char* instruction_set) {
  for (const lce_kernel* const* kernel = lce_kernels; *kernel != NULL; ++kernel) {
    if (instruction_set != NULL && !same_name((*kernel)->instruction_set, instruction_set)) continue;
    if ((*kernel)->supported()) return *kernel;
  }
  return NULL;
}

const char* lce_kernel_name(const lce_kernel* kernel) { return kernel->instruction_set; }

size_t lce_packed_weights_words(const lce_kernel* kernel, size_t channels, size_t words) {
  const size_t lanes = (size_t)kernel->weight_lanes;
  return (channels + lanes - 1) / lanes * lanes * words * (kernel->weight_bits == 4 ? 2 : 1);
}

void lce_pack_weights(const lce_kernel* kernel, const uint32_t* weights, size_t channels,
                      size_t words, void* packed) {
  const size_t lanes = (size_t)kernel->weight_lanes;
  memset(packed, 0, lce_packed_weights_words(kernel, channels, words) * sizeof(uint32_t));
  for (size_t c = 0; c < channels; ++c, weights += words) {
    const size_t first = lce_packed_weights_words(kernel, c / lanes * lanes, words);
    uint32_t* block = (uint32_t*)packed + first;
    for (size_t k = 0; k < words; ++k) {
      if (kernel->weight_bits == 32) {
        block[k * lanes + c % lanes] = weights[k];
      } else {
        uint8_t* lane = (uint8_t*)block + 8 * k * lanes + c % lanes;
        for (size_t i = 0; i < 8; ++i) lane[i * lanes] = weights[k] >> (4 * i) & 15;
      }
    }
  }
}
