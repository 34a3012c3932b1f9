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


// P pixels by Q blocks of 16 channels; P and Q are constants wherever this is inlined.
LCE_ALWAYS_INLINE void accumulate_tile(const lce_window* window, const uint8_t* const* pixels, int P,
                                   const uint32_t* weights, int Q, lce_accumulators accumulators,
                                   int first_pixel, int first_channel) {
  const size_t block = window->runs * window->run_words * LANES;
  __m512i counts[8][4];
  for (int p = 0; p < P; ++p) {
    for (int q = 0; q < Q; ++q) counts[p][q] = _mm512_setzero_si512();
  }
  const uint32_t* w = weights;
  for (size_t r = 0; r < window->runs; ++r) {
    const uint32_t* x[8];
    for (int p = 0; p < P; ++p) {
      x[p] = (const uint32_t*)(pixels[first_pixel + p] + window->offsets[r]);
    }
    for (size_t k = 0; k < window->run_words; ++k, w += LANES) {
      __m512i v[4];
      for (int q = 0; q < Q; ++q) v[q] = _mm512_load_si512(w + block * (size_t)q);
      for (int p = 0; p < P; ++p) {
        const __m512i word = _mm512_set1_epi32((int)x[p][k]);
        for (int q = 0; q < Q; ++q) {
          counts[p][q] =
              _mm512_add_epi32(counts[p][q], _mm512_popcnt_epi32(_mm512_xor_si512(v[q], word)));
        }
      }
    }
  }
  for (int p = 0; p < P; ++p) {
    for (int q = 0; q < Q; ++q) {
      _mm512_storeu_si512(&accumulators[first_pixel + p][first_channel + LANES * q], counts[p][q]);
    }
  }
}

static void accumulate_8x32(const lce_window* window, const uint8_t* const* pixels,
                            int pixel_count, const void* weights, int channels,
                            lce_accumulators accumulators) {
  const size_t block = window->runs * window->run_words * LANES;
  const uint32_t* w = weights;
  int c = 0;
  if (pixel_count == TILE_PIXELS) {
    for (; c + LANES < channels; c += 2 * LANES, w += 2 * block) {
      accumulate_tile(window, pixels, 8, w, 2, accumulators, 0, c);
    }
    if (c < channels) accumulate_tile(window, pixels, 8, w, 1, accumulators, 0, c);
    return;
  }
  for (; c + 3 * LANES < channels; c += 4 * LANES, w += 4 * block) {
    int p = 0;
    for (; p + 4 <= pixel_count; p += 4) {
      accumulate_tile(window, pixels, 4, w, 4, accumulators, p, c);
    }
    for (; p < pixel_count; ++p) accumulate_tile(window, pixels, 1, w, 4, accumulators, p, c);
  }
  for (; c < channels; c += LANES, w += block) {
    for (int p = 0; p < pixel_count; ++p) {
      accumulate_tile(window, pixels, 1, w, 1, accumulators, p, c);
    }
  }
}

static void compare(const int32_t* accumulators, const int32_t* thresholds, uint32_t output[2]) {
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

const lce_kernel lce_kernel_avx512 = {
    .name = "bconv_8x32__avx512_vpopcntdq",
    .instruction_set = "avx512",
    .supported = supported,
    .tile_pixels = TILE_PIXELS,
    .weight_lanes = LANES,
    .weight_bits = 32,
    .activation_words = 1,
    .expand = NULL,
    .accumulate = accumulate_8x32,
    .compare = compare,
    .to_float = lce_to_float,
    .to_int8 = lce_to_int8,
    .pack_float = pack_float,
    .pack_int8 = pack_int8,
    .convolve_signs = convolve_signs,
};
#endif  // defined(__x86_64__)
