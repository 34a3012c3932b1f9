// Tiles with AVX2: pairs of products are summed up in 16 bits, and these sums in 32 before they can
// overflow.
#include <immintrin.h>
#include <string.h>

#include "tile.h"

enum {
  ROWS = 3,
  VECTORS = COLUMNS / 8,
  // Steps of four bytes whose products one 16-bit lane can sum up: 2 x 255 each, at most.
  NARROW_STEPS = 64,
};

static inline __attribute__((always_inline)) void widen(const int rows, __m256i wide[ROWS][VECTORS],
                                                        __m256i narrow[ROWS][VECTORS]) {
  const __m256i ones = _mm256_set1_epi16(1);
  for (int r = 0; r < rows; ++r) {
    for (int v = 0; v < VECTORS; ++v) {
      wide[r][v] = _mm256_add_epi32(wide[r][v], _mm256_madd_epi16(narrow[r][v], ones));
      narrow[r][v] = _mm256_setzero_si256();
    }
  }
}

static inline __attribute__((always_inline)) void tile_of(const int rows, const Tile *tile,
                                                          int32_t sums[MAX_ROWS][COLUMNS]) {
  __m256i wide[ROWS][VECTORS], narrow[ROWS][VECTORS];
  for (int r = 0; r < rows; ++r)
    for (int v = 0; v < VECTORS; ++v) wide[r][v] = narrow[r][v] = _mm256_setzero_si256();

  const int8_t *b = tile->b;
  int pending = 0;  // steps in the narrow sums
  for (int s = 0; s < tile->segment_count; ++s) {
    for (int first = 0; first < tile->steps; first += NARROW_STEPS) {
      const int left = tile->steps - first;
      const int steps = left < NARROW_STEPS ? left : NARROW_STEPS;
      if (pending + steps > NARROW_STEPS) {
        widen(rows, wide, narrow);
        pending = 0;
      }
      pending += steps;
      const ptrdiff_t offset = tile->segments[s] + 4 * (ptrdiff_t)first;
      for (int k = 0; k < steps; ++k, b += 4 * COLUMNS) {
        __m256i row[ROWS];
        for (int r = 0; r < rows; ++r) {
          int32_t four;
          memcpy(&four, tile->a[r] + offset + 4 * k, sizeof four);
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
      _mm256_storeu_si256((__m256i *)(sums[r] + 8 * v), wide[r][v]);
}

static void run(int rows, const Tile *tile, int32_t sums[MAX_ROWS][COLUMNS]) {
  switch (rows) {
    case 3: tile_of(3, tile, sums); break;
    case 2: tile_of(2, tile, sums); break;
    default: tile_of(1, tile, sums);
  }
}

const TileKernel tile_u8s8_3x32__avx2 = {"avx2", ROWS, run};
