// Kernels for x86-64 processors with AVX2 (2013 and later).
//
// AVX2 has no popcount. A byte shuffle looks up sixteen entries at once, and a table with one entry
// for each value i of a half byte of weights, popcount(i ^ x), answers for one half byte x of
// activations and 32 output channels: xor and popcount are a single instruction. So a step over 4
// bits of 32 channels takes a shuffle and an addition, where the usual way (xor, and two look-ups of
// popcount by half bytes) takes four instructions.
//
// Hence one byte of weights per lane, 32 lanes, and activations that are expanded beforehand from
// half bytes to the distances of their tables.
#include <immintrin.h>
#include <string.h>

#include "kernel.h"
#include "output.h"
#include "x86_features.h"

static bool supported(void) { return lce_x86_has_avx2(); }

// TABLES[x][i] = popcount(x ^ i).
#define ROW(x)                                                                              \
  {                                                                                         \
    BITS((x) ^ 0), BITS((x) ^ 1), BITS((x) ^ 2), BITS((x) ^ 3), BITS((x) ^ 4),              \
        BITS((x) ^ 5), BITS((x) ^ 6), BITS((x) ^ 7), BITS((x) ^ 8), BITS((x) ^ 9),          \
        BITS((x) ^ 10), BITS((x) ^ 11), BITS((x) ^ 12), BITS((x) ^ 13), BITS((x) ^ 14),     \
        BITS((x) ^ 15)                                                                      \
  }
#define BITS(i) (((i) & 1) + ((i) >> 1 & 1) + ((i) >> 2 & 1) + ((i) >> 3 & 1))
static const uint8_t TABLES[16][16] __attribute__((aligned(64))) = {
    ROW(0), ROW(1), ROW(2),  ROW(3),  ROW(4),  ROW(5),  ROW(6),  ROW(7),
    ROW(8), ROW(9), ROW(10), ROW(11), ROW(12), ROW(13), ROW(14), ROW(15)};
#undef BITS
#undef ROW

// Every byte of activations becomes two: the distances, in bytes, of the tables of its lower and of
// its upper half.
static void expand(const uint32_t* packed, size_t words, uint32_t* expanded) {
  const uint8_t* from = (const uint8_t*)packed;
  uint8_t* to = (uint8_t*)expanded;
  const __m128i upper = _mm_set1_epi8((char)0xf0);
  size_t i = 0;
  for (; i + 16 <= 4 * words; i += 16) {
    const __m128i x = _mm_loadu_si128((const __m128i*)(from + i));
    const __m128i low = _mm_and_si128(_mm_slli_epi16(x, 4), upper);
    const __m128i high = _mm_and_si128(x, upper);
    _mm_storeu_si128((__m128i*)(to + 2 * i), _mm_unpacklo_epi8(low, high));
    _mm_storeu_si128((__m128i*)(to + 2 * i + 16), _mm_unpackhi_epi8(low, high));
  }
  for (; i < 4 * words; ++i) {
    to[2 * i] = (uint8_t)(from[i] << 4);
    to[2 * i + 1] = from[i] & 0xf0;
  }
}

enum {
  LANES = 32,
  TILE_PIXELS = 4,
  // A byte of weights adds at most 8 to a byte of counts, and a flush of these at most 248 to
  // sixteen bits.
  BYTES_PER_FLUSH = 31,
  FLUSHES_PER_SPILL = 65535 / (8 * BYTES_PER_FLUSH),
};

#define ALWAYS_INLINE static inline __attribute__((always_inline))

// Adds 32 counts of eight bits to counts of sixteen bits.
ALWAYS_INLINE void flush(__m256i counts, __m256i wide[2]) {
  wide[0] = _mm256_add_epi16(wide[0], _mm256_cvtepu8_epi16(_mm256_castsi256_si128(counts)));
  wide[1] = _mm256_add_epi16(wide[1], _mm256_cvtepu8_epi16(_mm256_extracti128_si256(counts, 1)));
}

// Adds counts of sixteen bits to the accumulators and clears them.
ALWAYS_INLINE void spill(__m256i wide[2], int32_t* accumulators) {
  for (int half = 0; half < 2; ++half) {
    __m256i* to = (__m256i*)(accumulators + 16 * half);
    const __m256i low = _mm256_cvtepu16_epi32(_mm256_castsi256_si128(wide[half]));
    const __m256i high = _mm256_cvtepu16_epi32(_mm256_extracti128_si256(wide[half], 1));
    _mm256_storeu_si256(to, _mm256_add_epi32(_mm256_loadu_si256(to), low));
    _mm256_storeu_si256(to + 1, _mm256_add_epi32(_mm256_loadu_si256(to + 1), high));
    wide[half] = _mm256_setzero_si256();
  }
}

