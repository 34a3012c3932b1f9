// Kernels for WebAssembly with SIMD128, which browsers have had since 2021 (Safari: 2023). A module
// without it is refused by a browser that lacks it, so the choice is made when compiling: -msimd128.
#if defined(__wasm_simd128__)
#include <string.h>
#include <wasm_simd128.h>

#include "kernel.h"
#include "output.h"
#include "signs.h"

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

LCE_ALWAYS_INLINE void compare_pixel(const int32_t* accumulators, const int32_t* thresholds,
                                     uint32_t output[2]) {
  uint32_t bits[4];
  for (int half = 0; half < 4; ++half) {
    v128_t above[4];
    for (int i = 0; i < 4; ++i) {
      const int at = 16 * half + 4 * i;
      above[i] = wasm_i32x4_gt(wasm_v128_load(accumulators + at), wasm_v128_load(thresholds + at));
    }
    bits[half] = mask_bits(above);
  }
  output[0] = bits[0] | bits[1] << 16;
  output[1] = bits[2] | bits[3] << 16;
}

LCE_DEFINE_COMPARE(compare_pixel)

static void pack_float(const float* values, size_t words, uint32_t* packed) {
  uint16_t bits;
  for (size_t half = 0; half < 2 * words; ++half, values += 16) {
    v128_t below[4];
    for (int i = 0; i < 4; ++i) {
      below[i] = wasm_f32x4_lt(wasm_v128_load(values + 4 * i), wasm_f32x4_const_splat(0.0f));
    }
    bits = (uint16_t)mask_bits(below);
    memcpy((uint16_t*)packed + half, &bits, sizeof bits);
  }
}

static void pack_int8(const int8_t* values, int8_t zero_point, size_t words, uint32_t* packed) {
  const v128_t zero = wasm_i8x16_splat(zero_point);
  for (size_t word = 0; word < words; ++word, values += 32) {
    packed[word] = (uint32_t)wasm_i8x16_bitmask(wasm_i8x16_lt(wasm_v128_load(values), zero)) |
                   (uint32_t)wasm_i8x16_bitmask(wasm_i8x16_lt(wasm_v128_load(values + 16), zero))
                       << 16;
  }
}

typedef int16_t signs_vector __attribute__((vector_size(16)));
LCE_DEFINE_SUM_SIGNS(signs_vector)

static void compare_signs(const int16_t* sums, const int16_t* limits, uint32_t bits[2]) {
  for (int word = 0; word < 2; ++word) {
    v128_t below[4];
    for (int i = 0; i < 4; ++i) {
      const int at = 32 * word + 8 * i;
      below[i] = wasm_i16x8_lt(wasm_v128_load(sums + at), wasm_v128_load(limits + at));
    }
    bits[word] =
        (uint32_t)wasm_i8x16_bitmask(wasm_i8x16_narrow_i16x8(below[0], below[1])) |
        (uint32_t)wasm_i8x16_bitmask(wasm_i8x16_narrow_i16x8(below[2], below[3])) << 16;
  }
}

LCE_DEFINE_CONVOLVE_SIGNS(compare_signs)

const lce_kernel lce_kernel_wasm_simd128 = {
    .name = "bconv_2x16__wasm_simd128_popcnt",
    .instruction_set = "wasm_simd128",
    .supported = supported,
    .tile_pixels = TILE_PIXELS,
    .weight_lanes = LANES,
    .weight_bits = 32,
    .activation_words = 1,
    .expand = NULL,
    .accumulate = accumulate_2x16,
    .compare = compare,
    .to_float = lce_to_float,
    .to_int8 = lce_to_int8,
    .pack_float = pack_float,
    .pack_int8 = pack_int8,
    .convolve_signs = convolve_signs,
};
#endif  // defined(__wasm_simd128__)
