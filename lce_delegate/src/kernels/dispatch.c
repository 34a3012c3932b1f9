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
  return (channels + lanes - 1) / lanes * lanes * words;
}

void lce_pack_weights(const lce_kernel* kernel, const uint32_t* weights, size_t channels,
                      size_t words, void* packed) {
  const size_t lanes = (size_t)kernel->weight_lanes, unit = (size_t)kernel->weight_unit;
  const size_t units = words * sizeof(uint32_t) / unit;
  const uint8_t* source = (const uint8_t*)weights;
  uint8_t* target = packed;
  memset(packed, 0, lce_packed_weights_words(kernel, channels, words) * sizeof(uint32_t));
  for (size_t c = 0; c < channels; ++c) {
    uint8_t* block = target + c / lanes * lanes * units * unit;
    for (size_t k = 0; k < units; ++k) {
      memcpy(block + (k * lanes + c % lanes) * unit, source + (c * units + k) * unit, unit);
    }
  }
}
