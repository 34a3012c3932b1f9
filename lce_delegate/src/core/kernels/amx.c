// The product of matrices of bytes on x86-64 processors with AMX (Sapphire Rapids and later, Linux).
// One instruction takes sixteen pixels by sixteen channels by 64 bits in sixteen cycles, three times
// what VPOPCNTDQ can do; four of them share two tiles of activations and two of weights.
#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

#include "kernel.h"
#include "target.h"
#include "x86_features.h"

static bool supported(void) { return lce_x86_has_avx512vpopcntdq() && lce_x86_has_amx(); }

#if defined(__clang__)
LCE_TARGET_BEGIN("avx512f,avx512bw,amx-tile,amx-int8")
#else
LCE_TARGET_BEGIN("avx512f,avx512bw,amx-tile,amx-int8,prefer-vector-width=512")
#endif

enum {
  TILE_ROWS = 16,
  TILE_BYTES = 1024,
  STEP_BITS = 64,             // of a channel, that a tile's rows take
  STEP_ROWS = 2 * TILE_ROWS,  // of weights for LCE_MATRIX_SIDE channels
};

// All eight tiles are whole: sixteen rows of 64 bytes. Constant, for the intrinsic does not tell the
// compiler that all of it is read.
static const struct {
  uint8_t palette, start_row, reserved[14];
  uint16_t row_bytes[16];
  uint8_t rows[16];
} CONFIGURATION = {1, 0, {0}, {64, 64, 64, 64, 64, 64, 64, 64},
                   {TILE_ROWS, TILE_ROWS, TILE_ROWS, TILE_ROWS, TILE_ROWS, TILE_ROWS, TILE_ROWS,
                    TILE_ROWS}};

static void begin(void) { _tile_loadconfig(&CONFIGURATION); }

static void end(void) { _tile_release(); }

static void expand(const uint32_t* packed, size_t words, uint32_t* expanded) {
  const __m512i one = _mm512_set1_epi8(1);
  for (size_t i = 0; i < words; i += 2, expanded += 16) {
    const uint64_t bits = packed[i] | (uint64_t)packed[i + 1] << 32;
    _mm512_storeu_si512(expanded, _mm512_maskz_mov_epi8(bits, one));
  }
}

// Row r of sixteen channels has four bits, 4 r to 4 r + 3 of a step, of each of them: two words.
static void pack(const uint32_t* weights, size_t channels, size_t words, uint32_t* packed) {
  memset(packed, 0, LCE_MATRIX_SIDE * words * sizeof *packed);
  for (size_t c = 0; c < channels; ++c, weights += words) {
    for (size_t i = 0; i < 8 * words; ++i) {  // four bits
      const uint32_t bits = weights[i / 8] >> (4 * (i % 8)) & 15;
      const size_t row = i / 16 * STEP_ROWS + c / 16 * 16 + i % 16;
      packed[2 * row + c % 16 / 8] |= bits << (4 * (c % 8));
    }
  }
}

static void expand_weights(const uint32_t* packed, size_t words, int8_t* weights) {
  const __m512i one = _mm512_set1_epi8(1), minus_one = _mm512_set1_epi8(-1);
  for (size_t i = 0; i < words; i += 2, weights += 64) {
    const uint64_t bits = packed[i] | (uint64_t)packed[i + 1] << 32;
    _mm512_store_si512(weights, _mm512_mask_blend_epi8(bits, one, minus_one));
  }
}

static void multiply(const lce_window* window, const uint8_t* activations, size_t pixel_bytes,
                     const void* packed, const int32_t* counts,
                     int32_t (*accumulators)[LCE_BLOCK_CHANNELS]) {
  const int8_t* weights = packed;
  // Tiles 0 to 3 are sums, 4 and 5 activations, 6 and 7 weights.
  _tile_loadd(0, counts, 0);  // the same row sixteen times
  _tile_loadd(1, counts + 16, 0);
  _tile_loadd(2, counts, 0);
  _tile_loadd(3, counts + 16, 0);
  const size_t half = TILE_ROWS * pixel_bytes;
  for (size_t r = 0; r < window->runs; ++r) {
    const uint8_t* x = activations + window->offsets[r];
    for (size_t k = 0; k < window->run_words; k += 2, x += STEP_BITS) {
      _tile_loadd(6, weights, 64);
      _tile_loadd(4, x, pixel_bytes);
      _tile_dpbssd(0, 4, 6);
      _tile_loadd(7, weights + TILE_BYTES, 64);
      _tile_dpbssd(1, 4, 7);
      _tile_loadd(5, x + half, pixel_bytes);
      _tile_dpbssd(2, 5, 6);
      _tile_dpbssd(3, 5, 7);
      weights += 2 * TILE_BYTES;
    }
  }
  const size_t row = LCE_BLOCK_CHANNELS * sizeof(int32_t);
  _tile_stored(0, &accumulators[0][0], row);
  _tile_stored(1, &accumulators[0][16], row);
  _tile_stored(2, &accumulators[TILE_ROWS][0], row);
  _tile_stored(3, &accumulators[TILE_ROWS][16], row);
}
LCE_TARGET_END

const lce_matrix lce_matrix_amx = {
    .bits = 8,
    .step_words = STEP_BITS / 32,
    .supported = supported,
    .begin = begin,
    .end = end,
    .pack = pack,
    .expand = expand,
    .expand_weights = expand_weights,
    .multiply = multiply,
    .step_cost = 16,
    .tile_cost = 14,
};
#endif  // defined(__x86_64__)
