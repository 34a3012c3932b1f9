// Kernels for x86-64 processors with AVX2 (2013 and later).
//
// AVX2 has no popcount. A byte shuffle looks up sixteen entries at once, and a table with one entry
// for each value i of a half byte of weights, popcount(i ^ x), answers for one half byte x of
// activations and 32 output channels: xor and popcount are a single instruction. So a step over 4
// bits of 32 channels takes a shuffle and an addition, where the usual way (xor, and two look-ups of
// popcount by half bytes) takes four instructions.
//
// Hence half a byte of weights per lane, in a byte of its own, since taking bytes apart in the inner
// loop costs more than reading twice as much; and activations that are expanded beforehand from bytes
// to the distances of their two tables.
#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

#include "kernel.h"
#include "target.h"
#include "x86_features.h"

static bool supported(void) { return lce_x86_has_avx2(); }

LCE_TARGET_BEGIN("avx2")

// TABLES[x] has the tables of both halves of a byte x of activations: sixteen times
// popcount(lower half ^ i), then sixteen times popcount(upper half ^ i).
#define BITS(i) (((i) & 1) + ((i) >> 1 & 1) + ((i) >> 2 & 1) + ((i) >> 3 & 1))
#define HALF(x)                                                                                 \
  BITS((x) ^ 0), BITS((x) ^ 1), BITS((x) ^ 2), BITS((x) ^ 3), BITS((x) ^ 4), BITS((x) ^ 5),     \
      BITS((x) ^ 6), BITS((x) ^ 7), BITS((x) ^ 8), BITS((x) ^ 9), BITS((x) ^ 10),               \
      BITS((x) ^ 11), BITS((x) ^ 12), BITS((x) ^ 13), BITS((x) ^ 14), BITS((x) ^ 15)
#define BYTE(x) {HALF((x) & 15), HALF((x) >> 4)}
#define BYTES_4(x) BYTE(x), BYTE((x) + 1), BYTE((x) + 2), BYTE((x) + 3)
#define BYTES_16(x) BYTES_4(x), BYTES_4((x) + 4), BYTES_4((x) + 8), BYTES_4((x) + 12)
#define BYTES_64(x) BYTES_16(x), BYTES_16((x) + 16), BYTES_16((x) + 32), BYTES_16((x) + 48)
static const uint8_t TABLES[256][32] __attribute__((aligned(64))) = {
    BYTES_64(0), BYTES_64(64), BYTES_64(128), BYTES_64(192)};

