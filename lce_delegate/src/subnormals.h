// TensorFlow Lite, as LCE builds it, treats subnormal floats as zero while a model runs, so that they
// do not slow it down; -1e-40 then quantizes to +1. Other builds do not. The delegate does it itself,
// on every thread that computes, and leaves the caller's setting as it was.
#ifndef LCE_DELEGATE_SUBNORMALS_H_
#define LCE_DELEGATE_SUBNORMALS_H_

#include <stdint.h>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

typedef uint64_t lce_float_state;

// From now on this thread flushes subnormal floats to zero; returns what to restore.
static inline lce_float_state lce_flush_subnormals(void) {
#if defined(__x86_64__)
  enum { FLUSH_RESULTS = 0x8000, FLUSH_OPERANDS = 0x0040 };
  const unsigned before = _mm_getcsr();
  _mm_setcsr(before | FLUSH_RESULTS | FLUSH_OPERANDS);
  return before;
#elif defined(__aarch64__)
  uint64_t before;
  __asm__ volatile("mrs %0, fpcr" : "=r"(before));
  __asm__ volatile("msr fpcr, %0" : : "r"(before | (uint64_t)1 << 24));
  return before;
#elif defined(__arm__) && defined(__VFP_FP__)
  uint32_t before;
  __asm__ volatile("vmrs %0, fpscr" : "=r"(before));
  __asm__ volatile("vmsr fpscr, %0" : : "r"(before | (uint32_t)1 << 24));
  return before;
#else
  return 0;
#endif
}

static inline void lce_restore_subnormals(lce_float_state before) {
#if defined(__x86_64__)
  _mm_setcsr((unsigned)before);
#elif defined(__aarch64__)
  __asm__ volatile("msr fpcr, %0" : : "r"(before));
#elif defined(__arm__) && defined(__VFP_FP__)
  __asm__ volatile("vmsr fpscr, %0" : : "r"((uint32_t)before));
#else
  (void)before;
#endif
}

#endif  // LCE_DELEGATE_SUBNORMALS_H_
