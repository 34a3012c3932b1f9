// Kernels for 32-bit ARM with NEON (nearly every ARMv7 phone).
#if defined(__arm__)
#include <sys/auxv.h>

#include "neon_tile.h"

static bool supported(void) {
  enum { HWCAP_NEON_BIT = 1 << 12 };
  return (getauxval(AT_HWCAP) & HWCAP_NEON_BIT) != 0;
}

LCE_NEON_KERNEL(neon_armv7, "bconv_4x8__neon_armv7_cnt", 2);
#endif  // defined(__arm__)
