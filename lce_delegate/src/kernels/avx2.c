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

// Adds 32 counts of eight bits to counts of sixteen bits: those of even channels, and of odd ones.
ALWAYS_INLINE void flush(__m256i counts, __m256i wide[2]) {
  wide[0] = _mm256_add_epi16(wide[0], _mm256_and_si256(counts, _mm256_set1_epi16(0xff)));
  wide[1] = _mm256_add_epi16(wide[1], _mm256_srli_epi16(counts, 8));
}

// Moves, or adds, counts of sixteen bits to the accumulators.
ALWAYS_INLINE void spill(const __m256i wide[2], bool add, int32_t* accumulators) {
  // Each register holds channels of its own two halves: 0 to 7 and 16 to 23, 8 to 15 and 24 to 31.
  const __m256i halves[2] = {_mm256_unpacklo_epi16(wide[0], wide[1]),
                             _mm256_unpackhi_epi16(wide[0], wide[1])};
  for (int i = 0; i < 4; ++i) {
    const __m128i eight = i < 2 ? _mm256_castsi256_si128(halves[i % 2])
                                : _mm256_extracti128_si256(halves[i % 2], 1);
    __m256i sum = _mm256_cvtepu16_epi32(eight);
    __m256i* to = (__m256i*)(accumulators + 8 * i);
    if (add) sum = _mm256_add_epi32(sum, _mm256_loadu_si256(to));
    _mm256_storeu_si256(to, sum);
  }
}

// The table of a half byte of activations, given by its distance.
ALWAYS_INLINE __m256i table_at(uint8_t distance) {
  const uint8_t* table = (const uint8_t*)TABLES + distance;
  return _mm256_broadcastsi128_si256(_mm_load_si128((const __m128i*)table));
}

ALWAYS_INLINE __m256i low_halves(const uint8_t* weights) {
  return _mm256_and_si256(_mm256_load_si256((const __m256i*)weights), _mm256_set1_epi8(0x0f));
}

ALWAYS_INLINE __m256i high_halves(const uint8_t* weights) {
  const __m256i shifted = _mm256_srli_epi16(_mm256_load_si256((const __m256i*)weights), 4);
  return _mm256_and_si256(shifted, _mm256_set1_epi8(0x0f));
}

// Adds `bytes` bytes of weights, of P pixels and Q blocks, to the counts.
ALWAYS_INLINE void count(const uint8_t* const x[4], int P, const uint8_t* w, size_t block, int Q,
                         size_t bytes, __m256i counts[4][2]) {
  for (size_t k = 0; k < bytes; ++k, w += LANES) {
    for (int q = 0; q < Q; ++q) {
      const __m256i low = low_halves(w + block * (size_t)q), high = high_halves(w + block * (size_t)q);
      for (int p = 0; p < P; ++p) {
        const __m256i sum = _mm256_add_epi8(_mm256_shuffle_epi8(table_at(x[p][2 * k]), low),
                                            _mm256_shuffle_epi8(table_at(x[p][2 * k + 1]), high));
        counts[p][q] = _mm256_add_epi8(counts[p][q], sum);
      }
    }
  }
}

// The same for the largest tile, written so that compilers keep all counts in registers: eight
// counts, two vectors of weights, a table, the mask and a result fit into sixteen.
ALWAYS_INLINE void count_4x64(const uint8_t* const x[4], const uint8_t* w, size_t block,
                              size_t bytes, __m256i counts[4][2]) {
  __m256i a0 = counts[0][0], b0 = counts[0][1], a1 = counts[1][0], b1 = counts[1][1];
  __m256i a2 = counts[2][0], b2 = counts[2][1], a3 = counts[3][0], b3 = counts[3][1];
#define ADD_PIXEL(A, B, DISTANCE)                              \
  do {                                                         \
    const __m256i table = table_at(DISTANCE);                  \
    A = _mm256_add_epi8(A, _mm256_shuffle_epi8(table, a));     \
    B = _mm256_add_epi8(B, _mm256_shuffle_epi8(table, b));     \
    __asm__("" : "+x"(A), "+x"(B)); /* in this order */        \
  } while (0)
  for (size_t k = 0; k < bytes; ++k, w += LANES) {
    __m256i a = low_halves(w), b = low_halves(w + block);
    ADD_PIXEL(a0, b0, x[0][2 * k]);
    ADD_PIXEL(a1, b1, x[1][2 * k]);
    ADD_PIXEL(a2, b2, x[2][2 * k]);
    ADD_PIXEL(a3, b3, x[3][2 * k]);
    a = high_halves(w);
    b = high_halves(w + block);
    ADD_PIXEL(a0, b0, x[0][2 * k + 1]);
    ADD_PIXEL(a1, b1, x[1][2 * k + 1]);
    ADD_PIXEL(a2, b2, x[2][2 * k + 1]);
    ADD_PIXEL(a3, b3, x[3][2 * k + 1]);
  }
#undef ADD_PIXEL
  counts[0][0] = a0, counts[0][1] = b0, counts[1][0] = a1, counts[1][1] = b1;
  counts[2][0] = a2, counts[2][1] = b2, counts[3][0] = a3, counts[3][1] = b3;
}

// P pixels by Q blocks of 32 channels; P and Q are constants wherever this is inlined.
ALWAYS_INLINE void accumulate_tile(const lce_window* window, const uint8_t* const* pixels, int P,
                                   const uint8_t* weights, int Q, lce_accumulators accumulators,
                                   int first_channel) {
  const size_t block = window->runs * window->run_words * 4 * LANES;
  __m256i counts[4][2], wide[4][2][2];
  for (int p = 0; p < P; ++p) {
    for (int q = 0; q < Q; ++q) {
      counts[p][q] = wide[p][q][0] = wide[p][q][1] = _mm256_setzero_si256();
    }
  }

  size_t until_flush = BYTES_PER_FLUSH;
  int until_spill = FLUSHES_PER_SPILL;
  bool spilled = false;
  const uint8_t* w = weights;
  for (size_t r = 0; r < window->runs; ++r) {
    const uint8_t* x[4];
    for (int p = 0; p < P; ++p) x[p] = pixels[p] + window->offsets[r];
    for (size_t left = 4 * window->run_words; left > 0;) {
      const size_t n = left < until_flush ? left : until_flush;
      if (P == 4 && Q == 2) count_4x64(x, w, block, n, counts);
      else count(x, P, w, block, Q, n, counts);
      w += LANES * n;
      for (int p = 0; p < P; ++p) x[p] += 2 * n;
      left -= n;
      until_flush -= n;
      if (until_flush > 0) continue;

      until_flush = BYTES_PER_FLUSH;
      const bool spills = --until_spill == 0;
      for (int p = 0; p < P; ++p) {
        for (int q = 0; q < Q; ++q) {
          flush(counts[p][q], wide[p][q]);
          counts[p][q] = _mm256_setzero_si256();
          if (!spills) continue;
          spill(wide[p][q], spilled, &accumulators[p][first_channel + LANES * q]);
          wide[p][q][0] = wide[p][q][1] = _mm256_setzero_si256();
        }
      }
      if (spills) {
        until_spill = FLUSHES_PER_SPILL;
        spilled = true;
      }
    }
  }
  // Since the last spill there were fewer flushes than sixteen bits have room for.
  for (int p = 0; p < P; ++p) {
    for (int q = 0; q < Q; ++q) {
      flush(counts[p][q], wide[p][q]);
      spill(wide[p][q], spilled, &accumulators[p][first_channel + LANES * q]);
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
