// TensorFlow Lite, as LCE builds it, treats subnormal floats as zero while a model runs, so that they
// do not slow it down; -1e-40 then quantizes to +1. Other builds do not. The delegate does it itself,
// on every thread that computes, and leaves the caller's setting as it was. Elsewhere (WebAssembly)
// there is nothing to set.
#ifndef LCE_CORE_SUBNORMALS_H_
#define LCE_CORE_SUBNORMALS_H_

#include <stdint.h>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

typedef uint64_t lce_float_state;

#if defined(__x86_64__)
enum { LCE_FLUSH = 0x8040 };  // flush results, and operands, to zero
#define LCE_READ_FLOAT_STATE(state) (state) = _mm_getcsr()
#define LCE_WRITE_FLOAT_STATE(state) _mm_setcsr((unsigned)(state))
#elif defined(__aarch64__)
enum { LCE_FLUSH = 1 << 24 };
#define LCE_READ_FLOAT_STATE(state) __asm__ volatile("mrs %0, fpcr" : "=r"(state))
#define LCE_WRITE_FLOAT_STATE(state) __asm__ volatile("msr fpcr, %0" : : "r"((uint64_t)(state)))
#elif defined(__arm__) && defined(__VFP_FP__) && !defined(__SOFTFP__)
enum { LCE_FLUSH = 1 << 24 };
#define LCE_READ_FLOAT_STATE(state)                 \
  do {                                              \
    uint32_t word;                                  \
    __asm__ volatile("vmrs %0, fpscr" : "=r"(word)); \
    (state) = word;                                 \
  } while (0)
#define LCE_WRITE_FLOAT_STATE(state) \
  __asm__ volatile("vmsr fpscr, %0" : : "r"((uint32_t)(state)))
#else
enum { LCE_FLUSH = 0 };
#define LCE_READ_FLOAT_STATE(state) (state) = 0
#define LCE_WRITE_FLOAT_STATE(state) (void)(state)
#endif

static inline void lce_restore_subnormals(lce_float_state before) { LCE_WRITE_FLOAT_STATE(before); }

// From now on this thread flushes subnormal floats to zero; returns what to restore.
static inline lce_float_state lce_flush_subnormals(void) {
  lce_float_state before;
  LCE_READ_FLOAT_STATE(before);
  LCE_WRITE_FLOAT_STATE(before | (lce_float_state)LCE_FLUSH);
  return before;
}

// From now on this thread keeps them; returns what to restore.
static inline lce_float_state lce_keep_subnormals(void) {
  lce_float_state before;
  LCE_READ_FLOAT_STATE(before);
  LCE_WRITE_FLOAT_STATE(before & ~(lce_float_state)LCE_FLUSH);
  return before;
}

#endif  // LCE_CORE_SUBNORMALS_H_
