// What a kernel does beside counting: results of a convolution from its accumulators, bits from real
// values, and the first layer. A template: a kernel's file includes it, for its own instruction set,
// after defining
//   above_bits(accumulators, thresholds)  bit i is accumulators[i] > thresholds[i], of 32 int32_t
//   below_bits(sums, limits)              bit i is sums[i] < limits[i], of 32 int16_t
//   negative_bits(values)                 bit i is values[i] < 0, of 32 float
//   lesser_bits(values, zero_point)       bit i is values[i] < zero_point, of 32 int8_t
//   signs_vector                          a vector of int16_t
// and then has LCE_EPILOGUE for its lce_kernel.
#ifndef LCE_CORE_KERNELS_EPILOGUE_H_
#define LCE_CORE_KERNELS_EPILOGUE_H_

#include <string.h>

#include "kernel.h"
#include "target.h"

// ---- Real results, in C that compilers vectorise. The arithmetic and its order are those of LCE, so
// that every bit agrees; contraction to fused multiply-adds must be off (-ffp-contract=off).

static inline float transformed(int32_t accumulator, const lce_output_transform* t, int channel) {
  int32_t x = 2 * accumulator;
  x = x < t->clamp_max ? x : t->clamp_max;
  x = x > t->clamp_min ? x : t->clamp_min;
  return (float)x * t->multiplier[channel] + t->bias[channel];
}

static void to_float(const int32_t* accumulators, const lce_output_transform* transform, int channels,
                     float* output) {
  const lce_output_transform t = *transform;  // not aliased by output
  for (int c = 0; c < channels; ++c) output[c] = transformed(accumulators[c], &t, c);
}

// Rounds half away from zero, and saturates. NaN becomes -128, as in LCE on x86.
static inline int8_t round_to_int8(float y) {
  y = y > -128.0f ? y : -128.0f;
  y = y < 127.0f ? y : 127.0f;
  const int32_t whole = (int32_t)y;
  const float rest = y - (float)whole;  // exact
  return (int8_t)(whole + (rest >= 0.5f) - (rest <= -0.5f));
}

static void to_int8(const int32_t* accumulators, const lce_output_transform* transform, int channels,
                    int8_t* output) {
  const lce_output_transform t = *transform;
  for (int c = 0; c < channels; ++c) {
    output[c] = round_to_int8(transformed(accumulators[c], &t, c));
  }
}

// ---- Bits.

static void compare(const int32_t (*accumulators)[LCE_BLOCK_CHANNELS], int pixels,
                    const int32_t* thresholds, int words, uint32_t* output, size_t pitch) {
  for (int p = 0; p < pixels; ++p, output += pitch) {
    output[0] = above_bits(accumulators[p], thresholds);
    if (words > 1) output[1] = above_bits(accumulators[p] + 32, thresholds + 32);
  }
}

static void pack_float(const float* values, size_t words, uint32_t* packed) {
  for (size_t word = 0; word < words; ++word) packed[word] = negative_bits(values + 32 * word);
}

static void pack_int8(const int8_t* values, int8_t zero_point, size_t words, uint32_t* packed) {
  for (size_t word = 0; word < words; ++word) {
    packed[word] = lesser_bits(values + 32 * word, zero_point);
  }
}

// ---- The first layer: sums of whole numbers times -1 or +1.

// sums[c] of one pixel, sum over t of taps[t][at] * weights[t][c].
LCE_ALWAYS_INLINE void sum_signs(const int16_t* const* taps, size_t at, const lce_sign_block* block,
                                 int16_t sums[LCE_BLOCK_CHANNELS]) {
  enum { VECTORS = LCE_BLOCK_CHANNELS * sizeof(int16_t) / sizeof(signs_vector) };
  signs_vector sum[VECTORS];
  LCE_UNROLL for (int i = 0; i < (int)VECTORS; ++i) sum[i] = (signs_vector){0};
  for (int t = 0; t < block->taps; ++t) {
    const int16_t value = taps[t][at];
    const uint8_t* weights = (const uint8_t*)(block->weights + t * LCE_BLOCK_CHANNELS);
    LCE_UNROLL for (int i = 0; i < (int)VECTORS; ++i) {
      signs_vector weight;  // one by one: GCC copies a whole array to the stack first
      memcpy(&weight, weights + i * sizeof weight, sizeof weight);
      sum[i] += weight * value;
    }
  }
  memcpy(sums, sum, sizeof sum);
}

static void convolve_signs(const int16_t* const* taps, size_t stride, size_t pixels,
                           const lce_sign_block* block, uint32_t* output, size_t pitch) {
  for (size_t p = 0; p < pixels; ++p, output += pitch) {
    int16_t sums[LCE_BLOCK_CHANNELS];
    sum_signs(taps, p * stride, block, sums);
    output[0] = below_bits(sums, block->limits);
    if (block->words > 1) output[1] = below_bits(sums + 32, block->limits + 32);
  }
}

#define LCE_EPILOGUE                                                                           \
  .compare = compare, .to_float = to_float, .to_int8 = to_int8, .pack_float = pack_float,     \
  .pack_int8 = pack_int8, .convolve_signs = convolve_signs

#endif  // LCE_CORE_KERNELS_EPILOGUE_H_
