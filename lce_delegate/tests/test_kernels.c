// Every kernel that this processor runs, compared bit by bit with the portable one, on generated
// shapes; and the portable one with a count that goes bit by bit.
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "kernels/kernel.h"
#include "kernels/target.h"
#include "operator.h"
#include "subnormals.h"

static uint64_t seed = 20;

static int bit(const uint32_t* words, size_t i) { return words[i / 32] >> (i % 32) & 1; }

static void fill(uint32_t* words, size_t count, int density) {
  for (size_t i = 0; i < count; ++i) {
    const uint32_t random = (uint32_t)(check_random(&seed) >> 32);
    words[i] = density == 0 ? 0 : density == 1 ? 0xffffffffu : random;
  }
}

// One tile: windows of `runs` times `run_words` words with gaps, `pixels` pixels, `channels`
// channels. `density` 0 makes all activations 0 and all weights 1: the largest counts there are.
static void test_tile(const lce_kernel* kernel, size_t runs, size_t run_words, int pixels,
                      int channels, int density) {
  const size_t words = runs * run_words, gap = 3;
  const size_t stride = runs * (run_words + gap) + 5;
  const size_t lanes = (size_t)kernel->weight_lanes;
  const size_t factor = (size_t)kernel->activation_words;
  uint32_t* x = malloc(stride * (size_t)pixels * sizeof *x);
  uint32_t* w = malloc(words * (size_t)channels * sizeof *w);
  uint32_t* expanded = lce_allocate(stride * (size_t)pixels * factor * sizeof *expanded);
  void* packed =
      lce_allocate(lce_packed_weights_words(kernel, (size_t)channels, words) * sizeof(uint32_t));
  size_t* offsets = malloc(runs * sizeof *offsets);
  fill(x, stride * (size_t)pixels, density);
  fill(w, words * (size_t)channels, density == 0 ? 1 : 2);
  lce_pack_weights(kernel, w, (size_t)channels, words, packed);
  if (kernel->expand != NULL) {
    kernel->expand(x, stride * (size_t)pixels, expanded);
  } else {
    memcpy(expanded, x, stride * (size_t)pixels * sizeof *x);
  }
  for (size_t r = 0; r < runs; ++r) offsets[r] = r * (run_words + gap) * factor * sizeof *x;
  const uint8_t* addresses[LCE_MAX_TILE_PIXELS];
  for (int p = 0; p < pixels; ++p) {
    addresses[p] = (const uint8_t*)(expanded + (size_t)p * stride * factor);
  }

  lce_accumulators accumulators;
  memset(accumulators, 0x55, sizeof accumulators);
  const lce_window window = {runs, run_words, offsets};
  kernel->accumulate(&window, addresses, pixels, packed, channels, accumulators);

  int wrong = 0;
  for (int p = 0; p < pixels; ++p) {
    for (int c = 0; c < channels; ++c) {
      int32_t expected = 0;
      for (size_t k = 0; k < words; ++k) {
        const size_t at = (size_t)p * stride + k / run_words * (run_words + gap) + k % run_words;
        const uint32_t differ = x[at] ^ w[(size_t)c * words + k];
        for (size_t i = 0; i < 32; ++i) expected += bit(&differ, i);
      }
      wrong += accumulators[p][c] != expected;
    }
    // Channels that lanes do not reach stay as they were.
    const size_t reached = ((size_t)channels + lanes - 1) / lanes * lanes;
    for (size_t c = reached; c < LCE_BLOCK_CHANNELS; ++c) {
      wrong += accumulators[p][c] != 0x55555555;
    }
  }
  CHECK(wrong == 0, "%s: %d of %d accumulators differ (%zu runs of %zu words, %d pixels, %d channels)",
        kernel->name, wrong, pixels * channels, runs, run_words, pixels, channels);
  free(x);
  free(w);
  lce_free(expanded);
  lce_free(packed);
  free(offsets);
}

