// What the processor and the operating system offer, read with CPUID and XGETBV: no run-time
// library of a compiler is needed, so that the same code serves Android.
#ifndef LCE_CORE_KERNELS_X86_FEATURES_H_
#define LCE_CORE_KERNELS_X86_FEATURES_H_

#include <cpuid.h>
#include <stdbool.h>
#include <stdint.h>

// Does the operating system save the registers named by `mask` (a part of XCR0)?
static inline bool lce_x86_saves(uint32_t mask) {
  uint32_t a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE)) return false;
  uint32_t low, high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (low & mask) == mask;
}

static inline bool lce_x86_has_popcnt(void) {
  uint32_t a, b, c, d;
  return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_POPCNT);
}

static inline bool lce_x86_has_avx2(void) {
  enum { XMM_YMM = 0x06 };
  uint32_t a, b, c, d;
  return lce_x86_saves(XMM_YMM) && __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_AVX2);
}

static inline bool lce_x86_has_avx512vpopcntdq(void) {
  enum { XMM_YMM_ZMM_MASKS = 0xe6, VPOPCNTDQ = 1 << 14 };
  uint32_t a, b, c, d;
  return lce_x86_saves(XMM_YMM_ZMM_MASKS) && __get_cpuid_count(7, 0, &a, &b, &c, &d) &&
         (b & bit_AVX512F) && (b & bit_AVX512BW) && (b & bit_AVX512DQ) && (b & bit_AVX512VL) &&
         (c & VPOPCNTDQ);
}

// AMX for bytes. Linux gives a process its tiles only if it asks.
static inline bool lce_x86_has_amx(void) {
#if defined(__linux__)
  enum { TILES = 0x60000, AMX_TILE = 1 << 24, AMX_INT8 = 1 << 25 };
  enum { ARCH_PRCTL = 158, REQUEST_PERMISSION = 0x1023, TILE_DATA = 18 };
  uint32_t a, b, c, d;
  if (!lce_x86_saves(TILES) || !__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
  if (!(d & AMX_TILE) || !(d & AMX_INT8)) return false;
  long result = ARCH_PRCTL;
  __asm__ volatile("syscall"
                   : "+a"(result)
                   : "D"((long)REQUEST_PERMISSION), "S"((long)TILE_DATA)
                   : "rcx", "r11", "memory");
  return result == 0;
#else
  return false;
#endif
}

#endif  // LCE_CORE_KERNELS_X86_FEATURES_H_