// Every byte of activations becomes the distance, in bytes, of its tables.
static void expand(const uint32_t* packed, size_t words, uint32_t* expanded) {
  for (size_t i = 0; i < words; ++i) {
    const __m128i bytes = _mm_cvtepu8_epi16(_mm_cvtsi32_si128((int)packed[i]));
    _mm_storel_epi64((__m128i*)(expanded + 2 * i), _mm_slli_epi16(bytes, 5));
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

// Adds 32 counts of eight bits to counts of sixteen bits: wide[1] has those of odd channels, wide[0]
// those of even ones plus 256 times those of odd ones, which `spill` takes off again.
LCE_ALWAYS_INLINE void flush(__m256i counts, __m256i wide[2]) {
  wide[0] = _mm256_add_epi16(wide[0], counts);
  wide[1] = _mm256_add_epi16(wide[1], _mm256_srli_epi16(counts, 8));
}

// Moves, or adds, counts of sixteen bits to the accumulators.
LCE_ALWAYS_INLINE void spill(const __m256i wide[2], bool add, int32_t* accumulators) {
  const __m256i odd = wide[1], even = _mm256_sub_epi16(wide[0], _mm256_slli_epi16(odd, 8));
  // Each register holds channels of its own two halves: 0 to 7 and 16 to 23, 8 to 15 and 24 to 31.
  const __m256i halves[2] = {_mm256_unpacklo_epi16(even, odd), _mm256_unpackhi_epi16(even, odd)};
  for (int i = 0; i < 4; ++i) {
    const __m128i eight = i < 2 ? _mm256_castsi256_si128(halves[i % 2])
                                : _mm256_extracti128_si256(halves[i % 2], 1);
    __m256i sum = _mm256_cvtepu16_epi32(eight);
    __m256i* to = (__m256i*)(accumulators + 8 * i);
    if (add) sum = _mm256_add_epi32(sum, _mm256_loadu_si256(to));
    _mm256_storeu_si256(to, sum);
  }
}

// The tables of byte k of expanded activations.
LCE_ALWAYS_INLINE void load_tables(const uint8_t* x, size_t k, __m256i* low, __m256i* high) {
  uint16_t distance;
  memcpy(&distance, x + 2 * k, sizeof distance);
  const __m128i* tables = (const __m128i*)((const uint8_t*)TABLES + distance);
  *low = _mm256_broadcastsi128_si256(_mm_load_si128(tables));
  *high = _mm256_broadcastsi128_si256(_mm_load_si128(tables + 1));
}

// The halves of a byte of weights of 32 channels.
LCE_ALWAYS_INLINE void load_weights(const uint8_t* weights, __m256i* low, __m256i* high) {
  *low = _mm256_load_si256((const __m256i*)weights);
  *high = _mm256_load_si256((const __m256i*)(weights + LANES));
}

// Adds `bytes` bytes of weights, of P pixels and Q blocks, to the counts.
LCE_ALWAYS_INLINE void count(const uint8_t* const x[4], int P, const uint8_t* w, size_t block, int Q,
                         size_t bytes, __m256i counts[4][2]) {
  for (size_t k = 0; k < bytes; ++k, w += 2 * LANES) {
    __m256i low[2], high[2];
    for (int q = 0; q < Q; ++q) load_weights(w + block * (size_t)q, &low[q], &high[q]);
    for (int p = 0; p < P; ++p) {
      __m256i table_low, table_high;
      load_tables(x[p], k, &table_low, &table_high);
      for (int q = 0; q < Q; ++q) {
        const __m256i sum = _mm256_add_epi8(_mm256_shuffle_epi8(table_low, low[q]),
                                            _mm256_shuffle_epi8(table_high, high[q]));
        counts[p][q] = _mm256_add_epi8(counts[p][q], sum);
      }
    }
  }
}

// The same for the largest tile. Eight counts, four halves of weights, two tables and a result fit into
// sixteen registers if additions are done in the order that is written here; so these are assembly,
// which compilers do not rearrange.
LCE_ALWAYS_INLINE void count_4x64(const uint8_t* const x[4], const uint8_t* w, size_t block,
                              size_t bytes, __m256i counts[4][2]) {
  __m256i a0 = counts[0][0], b0 = counts[0][1], a1 = counts[1][0], b1 = counts[1][1];
  __m256i a2 = counts[2][0], b2 = counts[2][1], a3 = counts[3][0], b3 = counts[3][1];
#define ADD(SUM, TERM) __asm__("vpaddb %1, %0, %0" : "+x"(SUM) : "x"(TERM))
#define ADD_PIXEL(A, B, PIXEL)                    \
  do {                                            \
    __m256i low, high;                            \
    load_tables(x[PIXEL], k, &low, &high);        \
    ADD(A, _mm256_shuffle_epi8(low, a_low));      \
    ADD(B, _mm256_shuffle_epi8(low, b_low));      \
    ADD(A, _mm256_shuffle_epi8(high, a_high));    \
    ADD(B, _mm256_shuffle_epi8(high, b_high));    \
  } while (0)
  for (size_t k = 0; k < bytes; ++k, w += 2 * LANES) {
    __m256i a_low, a_high, b_low, b_high;
    load_weights(w, &a_low, &a_high);
    load_weights(w + block, &b_low, &b_high);
    ADD_PIXEL(a0, b0, 0);
    ADD_PIXEL(a1, b1, 1);
    ADD_PIXEL(a2, b2, 2);
    ADD_PIXEL(a3, b3, 3);
  }
#undef ADD_PIXEL
#undef ADD
  counts[0][0] = a0, counts[0][1] = b0, counts[1][0] = a1, counts[1][1] = b1;
  counts[2][0] = a2, counts[2][1] = b2, counts[3][0] = a3, counts[3][1] = b3;
}

// P pixels by Q blocks of 32 channels; P and Q are constants wherever this is inlined.
LCE_ALWAYS_INLINE void accumulate_tile(const lce_window* window, const uint8_t* const* pixels, int P,
                                   const uint8_t* weights, int Q, lce_accumulators accumulators,
                                   int first_channel) {
  const size_t block = window->runs * window->run_words * 8 * LANES;
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
      w += 2 * LANES * n;
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

LCE_ALWAYS_INLINE uint32_t above_bits(const int32_t* accumulators, const int32_t* thresholds) {
  __m256i above[4];
  for (int i = 0; i < 4; ++i) {
    above[i] = _mm256_cmpgt_epi32(_mm256_loadu_si256((const __m256i*)(accumulators + 8 * i)),
                                  _mm256_loadu_si256((const __m256i*)(thresholds + 8 * i)));
  }
  // Narrowing leaves groups of four channels in the order 0, 2, 4, 6, 1, 3, 5, 7.
  const __m256i bytes = _mm256_packs_epi16(_mm256_packs_epi32(above[0], above[1]),
                                           _mm256_packs_epi32(above[2], above[3]));
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  return (uint32_t)_mm256_movemask_epi8(_mm256_permutevar8x32_epi32(bytes, order));
}

LCE_ALWAYS_INLINE uint32_t below_bits(const int16_t* sums, const int16_t* limits) {
  __m256i below[2];
  for (int i = 0; i < 2; ++i) {
    below[i] = _mm256_cmpgt_epi16(_mm256_loadu_si256((const __m256i*)(limits + 16 * i)),
                                  _mm256_loadu_si256((const __m256i*)(sums + 16 * i)));
  }
  // Narrowing leaves groups of eight channels in the order 0, 2, 1, 3.
  const __m256i bytes = _mm256_packs_epi16(below[0], below[1]);
  return (uint32_t)_mm256_movemask_epi8(_mm256_permute4x64_epi64(bytes, 0xd8));
}

LCE_ALWAYS_INLINE uint32_t negative_bits(const float* values) {
  uint32_t bits = 0;
  for (int i = 0; i < 4; ++i) {
    const __m256 below =
        _mm256_cmp_ps(_mm256_loadu_ps(values + 8 * i), _mm256_setzero_ps(), _CMP_LT_OQ);
    bits |= (uint32_t)_mm256_movemask_ps(below) << (8 * i);
  }
  return bits;
}

LCE_ALWAYS_INLINE uint32_t lesser_bits(const int8_t* values, int8_t zero_point) {
  const __m256i x = _mm256_loadu_si256((const __m256i*)values);
  return (uint32_t)_mm256_movemask_epi8(_mm256_cmpgt_epi8(_mm256_set1_epi8(zero_point), x));
}

typedef __v16hi signs_vector;
#include "epilogue.h"
LCE_TARGET_END

const lce_kernel lce_kernel_avx2 = {
    .name = "bconv_4x64__avx2_shuffle",
    .instruction_set = "avx2",
    .supported = supported,
    .tile_pixels = TILE_PIXELS,
    .weight_lanes = LANES,
    .weight_bits = 4,
    .activation_words = 2,
    .expand = expand,
    .accumulate = accumulate_4x64,
    LCE_EPILOGUE,
};
#endif  // defined(__x86_64__)