static void test_accumulate(const lce_kernel* kernel) {
  static const int CHANNELS[] = {1, 3, 7, 8, 15, 16, 17, 31, 32, 33, 40, 48, 63, 64};
  static const struct { size_t runs, run_words; } WINDOWS[] = {
      {1, 1}, {1, 2}, {1, 7}, {1, 8}, {1, 31}, {1, 32}, {1, 33}, {1, 62}, {1, 130},
      {3, 6}, {3, 7}, {3, 12}, {2, 64}, {9, 1}, {9, 2}, {25, 3}, {3, 48}};
  for (size_t i = 0; i < sizeof WINDOWS / sizeof WINDOWS[0]; ++i) {
    for (size_t j = 0; j < sizeof CHANNELS / sizeof CHANNELS[0]; ++j) {
      for (int pixels = 1; pixels <= kernel->tile_pixels; ++pixels) {
        test_tile(kernel, WINDOWS[i].runs, WINDOWS[i].run_words, pixels, CHANNELS[j], 2);
      }
    }
    printf(".");  // an emulator takes its time
  }
  // The largest counts, below, at and far beyond what 8 and 16 bits hold.
  test_tile(kernel, 1, 7, kernel->tile_pixels, 64, 0);
  test_tile(kernel, 1, 8, kernel->tile_pixels, 64, 0);
  test_tile(kernel, 3, 700, kernel->tile_pixels, 64, 0);
  test_tile(kernel, 2, 2100, 1, 33, 0);
}

// Three pixels, the last of which is another one, and words around them that stay as they are.
static void test_compare(const lce_kernel* kernel, const int32_t* accumulators,
                         const int32_t* thresholds, int words) {
  enum { PIXELS = 3, PITCH = 4 };
  int32_t rows[PIXELS][LCE_BLOCK_CHANNELS];
  for (int p = 0; p < PIXELS; ++p) {
    for (int c = 0; c < LCE_BLOCK_CHANNELS; ++c) rows[p][c] = accumulators[c] + (p == 2 ? 1 : 0);
  }
  uint32_t bits[PIXELS * PITCH];
  memset(bits, 0x5a, sizeof bits);
  kernel->compare((const int32_t(*)[LCE_BLOCK_CHANNELS])rows, PIXELS, thresholds, words, bits, PITCH);
  int wrong = 0;
  for (int p = 0; p < PIXELS; ++p) {
    for (int c = 0; c < 32 * words; ++c) {
      wrong += bit(bits + p * PITCH, (size_t)c) != (rows[p][c] > thresholds[c]);
    }
    for (int k = words; k < PITCH; ++k) wrong += bits[p * PITCH + k] != 0x5a5a5a5au;
  }
  CHECK(wrong == 0, "%s: compare, %d words", kernel->name, words);
}

static void test_outputs(const lce_kernel* kernel) {
  const lce_kernel* oracle = &lce_kernel_portable;
  for (int round = 0; round < 200; ++round) {
    int32_t accumulators[LCE_BLOCK_CHANNELS], thresholds[LCE_BLOCK_CHANNELS];
    float multiplier[LCE_BLOCK_CHANNELS], bias[LCE_BLOCK_CHANNELS];
    for (int c = 0; c < LCE_BLOCK_CHANNELS; ++c) {
      accumulators[c] = check_between(&seed, 0, 5000);
      thresholds[c] = accumulators[c] + check_between(&seed, -2, 2);
      multiplier[c] = (float)check_between(&seed, -4000, 4000) / 977.0f;
      bias[c] = (float)check_between(&seed, -100000, 100000) / 31.0f;
      if (round % 4 == 0) {  // results that lie halfway between integers
        multiplier[c] = 0.25f * (float)check_between(&seed, -2, 2);
        bias[c] = 0.5f * (float)check_between(&seed, -300, 300);
        accumulators[c] = check_between(&seed, 0, 100);
      }
    }
    thresholds[5] = INT32_MAX;
    thresholds[6] = INT32_MIN;
    test_compare(kernel, accumulators, thresholds, 1 + round % 2);

    lce_output_transform transform = {INT32_MIN, INT32_MAX, multiplier, bias};
    if (round % 2 == 0) {
      transform.clamp_min = check_between(&seed, 0, 3000);
      transform.clamp_max = transform.clamp_min + check_between(&seed, 0, 3000);
    }
    for (int channels = 1; channels <= LCE_BLOCK_CHANNELS; channels += 9) {
      float reals[LCE_BLOCK_CHANNELS] = {0}, expected_reals[LCE_BLOCK_CHANNELS] = {0};
      int8_t bytes[LCE_BLOCK_CHANNELS] = {0}, expected_bytes[LCE_BLOCK_CHANNELS] = {0};
      kernel->to_float(accumulators, &transform, channels, reals);
      oracle->to_float(accumulators, &transform, channels, expected_reals);
      CHECK(memcmp(reals, expected_reals, sizeof reals) == 0, "%s: to_float", kernel->name);
      kernel->to_int8(accumulators, &transform, channels, bytes);
      oracle->to_int8(accumulators, &transform, channels, expected_bytes);
      CHECK(memcmp(bytes, expected_bytes, sizeof bytes) == 0, "%s: to_int8", kernel->name);
    }
  }
}

