// A kernel's file names its own instruction set, between LCE_TARGET_BEGIN and LCE_TARGET_END, so that
// no compiler option is needed and every file can be compiled for every processor.
#ifndef LCE_CORE_KERNELS_TARGET_H_
#define LCE_CORE_KERNELS_TARGET_H_

#define LCE_PRAGMA(...) _Pragma(#__VA_ARGS__)

#if defined(__clang__)
#define LCE_TARGET_BEGIN(features) \
  LCE_PRAGMA(clang attribute push(__attribute__((target(features))), apply_to = function))
#define LCE_TARGET_END LCE_PRAGMA(clang attribute pop)
#define LCE_UNROLL LCE_PRAGMA(clang loop unroll(full))
#else
#define LCE_TARGET_BEGIN(features) LCE_PRAGMA(GCC push_options) LCE_PRAGMA(GCC target(features))
#define LCE_TARGET_END LCE_PRAGMA(GCC pop_options)
#define LCE_UNROLL LCE_PRAGMA(GCC unroll 16)
#endif

#define LCE_ALWAYS_INLINE static inline __attribute__((always_inline))

#endif  // LCE_CORE_KERNELS_TARGET_H_
