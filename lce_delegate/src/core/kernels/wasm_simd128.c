// Kernels for WebAssembly with SIMD128, which browsers have had since 2021 (Safari: 2023). A module
// without it is refused by a browser that lacks it, so the choice is made when compiling: -msimd128.
#if defined(__wasm_simd128__)
#include <string.h>
#include <wasm_simd128.h>

#include "kernel.h"
#include "target.h"

static bool supported(void) { return true; }

enum {
  TILE_PIXELS = 2,
  REGISTERS = 4,  // of four channels
  LANES = 4 * REGISTERS,
  WORDS_PER_FLUSH = 31,  // a word adds at most 8 to each byte of counts
};

// Adds counts of eight bits, four to a channel, to the accumulators of four channels.
LCE_ALWAYS_INLINE void flush(v128_t counts, int32_t* accumulators) {
  const v128_t sums = wasm_u32x4_extadd_pairwise_u16x8(wasm_u16x8_extadd_pairwise_u8x16(counts));
  wasm_v128_store(accumulators, wasm_i32x4_add(wasm_v128_load(accumulators), sums));
}

// P pixels by one block of channels; P is a constant wherever this is inlined.
LCE_ALWAYS_INLINE void accumulate_tile(const lce_window* window, const uint8_t* const* pixels, int P,
                                       const uint32_t* weights, lce_accumulators accumulators,
                                       int first_channel) {
  v128_t counts[TILE_PIXELS][REGISTERS];
  for (int p = 0; p < P; ++p) {
    for (int q = 0; q < REGISTERS; ++q) counts[p][q] = wasm_i32x4_const_splat(0);
    memset(&accumulators[p][first_channel], 0, LANES * sizeof(int32_t));
  }

  size_t until_flush = WORDS_PER_FLUSH;
  const uint32_t* w = weights;
  for (size_t r = 0; r < window->runs; ++r) {
    const uint32_t* x[TILE_PIXELS];
    for (int p = 0; p < P; ++p) x[p] = (const uint32_t*)(pixels[p] + window->offsets[r]);
    for (size_t k = 0; k < window->run_words; ++k, w += LANES) {
      for (int p = 0; p < P; ++p) {
        const v128_t word = wasm_v128_load32_splat(x[p] + k);
        LCE_UNROLL for (int q = 0; q < REGISTERS; ++q) {
          const v128_t differ = wasm_v128_xor(wasm_v128_load(w + 4 * q), word);
          counts[p][q] = wasm_i8x16_add(counts[p][q], wasm_i8x16_popcnt(differ));
        }
      }
      if (--until_flush > 0) continue;
      until_flush = WORDS_PER_FLUSH;
      for (int p = 0; p < P; ++p) {
        for (int q = 0; q < REGISTERS; ++q) {
          flush(counts[p][q], &accumulators[p][first_channel + 4 * q]);
          counts[p][q] = wasm_i32x4_const_splat(0);
        }
      }
    }
  }
  for (int p = 0; p < P; ++p) {
    for (int q = 0; q < REGISTERS; ++q) {
      flush(counts[p][q], &accumulators[p][first_channel + 4 * q]);
    }
  }
}

static void accumulate_2x16(const lce_window* window, const uint8_t* const* pixels,
                            int pixel_count, const void* weights, int channels,
                            lce_accumulators accumulators) {
  const size_t block = window->runs * window->run_words * LANES;
  const uint32_t* w = weights;
  for (int c = 0; c < channels; c += LANES, w += block) {
    if (pixel_count == TILE_PIXELS) accumulate_tile(window, pixels, TILE_PIXELS, w, accumulators, c);
    else accumulate_tile(window, pixels, 1, w, accumulators, c);
  }
}

// A bit for each of sixteen masks of 32 bits.
LCE_ALWAYS_INLINE uint32_t mask_bits(const v128_t masks[4]) {
  return (uint32_t)wasm_i8x16_bitmask(
      wasm_i8x16_narrow_i16x8(wasm_i16x8_narrow_i32x4(masks[0], masks[1]),
                              wasm_i16x8_narrow_i32x4(masks[2], masks[3])));
}

LCE_ALWAYS_INLINE uint32_t above_bits(const int32_t* accumulators, const int32_t* thresholds) {
  uint32_t bits = 0;
  for (int at = 0; at < 32; at += 16) {
    v128_t above[4];
    for (int i = 0; i < 4; ++i) {
      above[i] = wasm_i32x4_gt(wasm_v128_load(accumulators + at + 4 * i),
                               wasm_v128_load(thresholds + at + 4 * i));
    }
    bits |= mask_bits(above) << at;
  }
  return bits;
}

LCE_ALWAYS_INLINE uint32_t below_bits(const int16_t* sums, const int16_t* limits) {
  v128_t below[4];
  for (int i = 0; i < 4; ++i) {
    below[i] = wasm_i16x8_lt(wasm_v128_load(sums + 8 * i), wasm_v128_load(limits + 8 * i));
  }
  return (uint32_t)wasm_i8x16_bitmask(wasm_i8x16_narrow_i16x8(below[0], below[1])) |
         (uint32_t)wasm_i8x16_bitmask(wasm_i8x16_narrow_i16x8(below[2], below[3])) << 16;
}

LCE_ALWAYS_INLINE uint32_t negative_bits(const float* values) {
  uint32_t bits = 0;
  for (int at = 0; at < 32; at += 16) {
    v128_t below[4];
    for (int i = 0; i < 4; ++i) {
      const v128_t four = wasm_v128_load(values + at + 4 * i);
      below[i] = wasm_f32x4_lt(four, wasm_f32x4_const_splat(0.0f));
    }
    bits |= mask_bits(below) << at;
  }
  return bits;
}

LCE_ALWAYS_INLINE uint32_t lesser_bits(const int8_t* values, int8_t zero_point) {
  const v128_t zero = wasm_i8x16_splat(zero_point);
  return (uint32_t)wasm_i8x16_bitmask(wasm_i8x16_lt(wasm_v128_load(values), zero)) |
         (uint32_t)wasm_i8x16_bitmask(wasm_i8x16_lt(wasm_v128_load(values + 16), zero)) << 16;
}

typedef int16_t signs_vector __attribute__((vector_size(16)));
#include "epilogue.h"

const lce_kernel lce_kernel_wasm_simd128 = {
    .name = "bconv_2x16__wasm_simd128_popcnt",
    .instruction_set = "wasm_simd128",
    .supported = supported,
    .tile_pixels = TILE_PIXELS,
    .weight_lanes = LANES,
    .weight_bits = 32,
    .activation_words = 1,
    .accumulate = accumulate_2x16,
    LCE_EPILOGUE,
};
#endif  // defined(__wasm_simd128__)
