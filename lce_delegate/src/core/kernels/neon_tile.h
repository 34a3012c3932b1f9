// What both NEON files share: xor, popcount of bytes and addition, with four output channels in a
// register. The files differ in the channels of a tile, which follow the number of registers, 32 in
// ARMv8 and 16 in ARMv7.
#ifndef LCE_CORE_KERNELS_NEON_TILE_H_
#define LCE_CORE_KERNELS_NEON_TILE_H_

#include <arm_neon.h>
#include <string.h>

#include "kernel.h"
#include "target.h"

enum {
  LCE_NEON_WORDS_PER_FLUSH = 31,  // a word adds at most 8 to each byte of counts
  LCE_NEON_TILE_PIXELS = 4,
};

// Adds counts of eight bits, four to a channel, to the accumulators of four channels.
LCE_ALWAYS_INLINE void lce_neon_flush(uint8x16_t counts, int32_t* accumulators) {
  const uint32x4_t sums = vreinterpretq_u32_s32(vld1q_s32(accumulators));
  vst1q_s32(accumulators, vreinterpretq_s32_u32(vpadalq_u16(sums, vpaddlq_u8(counts))));
}

// P pixels by one block of 4 Q channels; P and Q are constants wherever this is inlined.
LCE_ALWAYS_INLINE void lce_neon_accumulate_tile(const lce_window* window,
                                                const uint8_t* const* pixels, int P,
                                                const uint32_t* weights, int Q,
                                                lce_accumulators accumulators, int first_pixel,
                                                int first_channel) {
  uint8x16_t counts[LCE_NEON_TILE_PIXELS][4];
  for (int p = 0; p < P; ++p) {
    for (int q = 0; q < Q; ++q) counts[p][q] = vdupq_n_u8(0);
    memset(&accumulators[first_pixel + p][first_channel], 0, (size_t)(4 * Q) * sizeof(int32_t));
  }

  size_t until_flush = LCE_NEON_WORDS_PER_FLUSH;
  const uint32_t* w = weights;
  for (size_t r = 0; r < window->runs; ++r) {
    const uint32_t* x[LCE_NEON_TILE_PIXELS];
    for (int p = 0; p < P; ++p) {
      x[p] = (const uint32_t*)(pixels[first_pixel + p] + window->offsets[r]);
    }
    for (size_t left = window->run_words; left > 0;) {
      const size_t n = left < until_flush ? left : until_flush;
      for (size_t k = 0; k < n; ++k, w += 4 * Q) {
        uint32x4_t v[4];
        for (int q = 0; q < Q; ++q) v[q] = vld1q_u32(w + 4 * q);
        for (int p = 0; p < P; ++p) {
          const uint32x4_t word = vld1q_dup_u32(x[p] + k);
          for (int q = 0; q < Q; ++q) {
            const uint8x16_t differ = vreinterpretq_u8_u32(veorq_u32(v[q], word));
            counts[p][q] = vaddq_u8(counts[p][q], vcntq_u8(differ));
          }
        }
      }
      for (int p = 0; p < P; ++p) x[p] += n;
      left -= n;
      until_flush -= n;
      if (until_flush > 0) continue;
      until_flush = LCE_NEON_WORDS_PER_FLUSH;
      for (int p = 0; p < P; ++p) {
        for (int q = 0; q < Q; ++q) {
          lce_neon_flush(counts[p][q], &accumulators[first_pixel + p][first_channel + 4 * q]);
          counts[p][q] = vdupq_n_u8(0);
        }
      }
    }
  }
  for (int p = 0; p < P; ++p) {
    for (int q = 0; q < Q; ++q) {
      lce_neon_flush(counts[p][q], &accumulators[first_pixel + p][first_channel + 4 * q]);
    }
  }
}

// All channels, in blocks of 4 Q, as `accumulate` of lce_kernel wants them.
LCE_ALWAYS_INLINE void lce_neon_accumulate(const lce_window* window, const uint8_t* const* pixels,
                                           int pixel_count, const uint32_t* weights, int Q,
                                           int channels, lce_accumulators accumulators) {
  const size_t block = window->runs * window->run_words * (size_t)(4 * Q);
  for (int c = 0; c < channels; c += 4 * Q, weights += block) {
    if (pixel_count == LCE_NEON_TILE_PIXELS) {
      lce_neon_accumulate_tile(window, pixels, LCE_NEON_TILE_PIXELS, weights, Q, accumulators, 0, c);
      continue;
    }
    for (int p = 0; p < pixel_count; ++p) {
      lce_neon_accumulate_tile(window, pixels, 1, weights, Q, accumulators, p, c);
    }
  }
}

