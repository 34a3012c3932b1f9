// Sums of whole numbers times -1 or +1 as vectors of GNU C, which compilers turn into each
// instruction set's own. Included by every kernel file after its target.
#ifndef LCE_CORE_KERNELS_SIGNS_H_
#define LCE_CORE_KERNELS_SIGNS_H_

#include <string.h>

#include "kernel.h"
#include "target.h"

// sums[c] of one pixel, sum over t of taps[t][at] * weights[t][c]. VECTOR is a vector of int16.
#define LCE_DEFINE_SUM_SIGNS(VECTOR)                                                             \
  LCE_ALWAYS_INLINE void lce_sum_signs(const int16_t* const* taps, size_t at,                   \
                                       const lce_sign_block* block,                             \
                                       int16_t sums[LCE_BLOCK_CHANNELS]) {                      \
    enum { VECTORS = LCE_BLOCK_CHANNELS * sizeof(int16_t) / sizeof(VECTOR) };                   \
    VECTOR sum[VECTORS], weight[VECTORS];                                                       \
    LCE_UNROLL for (int i = 0; i < (int)VECTORS; ++i) sum[i] = (VECTOR){0};                     \
    for (int t = 0; t < block->taps; ++t) {                                                     \
      const int16_t value = taps[t][at];                                                        \
      memcpy(weight, block->weights + t * LCE_BLOCK_CHANNELS, sizeof weight);                   \
      LCE_UNROLL for (int i = 0; i < (int)VECTORS; ++i) sum[i] += weight[i] * value;            \
    }                                                                                           \
    memcpy(sums, sum, sizeof sum);                                                              \
  }

// All pixels of a row. COMPARE(sums, limits, bits) sets bit c of two words if sums[c] < limits[c].
#define LCE_DEFINE_CONVOLVE_SIGNS(COMPARE)                                                       \
  static void convolve_signs(const int16_t* const* taps, size_t stride, size_t pixels,          \
                             const lce_sign_block* block, uint32_t* output, size_t pitch) {     \
    for (size_t p = 0; p < pixels; ++p, output += pitch) {                                      \
      int16_t sums[LCE_BLOCK_CHANNELS];                                                         \
      uint32_t bits[2];                                                                         \
      lce_sum_signs(taps, p * stride, block, sums);                                             \
      COMPARE(sums, block->limits, bits);                                                       \
      output[0] = bits[0];                                                                      \
      if (block->words > 1) output[1] = bits[1];                                                \
    }                                                                                           \
  }

#endif  // LCE_CORE_KERNELS_SIGNS_H_
