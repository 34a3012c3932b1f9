// The real-valued results of a convolution, in C that compilers vectorise for each instruction set.
// Included by every kernel file after its target.
//
// The arithmetic and its order are those of LCE, so that every bit agrees; contraction to fused
// multiply-adds must be off (-ffp-contract=off).
#ifndef LCE_CORE_KERNELS_OUTPUT_H_
#define LCE_CORE_KERNELS_OUTPUT_H_

#include "kernel.h"
#include "target.h"

static inline float lce_transform(int32_t accumulator, const lce_output_transform* t, int channel) {
  int32_t x = 2 * accumulator;
  x = x < t->clamp_max ? x : t->clamp_max;
  x = x > t->clamp_min ? x : t->clamp_min;
  return (float)x * t->multiplier[channel] + t->bias[channel];
}

static void lce_to_float(const int32_t* accumulators, const lce_output_transform* transform,
                         int channels, float* output) {
  const lce_output_transform t = *transform;  // not aliased by output
  for (int c = 0; c < channels; ++c) output[c] = lce_transform(accumulators[c], &t, c);
}

// Rounds half away from zero, and saturates. NaN becomes -128, as in LCE on x86.
static inline int8_t lce_round_to_int8(float y) {
  y = y > -128.0f ? y : -128.0f;
  y = y < 127.0f ? y : 127.0f;
  const int32_t whole = (int32_t)y;
  const float rest = y - (float)whole;  // exact
  return (int8_t)(whole + (rest >= 0.5f) - (rest <= -0.5f));
}

static void lce_to_int8(const int32_t* accumulators, const lce_output_transform* transform,
                        int channels, int8_t* output) {
  const lce_output_transform t = *transform;
  for (int c = 0; c < channels; ++c) output[c] = lce_round_to_int8(lce_transform(accumulators[c], &t, c));
}

// `compare` from COMPARE_PIXEL(accumulators, thresholds, bits), which is inlined.
#define LCE_DEFINE_COMPARE(COMPARE_PIXEL)                                                        \
  static void compare(const int32_t (*accumulators)[LCE_BLOCK_CHANNELS], int pixels,            \
                      const int32_t* thresholds, int words, uint32_t* output, size_t pitch) {   \
    for (int p = 0; p < pixels; ++p, output += pitch) {                                         \
      uint32_t bits[2];                                                                         \
      COMPARE_PIXEL(accumulators[p], thresholds, bits);                                         \
      output[0] = bits[0];                                                                      \
      if (words > 1) output[1] = bits[1];                                                       \
    }                                                                                           \
  }

#endif  // LCE_CORE_KERNELS_OUTPUT_H_