// Makes a word of 32 masks, each all ones or all zeros, given as four bytes times eight.
LCE_ALWAYS_INLINE uint32_t lce_neon_mask_bits(uint8x16_t low, uint8x16_t high) {
  static const uint8_t BITS[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
  const uint8x16_t bits = vld1q_u8(BITS);
  // Three pairwise additions leave one byte for each eight masks.
  const uint8x16_t a = vandq_u8(low, bits), b = vandq_u8(high, bits);
  uint8x8_t sum_a = vpadd_u8(vget_low_u8(a), vget_high_u8(a));
  uint8x8_t sum_b = vpadd_u8(vget_low_u8(b), vget_high_u8(b));
  uint8x8_t sum = vpadd_u8(sum_a, sum_b);
  sum = vpadd_u8(sum, sum);
  return vget_lane_u32(vreinterpret_u32_u8(sum), 0);
}

// Narrows the masks of sixteen words to bytes.
LCE_ALWAYS_INLINE uint8x16_t lce_neon_narrow(uint32x4_t a, uint32x4_t b, uint32x4_t c,
                                             uint32x4_t d) {
  const uint16x8_t ab = vcombine_u16(vmovn_u32(a), vmovn_u32(b));
  const uint16x8_t cd = vcombine_u16(vmovn_u32(c), vmovn_u32(d));
  return vcombine_u8(vmovn_u16(ab), vmovn_u16(cd));
}

LCE_ALWAYS_INLINE uint32_t above_bits(const int32_t* accumulators, const int32_t* thresholds) {
  uint32x4_t above[8];
  for (int i = 0; i < 8; ++i) {
    above[i] = vcgtq_s32(vld1q_s32(accumulators + 4 * i), vld1q_s32(thresholds + 4 * i));
  }
  return lce_neon_mask_bits(lce_neon_narrow(above[0], above[1], above[2], above[3]),
                            lce_neon_narrow(above[4], above[5], above[6], above[7]));
}

LCE_ALWAYS_INLINE uint32_t below_bits(const int16_t* sums, const int16_t* limits) {
  uint16x8_t below[4];
  for (int i = 0; i < 4; ++i) below[i] = vcltq_s16(vld1q_s16(sums + 8 * i), vld1q_s16(limits + 8 * i));
  return lce_neon_mask_bits(vcombine_u8(vmovn_u16(below[0]), vmovn_u16(below[1])),
                            vcombine_u8(vmovn_u16(below[2]), vmovn_u16(below[3])));
}

LCE_ALWAYS_INLINE uint32_t negative_bits(const float* values) {
  uint32x4_t below[8];
  for (int i = 0; i < 8; ++i) below[i] = vcltq_f32(vld1q_f32(values + 4 * i), vdupq_n_f32(0.0f));
  return lce_neon_mask_bits(lce_neon_narrow(below[0], below[1], below[2], below[3]),
                            lce_neon_narrow(below[4], below[5], below[6], below[7]));
}

LCE_ALWAYS_INLINE uint32_t lesser_bits(const int8_t* values, int8_t zero_point) {
  const int8x16_t zero = vdupq_n_s8(zero_point);
  return lce_neon_mask_bits(vcltq_s8(vld1q_s8(values), zero), vcltq_s8(vld1q_s8(values + 16), zero));
}

typedef int16x8_t signs_vector;
#include "epilogue.h"

// The kernel lce_kernel_ID with tiles of 4 REGISTERS channels, which `supported` tells of.
#define LCE_NEON_KERNEL(ID, NAME, REGISTERS)                                                   \
  static void accumulate(const lce_window* window, const uint8_t* const* pixels,              \
                         int pixel_count, const void* weights, int channels,                  \
                         lce_accumulators accumulators) {                                     \
    lce_neon_accumulate(window, pixels, pixel_count, weights, REGISTERS, channels,            \
                        accumulators);                                                        \
  }                                                                                           \
  const lce_kernel lce_kernel_##ID = {                                                        \
      .name = NAME,                                                                           \
      .instruction_set = "neon",                                                              \
      .supported = supported,                                                                 \
      LCE_NEON_FIELDS(REGISTERS),                                                             \
  }

#define LCE_NEON_FIELDS(REGISTERS)                                                            \
  .tile_pixels = LCE_NEON_TILE_PIXELS, .weight_lanes = 4 * REGISTERS, .weight_bits = 32,      \
  .activation_words = 1, .accumulate = accumulate, LCE_EPILOGUE

#endif  // LCE_CORE_KERNELS_NEON_TILE_H_
