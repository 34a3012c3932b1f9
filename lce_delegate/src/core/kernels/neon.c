// Kernels for 64-bit ARM (ARMv8.0 and later), where NEON is always there.
#if defined(__aarch64__)
#include "neon_tile.h"

static bool supported(void) { return true; }

LCE_NEON_KERNEL(neon, "bconv_4x16__neon_cnt", 4);
#endif  // defined(__aarch64__)
