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
#include "output.h"
#include "signs.h"

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

LCE_ALWAYS_INLINE void compare_pixel(const int32_t* accumulators, const int32_t* thresholds, uint32_t output[2]) {
  for (int word = 0; word < 2; ++word) {
    uint32_t bits = 0;
    for (int half = 0; half < 2; ++half) {
      const int at = 32 * word + 16 * half;
      const uint32_t above = _mm512_cmpgt_epi32_mask(_mm512_loadu_si512(accumulators + at),
                                                     _mm512_loadu_si512(thresholds + at));
      bits |= above << (16 * half);
    }
    output[word] = bits;
  }
}

LCE_DEFINE_COMPARE(compare_pixel)

static void pack_float(const float* values, size_t words, uint32_t* packed) {
  for (size_t word = 0; word < words; ++word, values += 32) {
    const __m512 zero = _mm512_setzero_ps();
    const uint32_t low = _mm512_cmp_ps_mask(_mm512_loadu_ps(values), zero, _CMP_LT_OQ);
    const uint32_t high = _mm512_cmp_ps_mask(_mm512_loadu_ps(values + 16), zero, _CMP_LT_OQ);
    packed[word] = low | high << 16;
  }
}

static void pack_int8(const int8_t* values, int8_t zero_point, size_t words, uint32_t* packed) {
  const __m256i zero = _mm256_set1_epi8(zero_point);
  for (size_t word = 0; word < words; ++word, values += 32) {
    packed[word] = _mm256_cmplt_epi8_mask(_mm256_loadu_si256((const __m256i*)values), zero);
  }
}

LCE_DEFINE_SUM_SIGNS(__v32hi)

static void compare_signs(const int16_t* sums, const int16_t* limits, uint32_t bits[2]) {
  for (int word = 0; word < 2; ++word) {
    bits[word] = _mm512_cmplt_epi16_mask(_mm512_loadu_si512(sums + 32 * word),
                                         _mm512_loadu_si512(limits + 32 * word));
  }
}

LCE_DEFINE_CONVOLVE_SIGNS(compare_signs)
LCE_TARGET_END

#define COMMON                                                                          \
  .tile_pixels = TILE_PIXELS, .weight_lanes = LANES, .weight_bits = 32, .activation_words = 1, \
  .accumulate = accumulate, .compare = compare, .to_float = lce_to_float,               \
  .to_int8 = lce_to_int8, .pack_float = pack_float, .pack_int8 = pack_int8,             \
  .convolve_signs = convolve_signs

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
