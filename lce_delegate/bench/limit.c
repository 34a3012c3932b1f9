#include "limit.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__) || defined(__ARM_NEON)
#include <arm_neon.h>
#endif

enum { SUMS = 8 };

static volatile uint64_t sink;

double lce_seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

double lce_measure_limit(const lce_limit* limit) {
  const long steps = 100000;
  double best = 1e9;
  for (int i = 0; i < 100; ++i) {
    const double start = lce_seconds();
    limit->run(steps);
    const double seconds = lce_seconds() - start;
    if (seconds < best) best = seconds;
  }
  return (double)steps * limit->products_per_step / best;
}

double lce_measure_reading(size_t bytes) {
  const size_t count = bytes / sizeof(uint64_t) / SUMS * SUMS;
  uint64_t* data = calloc(count, sizeof *data);
  if (data == NULL) return 0;
  double best = 1e9;
  for (int i = 0; i < 200; ++i) {
    uint64_t sums[SUMS] = {0};
    const double start = lce_seconds();
    for (size_t k = 0; k < count; k += SUMS) {
      for (int j = 0; j < SUMS; ++j) sums[j] |= data[k + (size_t)j];
    }
    for (int j = 0; j < SUMS; ++j) sink += sums[j];
    const double seconds = lce_seconds() - start;
    if (seconds < best) best = seconds;
  }
  free(data);
  return best;
}

// Each loop keeps eight independent sums, more than the latency of its instructions needs. The
// empty assembly hides values from the optimiser and costs nothing.
#define HIDE(x) __asm__ volatile("" : "+x"(x))

static void run_portable(long steps) {
  uint64_t sums[SUMS] = {0}, x = 0x123456789abcdefu, w = 0xfedcba987654321u;
  for (long s = 0; s < steps; ++s) {
    for (int i = 0; i < SUMS; ++i) {
      __asm__ volatile("" : "+r"(x), "+r"(w));
      uint64_t y = x ^ w;
      y -= (y >> 1) & UINT64_C(0x5555555555555555);
      y = (y & UINT64_C(0x3333333333333333)) + ((y >> 2) & UINT64_C(0x3333333333333333));
      y = (y + (y >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
      sums[i] += (y * UINT64_C(0x0101010101010101)) >> 56;
    }
  }
  for (int i = 0; i < SUMS; ++i) sink += sums[i];
}

#if defined(__x86_64__)

// The usual way: xor, look both half bytes up in a table of popcounts, add.
__attribute__((target("avx2"))) static void run_avx2_lookup(long steps) {
  const __m256i low = _mm256_set1_epi8(15);
  const __m256i table = _mm256_broadcastsi128_si256(
      _mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4));
  __m256i sums[SUMS], x = _mm256_set1_epi32(0x12345678), w = _mm256_set1_epi32(0x7654321);
  for (int i = 0; i < SUMS; ++i) sums[i] = _mm256_setzero_si256();
  for (long s = 0; s < steps; ++s) {
    for (int i = 0; i < SUMS; ++i) {
      HIDE(x);
      HIDE(w);
      const __m256i y = _mm256_xor_si256(x, w);
      const __m256i a = _mm256_shuffle_epi8(table, _mm256_and_si256(y, low));
      const __m256i b =
          _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16(y, 4), low));
      sums[i] = _mm256_add_epi8(sums[i], _mm256_add_epi8(a, b));
    }
  }
  for (int i = 0; i < SUMS; ++i) sink += (uint64_t)_mm256_extract_epi64(sums[i], 0);
}

// The kernel's way: a shuffle that is xor and popcount at once, and an addition. In assembly, since
// the order counts: Zen 3 gets through a tenth more of them if six shuffles come before six additions
// than if they take turns.
__attribute__((target("avx2"))) static void run_avx2_shuffle(long steps) {
  __m256i a, b, c, d, e, f, table = _mm256_set1_epi32(0x01020304), w = _mm256_set1_epi32(0x05040302);
  a = b = c = d = e = f = _mm256_setzero_si256();
  for (long s = 0; s < 2 * steps; ++s) {
    __m256i u, v, x, y, z, t;
    __asm__ volatile(
        "vpshufb %13, %12, %6\n\tvpshufb %13, %12, %7\n\tvpshufb %13, %12, %8\n\t"
        "vpshufb %13, %12, %9\n\tvpshufb %13, %12, %10\n\tvpshufb %13, %12, %11\n\t"
        "vpaddb %6, %0, %0\n\tvpaddb %7, %1, %1\n\tvpaddb %8, %2, %2\n\t"
        "vpaddb %9, %3, %3\n\tvpaddb %10, %4, %4\n\tvpaddb %11, %5, %5"
        : "+x"(a), "+x"(b), "+x"(c), "+x"(d), "+x"(e), "+x"(f), "=&x"(u), "=&x"(v), "=&x"(x),
          "=&x"(y), "=&x"(z), "=&x"(t)
        : "x"(table), "x"(w));
  }
  const __m256i sum = a + b + c + d + e + f;
  sink += (uint64_t)_mm256_extract_epi64(sum, 0);
}

__attribute__((target("avx512f,avx512vpopcntdq"))) static void run_avx512(long steps) {
  __m512i sums[SUMS], x = _mm512_set1_epi32(0x12345678), w = _mm512_set1_epi32(0x7654321);
  for (int i = 0; i < SUMS; ++i) sums[i] = _mm512_setzero_si512();
  for (long s = 0; s < steps; ++s) {
    for (int i = 0; i < SUMS; ++i) {
      __asm__ volatile("" : "+v"(x), "+v"(w));
      sums[i] = _mm512_add_epi32(sums[i], _mm512_popcnt_epi32(_mm512_xor_si512(x, w)));
    }
  }
  for (int i = 0; i < SUMS; ++i) sink += (uint64_t)_mm512_reduce_add_epi32(sums[i]);
}

#elif defined(__aarch64__) || defined(__ARM_NEON)

static void run_neon(long steps) {
  uint8x16_t sums[SUMS], x = vdupq_n_u8(0x5c), w = vdupq_n_u8(0x27);
  for (int i = 0; i < SUMS; ++i) sums[i] = vdupq_n_u8(0);
  for (long s = 0; s < steps; ++s) {
    for (int i = 0; i < SUMS; ++i) {
      __asm__ volatile("" : "+w"(x), "+w"(w));
      sums[i] = vaddq_u8(sums[i], vcntq_u8(veorq_u8(x, w)));
    }
  }
  for (int i = 0; i < SUMS; ++i) sink += vgetq_lane_u8(sums[i], 0);
}

#endif

const lce_limit lce_limits[] = {
#if defined(__x86_64__)
    {"avx512", "xor, popcount, add", 512.0 * SUMS, run_avx512},
    {"avx2", "shuffle, add", 128.0 * 12, run_avx2_shuffle},
    {"avx2", "xor, two look-ups, add", 256.0 * SUMS, run_avx2_lookup},
#elif defined(__aarch64__) || defined(__ARM_NEON)
    {"neon", "xor, popcount, add", 128.0 * SUMS, run_neon},
#endif
    {"portable", "xor, shifts and masks, add", 64.0 * SUMS, run_portable},
    {NULL, NULL, 0, NULL},
};
