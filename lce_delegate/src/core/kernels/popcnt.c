// Kernels for x86-64 processors with POPCNT but without AVX2, from 2008 on; Android's x86-64 has it.
#if defined(__x86_64__)
#include "kernel.h"
#include "target.h"
#include "x86_features.h"

static bool supported(void) { return lce_x86_has_popcnt(); }

LCE_TARGET_BEGIN("popcnt")
LCE_ALWAYS_INLINE int popcount64(uint64_t bits) { return __builtin_popcountll(bits); }

#include "scalar.h"
LCE_TARGET_END

const lce_kernel lce_kernel_popcnt = {
    .name = "bconv_1x1__popcnt",
    .instruction_set = "popcnt",
    .supported = supported,
    LCE_SCALAR,
};
#endif  // defined(__x86_64__)
