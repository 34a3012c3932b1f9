// The one place that knows which kernels there are and which of them this processor runs.
#include <string.h>

#include "kernel.h"

const lce_kernel* const lce_kernels[] = {
#if defined(LCE_WITH_AVX512)
    &lce_bconv_avx512,
#endif
#if defined(LCE_WITH_AVX2)
    &lce_bconv_avx2,
#endif
#if defined(LCE_WITH_NEON)
    &lce_bconv_neon,
#endif
#if defined(LCE_WITH_NEON_ARMV7)
    &lce_bconv_neon_armv7,
#endif
    &lce_bconv_portable,
    NULL,
};

const lce_kernel* lce_find_kernel(const char* instruction_set) {
  for (const lce_kernel* const* kernel = lce_kernels; *kernel != NULL; ++kernel) {
    if (instruction_set != NULL && strcmp((*kernel)->instruction_set, instruction_set) != 0) continue;
    if ((*kernel)->supported()) return *kernel;
  }
  return NULL;
}

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
