// Tiles with AVX2: pairs of products are summed up in 16 bits, and these sums in 32 before they can
// overflow.
#include <immintrin.h>
#include <string.h>

#include "tile.h"

enum {
  SOME = 3,  // rows whose narrow sums stay in registers
  VECTORS = COLUMNS / 8,
  // Steps of four bytes whose products one 16-bit lane can sum up: 2 x 255 each, at most.
  NARROW_STEPS = 64,
};

static inline __attribute__((always_inline)) void widen(const int rows, __m256i wide[SOME][VECTORS],
                                                        __m256i narrow[SOME][VECTORS]) {
  const __m256i ones = _mm256_set1_epi16(1);
  for (int r = 0; r < rows; ++r) {
    for (int v = 0; v < VECTORS; ++v) {
      wide[r][v] = _mm256_add_epi32(wide[r][v], _mm256_madd_epi16(narrow[r][v], ones));
      narrow[r][v] = _mm256_setzero_si256();
    }
  }
}

static inline __attribute__((always_inline)) void add_rows(const int first_row, const int rows,
                                                           const Tile *tile, TileSums sums) {
  __m256i wide[SOME][VECTORS], narrow[SOME][VECTORS];
  for (int r = 0; r < rows; ++r) {
    for (int v = 0; v < VECTORS; ++v) {
      wide[r][v] = _mm256_loadu_si256((const __m256i *)(sums[first_row + r] + 8 * v));
      narrow[r][v] = _mm256_setzero_si256();
    }
  }
  const int8_t *b = tile->b;
  int pending = 0;  // steps in the narrow sums
  for (int s = 0; s < tile->segment_count; ++s) {
    const uint8_t *a = tile->a + first_row * tile->pitch + tile->segments[s];
    for (int first = 0; first < tile->steps; first += NARROW_STEPS) {
      const int left = tile->steps - first;
      const int steps = left < NARROW_STEPS ? left : NARROW_STEPS;
      if (pending + steps > NARROW_STEPS) {
        widen(rows, wide, narrow);
        pending = 0;
      }
      pending += steps;
      for (int k = 0; k < steps; ++k, a += 4, b += 4 * COLUMNS) {
        __m256i row[SOME];
        for (int r = 0; r < rows; ++r) {
          int32_t four;
          memcpy(&four, a + r * tile->pitch, sizeof four);
          row[r] = _mm256_set1_epi32(four);
        }
        for (int v = 0; v < VECTORS; ++v) {
          const __m256i columns = _mm256_loadu_si256((const __m256i *)(b + 32 * v));
          for (int r = 0; r < rows; ++r)
            narrow[r][v] = _mm256_add_epi16(narrow[r][v], _mm256_maddubs_epi16(row[r], columns));
        }
      }
    }
  }
  widen(rows, wide, narrow);
  for (int r = 0; r < rows; ++r)
    for (int v = 0; v < VECTORS; ++v)
      _mm256_storeu_si256((__m256i *)(sums[first_row + r] + 8 * v), wide[r][v]);
}

static void run(const Tile *tile, TileSums sums) {
  for (int first = 0; first + SOME <= ROWS; first += SOME) add_rows(first, SOME, tile, sums);
  add_rows(ROWS - ROWS % SOME, ROWS % SOME, tile, sums);
}

static void nothing(void) {}

const TileKernel tile_u8s8_32x32__avx2 = {"avx2", nothing, run, nothing};