static void test_packing(const lce_kernel* kernel) {
  const lce_kernel* oracle = &lce_kernel_portable;
  // The edges of floats: zeros, smallest, infinities and NaN of both signs.
  static const uint32_t EDGES[] = {0x00000000, 0x80000000, 0x00000001, 0x80000001, 0x007fffff,
                                   0x807fffff, 0x00800000, 0x80800000, 0x7f800000, 0xff800000,
                                   0x7fc00000, 0xffc00000, 0xff800001, 0x3f800000, 0xbf800000};
  for (int round = 0; round < 50; ++round) {
    enum { WORDS = 5 };
    float reals[32 * WORDS];
    int8_t bytes[32 * WORDS];
    uint32_t packed[WORDS] = {0}, expected[WORDS] = {0};
    for (int i = 0; i < 32 * WORDS; ++i) {
      const uint32_t edge = EDGES[check_between(&seed, 0, (int)(sizeof EDGES / sizeof EDGES[0]) - 1)];
      const uint32_t pattern = round == 0 ? edge : (uint32_t)(check_random(&seed) >> 32);
      memcpy(&reals[i], &pattern, sizeof pattern);
      bytes[i] = (int8_t)check_between(&seed, -128, 127);
    }
    kernel->pack_float(reals, WORDS, packed);
    oracle->pack_float(reals, WORDS, expected);
    CHECK(memcmp(packed, expected, sizeof packed) == 0, "%s: pack_float", kernel->name);
    const int8_t zero_point = (int8_t)check_between(&seed, -128, 127);
    kernel->pack_int8(bytes, zero_point, WORDS, packed);
    oracle->pack_int8(bytes, zero_point, WORDS, expected);
    CHECK(memcmp(packed, expected, sizeof packed) == 0, "%s: pack_int8", kernel->name);
  }
}

// A program that uses the matrix registers itself finds them where it wanted them saved.
#if LCE_COMPILES_SME2
LCE_TARGET_BEGIN("sme2")
static void test_saving(void) {
  size_t bytes;  // of a row, and rows
  __asm__("rdsvl %0, #1" : "=r"(bytes));
  uint8_t* rows = malloc(bytes * bytes);
  uint8_t* saved = calloc(bytes, bytes);
  for (size_t i = 0; i < bytes * bytes; ++i) rows[i] = (uint8_t)check_between(&seed, 0, 255);
  const struct { uint8_t* to; uint16_t count; uint8_t reserved[6]; } block = {saved, (uint16_t)bytes, {0}};
  uint64_t left, state;
  __asm__ volatile("smstart za" ::: "memory");
  for (size_t i = 0; i < bytes; ++i) {
    __asm__ volatile("mov w12, %w0\nldr za[w12, 0], [%1]" ::"r"(i), "r"(rows + i * bytes) : "x12", "memory");
  }
  __asm__ volatile("msr tpidr2_el0, %0" ::"r"(&block) : "memory");
  lce_kernel_sme2.matrix->begin();
  __asm__ volatile("mrs %0, tpidr2_el0\nmrs %1, svcr" : "=&r"(left), "=&r"(state)::"memory");
  CHECK(memcmp(rows, saved, bytes * bytes) == 0, "%zu rows of matrix registers", bytes);
  CHECK(left == 0 && state == 0, "nothing is left to be saved, and no mode is on");
  free(rows);
  free(saved);
}
LCE_TARGET_END
#endif

int main(void) {
  lce_flush_subnormals();  // as while a model runs
  for (const lce_kernel* const* kernel = lce_kernels; *kernel != NULL; ++kernel) {
#if defined(LCE_TEST_ONLY)  // an instruction set; an emulator has no time for the others
    if (strcmp((*kernel)->instruction_set, LCE_TEST_ONLY) != 0) continue;
#endif
    if (!(*kernel)->supported()) {
      printf("not run: %s, which this processor does not have\n", (*kernel)->name);
      continue;
    }
    printf("%s: packing, ", (*kernel)->name);
    test_packing(*kernel);
    printf("outputs, ");
    test_outputs(*kernel);
    printf("tiles ");
    test_accumulate(*kernel);
#if LCE_COMPILES_SME2
    if (*kernel == &lce_kernel_sme2) test_saving();
#endif
    printf(" done\n");
  }
  return check_result();
}