// P pixels by Q blocks of 32 channels; P and Q are constants wherever this is inlined.
ALWAYS_INLINE void accumulate_tile(const lce_window* window, const uint8_t* const* pixels, int P,
                                   const uint8_t* weights, int Q, lce_accumulators accumulators,
                                   int first_channel) {
  const __m256i low_half = _mm256_set1_epi8(0x0f);
  const size_t block = window->runs * window->run_words * 4 * LANES;
  __m256i counts[4][2], wide[4][2][2];
  for (int p = 0; p < P; ++p) {
    for (int q = 0; q < Q; ++q) {
      counts[p][q] = wide[p][q][0] = wide[p][q][1] = _mm256_setzero_si256();
      memset(&accumulators[p][first_channel + LANES * q], 0, LANES * sizeof(int32_t));
    }
  }

  size_t until_flush = BYTES_PER_FLUSH;
  int until_spill = FLUSHES_PER_SPILL;
  const uint8_t* w = weights;
  for (size_t r = 0; r < window->runs; ++r) {
    const uint8_t* x[4];
    for (int p = 0; p < P; ++p) x[p] = pixels[p] + window->offsets[r];
    for (size_t left = 4 * window->run_words; left > 0;) {
      const size_t n = left < until_flush ? left : until_flush;
      for (size_t k = 0; k < n; ++k, w += LANES) {
        __m256i low[2], high[2];
        for (int q = 0; q < Q; ++q) {
          const __m256i both = _mm256_load_si256((const __m256i*)(w + block * (size_t)q));
          low[q] = _mm256_and_si256(both, low_half);
          high[q] = _mm256_and_si256(_mm256_srli_epi16(both, 4), low_half);
        }
        for (int p = 0; p < P; ++p) {
          const uint8_t* table = (const uint8_t*)TABLES;
          const __m256i low_table =
              _mm256_broadcastsi128_si256(_mm_load_si128((const __m128i*)(table + x[p][2 * k])));
          const __m256i high_table =
              _mm256_broadcastsi128_si256(_mm_load_si128((const __m128i*)(table + x[p][2 * k + 1])));
          for (int q = 0; q < Q; ++q) {
            counts[p][q] = _mm256_add_epi8(counts[p][q], _mm256_shuffle_epi8(low_table, low[q]));
            counts[p][q] = _mm256_add_epi8(counts[p][q], _mm256_shuffle_epi8(high_table, high[q]));
          }
        }
      }
      for (int p = 0; p < P; ++p) x[p] += 2 * n;
      left -= n;
      until_flush -= n;
      if (until_flush > 0) continue;

      until_flush = BYTES_PER_FLUSH;
      const bool now = --until_spill == 0;
      if (now) until_spill = FLUSHES_PER_SPILL;
      for (int p = 0; p < P; ++p) {
        for (int q = 0; q < Q; ++q) {
          flush(counts[p][q], wide[p][q]);
          counts[p][q] = _mm256_setzero_si256();
          if (now) spill(wide[p][q], &accumulators[p][first_channel + LANES * q]);
        }
      }
    }
  }
  // At most one flush is added here to counts of sixteen bits that have room for it.
  for (int p = 0; p < P; ++p) {
    for (int q = 0; q < Q; ++q) {
      flush(counts[p][q], wide[p][q]);
      spill(wide[p][q], &accumulators[p][first_channel + LANES * q]);
    }
  }
}

static void accumulate_4x64(const lce_window* window, const uint8_t* const* pixels,
                            int pixel_count, const void* weights, int channels,
                            lce_accumulators accumulators) {
  const uint8_t* w = weights;
  const uint8_t* tile[TILE_PIXELS];  // a short tile repeats its last pixel
  for (int p = 0; p < TILE_PIXELS; ++p) tile[p] = pixels[p < pixel_count ? p : pixel_count - 1];
  if (channels > LANES) {
    if (pixel_count == 1) accumulate_tile(window, tile, 1, w, 2, accumulators, 0);
    else accumulate_tile(window, tile, 4, w, 2, accumulators, 0);
  } else {
    if (pixel_count == 1) accumulate_tile(window, tile, 1, w, 1, accumulators, 0);
    else accumulate_tile(window, tile, 4, w, 1, accumulators, 0);
  }
}

static void compare(const int32_t* accumulators, const int32_t* thresholds, uint32_t output[2]) {
  for (int word = 0; word < 2; ++word) {
    uint32_t bits = 0;
    for (int i = 0; i < 4; ++i) {
      const int at = 32 * word + 8 * i;
      const __m256i above =
          _mm256_cmpgt_epi32(_mm256_loadu_si256((const __m256i*)(accumulators + at)),
                             _mm256_loadu_si256((const __m256i*)(thresholds + at)));
      bits |= (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(above)) << (8 * i);
    }
    output[word] = bits;
  }
}

static void pack_float(const float* values, size_t words, uint32_t* packed) {
  for (size_t word = 0; word < words; ++word, values += 32) {
    uint32_t bits = 0;
    for (int i = 0; i < 4; ++i) {
      const __m256 below =
          _mm256_cmp_ps(_mm256_loadu_ps(values + 8 * i), _mm256_setzero_ps(), _CMP_LT_OQ);
      bits |= (uint32_t)_mm256_movemask_ps(below) << (8 * i);
    }
    packed[word] = bits;
  }
}

static void pack_int8(const int8_t* values, int8_t zero_point, size_t words, uint32_t* packed) {
  const __m256i zero = _mm256_set1_epi8(zero_point);
  for (size_t word = 0; word < words; ++word, values += 32) {
    const __m256i x = _mm256_loadu_si256((const __m256i*)values);
    packed[word] = (uint32_t)_mm256_movemask_epi8(_mm256_cmpgt_epi8(zero, x));
  }
}

const lce_kernel lce_bconv_avx2 = {
    .name = "bconv_4x64__avx2_shuffle",
    .instruction_set = "avx2",
    .supported = supported,
    .tile_pixels = TILE_PIXELS,
    .weight_lanes = LANES,
    .weight_unit = 1,
    .activation_words = 2,
    .expand = expand,
    .accumulate = accumulate_4x64,
    .compare = compare,
    .to_float = lce_to_float,
    .to_int8 = lce_to_int8,
    .pack_float = pack_float,
    .pack_int8 = pack_int8,
};
