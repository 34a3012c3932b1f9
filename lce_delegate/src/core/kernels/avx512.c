// Kernels for x86-64 processors with AVX-512 VPOPCNTDQ (Ice Lake, Zen 4 and later): a vector of
// sixteen words, one for each output channel, takes xor, popcount and addition.
#if defined(__x86_64__)
#include <immintrin.h>

#include "kernel.h"
#include "target.h"
#include "x86_features.h"

static bool supported(void) { return lce_x86_has_avx512vpopcntdq(); }

#if defined(__clang__)
LCE_TARGET_BEGIN("avx512f,avx512bw,avx512dq,avx512vl,avx512vpopcntdq")
#else
LCE_TARGET_BEGIN("avx512f,avx512bw,avx512dq,avx512vl,avx512vpopcntdq,prefer-vector-width=512")
#endif

enum { LANES = 16, TILE_PIXELS = 8 };

#define P 1
#define Q 4
#include "avx512_tile.h"
#define P 2
#define Q 4
#include "avx512_tile.h"
#define P 3
#define Q 4
#include "avx512_tile.h"
#define P 4
#define Q 4
#include "avx512_tile.h"
#define P 5
#define Q 2
#include "avx512_tile.h"
#define P 6
#define Q 2
#include "avx512_tile.h"
#define P 7
#define Q 2
#include "avx512_tile.h"
#define P 8
#define Q 2
#include "avx512_tile.h"

static void accumulate(const lce_window* window, const uint8_t* const* pixels, int pixel_count,
                       const void* weights, int channels, lce_accumulators accumulators) {
  static void (*const TILES[])(const lce_window*, const uint8_t* const*, const uint32_t*, int,
                               lce_accumulators) = {accumulate_1, accumulate_2, accumulate_3,
                                                    accumulate_4, accumulate_5, accumulate_6,
                                                    accumulate_7, accumulate_8};
  TILES[pixel_count - 1](window, pixels, weights, channels, accumulators);
}

LCE_ALWAYS_INLINE uint32_t above_bits(const int32_t* accumulators, const int32_t* thresholds) {
  uint32_t bits = 0;
  for (int at = 0; at < 32; at += 16) {
    const uint32_t above = _mm512_cmpgt_epi32_mask(_mm512_loadu_si512(accumulators + at),
                                                   _mm512_loadu_si512(thresholds + at));
    bits |= above << at;
  }
  return bits;
}

LCE_ALWAYS_INLINE uint32_t below_bits(const int16_t* sums, const int16_t* limits) {
  return _mm512_cmplt_epi16_mask(_mm512_loadu_si512(sums), _mm512_loadu_si512(limits));
}

LCE_ALWAYS_INLINE uint32_t negative_bits(const float* values) {
  const __m512 zero = _mm512_setzero_ps();
  const uint32_t low = _mm512_cmp_ps_mask(_mm512_loadu_ps(values), zero, _CMP_LT_OQ);
  const uint32_t high = _mm512_cmp_ps_mask(_mm512_loadu_ps(values + 16), zero, _CMP_LT_OQ);
  return low | high << 16;
}

LCE_ALWAYS_INLINE uint32_t lesser_bits(const int8_t* values, int8_t zero_point) {
  return _mm256_cmplt_epi8_mask(_mm256_loadu_si256((const __m256i*)values),
                                _mm256_set1_epi8(zero_point));
}

typedef __v32hi signs_vector;
#include "epilogue.h"
LCE_TARGET_END

#define COMMON                                                                                 \
  .tile_pixels = TILE_PIXELS, .weight_lanes = LANES, .weight_bits = 32, .activation_words = 1, \
  .accumulate = accumulate, LCE_EPILOGUE

const lce_kernel lce_kernel_avx512 = {
    .name = "bconv_8x32__avx512_vpopcntdq",
    .instruction_set = "avx512",
    .supported = supported,
    COMMON,
};

extern const lce_matrix lce_matrix_amx;

static bool supports_amx(void) { return lce_matrix_amx.supported(); }

const lce_kernel lce_kernel_amx = {
    .name = "bconv_32x32__amx_int8",
    .instruction_set = "amx",
    .supported = supports_amx,
    .matrix = &lce_matrix_amx,
    COMMON,
};
#endif  // defined(__x86_64__)
