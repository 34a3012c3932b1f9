// A convolution without vectors, one accumulator at a time. A template: a kernel's file includes it,
// for its own instruction set, after defining popcount64(bits).
#ifndef LCE_CORE_KERNELS_SCALAR_H_
#define LCE_CORE_KERNELS_SCALAR_H_

#include <string.h>

#include "kernel.h"
#include "target.h"

LCE_ALWAYS_INLINE uint64_t two_words(const uint32_t* words) {
  uint64_t both;
  memcpy(&both, words, sizeof both);
  return both;
}

static void accumulate(const lce_window* window, const uint8_t* const* pixels, int pixel_count,
                       const void* weights, int channels, lce_accumulators accumulators) {
  for (int p = 0; p < pixel_count; ++p) {
    const uint32_t* w = weights;
    for (int c = 0; c < channels; ++c) {
      int count = 0;
      for (size_t r = 0; r < window->runs; ++r) {
        const uint32_t* x = (const uint32_t*)(pixels[p] + window->offsets[r]);
        size_t k = 0;
        for (; k + 2 <= window->run_words; k += 2, w += 2) {
          count += popcount64(two_words(x + k) ^ two_words(w));
        }
        if (k < window->run_words) count += popcount64(x[k] ^ *w++);
      }
      accumulators[p][c] = count;
    }
  }
}

LCE_ALWAYS_INLINE uint32_t above_bits(const int32_t* accumulators, const int32_t* thresholds) {
  uint32_t bits = 0;
  for (int i = 0; i < 32; ++i) bits |= (uint32_t)(accumulators[i] > thresholds[i]) << i;
  return bits;
}

LCE_ALWAYS_INLINE uint32_t below_bits(const int16_t* sums, const int16_t* limits) {
  uint32_t bits = 0;
  for (int i = 0; i < 32; ++i) bits |= (uint32_t)(sums[i] < limits[i]) << i;
  return bits;
}

LCE_ALWAYS_INLINE uint32_t negative_bits(const float* values) {
  uint32_t bits = 0;
  for (int i = 0; i < 32; ++i) bits |= (uint32_t)(values[i] < 0.0f) << i;
  return bits;
}

LCE_ALWAYS_INLINE uint32_t lesser_bits(const int8_t* values, int8_t zero_point) {
  uint32_t bits = 0;
  for (int i = 0; i < 32; ++i) bits |= (uint32_t)(values[i] < zero_point) << i;
  return bits;
}

typedef int16_t signs_vector __attribute__((vector_size(16)));
#include "epilogue.h"

#define LCE_SCALAR                                                                             \
  .tile_pixels = 1, .weight_lanes = 1, .weight_bits = 32, .activation_words = 1,              \
  .accumulate = accumulate, LCE_EPILOGUE

#endif  // LCE_CORE_KERNELS_SCALAR_H_
