// The product of matrices of bits on ARM processors with SME2 (Linux and Android). BMOPA takes a word of
// each of some pixels and a word of each of some channels, and adds, for all pairs of them, how many of
// their bits are equal: 8,192 products of bits where vectors have 512 bits. Weights are kept inverted,
// so that it counts bits that differ.
//
// The length of vectors is the processor's. Code is assembly, for a compiler's own support of these
// modes wants functions of its run-time library that not every toolchain has.
#include "kernel.h"

#if LCE_COMPILES_SME2
#include <stddef.h>
#include <sys/auxv.h>

#include "target.h"

static bool supported(void) {
  const uint64_t SME2 = UINT64_C(1) << 37, SME_BI32I32 = UINT64_C(1) << 40;  // of AT_HWCAP2
  const uint64_t wanted = SME2 | SME_BI32I32;
  return (getauxval(AT_HWCAP2) & wanted) == wanted;
}

static void pack(const uint32_t* weights, size_t channels, size_t words, uint32_t* packed) {
  for (size_t k = 0; k < words; ++k) {
    for (size_t c = 0; c < LCE_MATRIX_SIDE; ++c) {
      *packed++ = c < channels ? ~weights[c * words + k] : 0;
    }
  }
}

LCE_TARGET_BEGIN("sme2")

// A program may be using the matrix registers itself. By ARM's procedure call standard it then leaves
// word of where to save them, for whoever comes to need them.
typedef struct {
  uint8_t* to;
  uint16_t rows;
  uint8_t reserved[6];
} saved_rows;

static void begin(void) {
  const saved_rows* saved;
  __asm__ volatile("mrs %0, tpidr2_el0" : "=r"(saved));
  if (saved == NULL) return;
  if (saved->to != NULL && saved->rows > 0) {
    uint8_t* to = saved->to;
    __asm__ volatile(
        "rdsvl x9, #1\n"
        "mov w12, #0\n"
        "1: str za[w12, 0], [%[to]]\n"
        "add %[to], %[to], x9\n"
        "add w12, w12, #1\n"
        "cmp w12, %w[rows]\n"
        "b.lo 1b\n"
        : [to] "+&r"(to)
        : [rows] "r"((uint32_t)saved->rows)
        : "x9", "x12", "cc", "memory");
  }
  __asm__ volatile("msr tpidr2_el0, xzr\nsmstop za" ::: "memory");
}

static void end(void) {}

#define LCE_ALL_VECTORS                                                                        \
  "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14",\
      "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27",\
      "v28", "v29", "v30", "v31"

// Accumulators of two vectors of pixels by two vectors of channels, or of one by one if a vector has as
// many words as the whole product or more.
static void multiply_tiles(const lce_window* window, const uint8_t* activations, size_t distance,
                           const uint32_t* weights, int32_t* accumulators) {
  const size_t* offsets = window->offsets;
  size_t runs = window->runs;
  const size_t side = LCE_MATRIX_SIDE, row = LCE_BLOCK_CHANNELS * sizeof(int32_t);
  __asm__ volatile(
      "smstart\n"
      "zero {za}\n"
      "cntw x9\n"
      "whilelo p0.s, xzr, %[side]\n"  // the first vector
      "whilelo p1.s, x9, %[side]\n"   // the second: all of it or nothing

      "1: ldr x10, [%[offsets]], #8\n"  // a run of the window
      "add x10, %[activations], x10\n"
      "mov x11, %[run_words]\n"
      "2: ld1w {z0.s}, p0/z, [x10]\n"  // a word of all
      "ld1w {z1.s}, p1/z, [x10, #1, mul vl]\n"
      "ld1w {z2.s}, p0/z, [%[weights]]\n"
      "ld1w {z3.s}, p1/z, [%[weights], #1, mul vl]\n"
      "bmopa za0.s, p0/m, p0/m, z0.s, z2.s\n"
      "bmopa za1.s, p0/m, p1/m, z0.s, z3.s\n"
      "bmopa za2.s, p1/m, p0/m, z1.s, z2.s\n"
      "bmopa za3.s, p1/m, p1/m, z1.s, z3.s\n"
      "add x10, x10, %[distance]\n"
      "add %[weights], %[weights], %[side], lsl #2\n"
      "subs x11, x11, #1\n"
      "b.ne 2b\n"
      "subs %[runs], %[runs], #1\n"
      "b.ne 1b\n"

      "madd x10, x9, %[row], %[accumulators]\n"  // the second vector of pixels
      "cmp x9, %[side]\n"
      "csel x11, x9, %[side], lo\n"
      "mov w12, #0\n"
      "3: st1w {za0h.s[w12, 0]}, p0, [%[accumulators]]\n"
      "st1w {za1h.s[w12, 0]}, p1, [%[accumulators], x9, lsl #2]\n"
      "st1w {za2h.s[w12, 0]}, p1, [x10]\n"
      "st1w {za3h.s[w12, 0]}, p1, [x10, x9, lsl #2]\n"
      "add %[accumulators], %[accumulators], %[row]\n"
      "add x10, x10, %[row]\n"
      "add w12, w12, #1\n"
      "cmp w12, w11\n"
      "b.lo 3b\n"
      "smstop\n"
      : [offsets] "+&r"(offsets), [runs] "+&r"(runs), [weights] "+&r"(weights),
        [accumulators] "+&r"(accumulators)
      : [activations] "r"(activations), [distance] "r"(distance), [run_words] "r"(window->run_words),
        [side] "r"(side), [row] "r"(row)
      : "x9", "x10", "x11", "x12", "p0", "p1", "cc", "memory", LCE_ALL_VECTORS);
}

static void multiply(const lce_window* window, const uint8_t* activations, size_t distance,
                     const void* weights, const int32_t* counts,
                     int32_t (*accumulators)[LCE_BLOCK_CHANNELS]) {
  (void)counts;
  size_t bytes;  // of a vector
  __asm__("rdsvl %0, #1" : "=r"(bytes));
  const size_t step = 2 * bytes / sizeof(uint32_t);
  for (size_t p = 0; p < LCE_MATRIX_SIDE; p += step) {
    for (size_t c = 0; c < LCE_MATRIX_SIDE; c += step) {
      multiply_tiles(window, activations + p * sizeof(uint32_t), distance,
                     (const uint32_t*)weights + c, &accumulators[p][c]);
    }
  }
}
LCE_TARGET_END

const lce_matrix lce_matrix_sme2 = {
    .bits = 1,
    .step_words = 1,
    .supported = supported,
    .begin = begin,
    .end = end,
    .pack = pack,
    .multiply = multiply,
    .step_cost = 0,  // by analysis, bench/arm_analysis.py
    .tile_cost = 1,
};
#endif  // LCE_COMPILES_SME2
