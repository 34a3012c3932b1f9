// Kernels in portable C: for processors without a kernel of their own, and the oracle that every
// other kernel is compared with.
#include "kernel.h"

static bool supported(void) { return true; }

// Counts the bits of two words at once by adding ever wider fields (Hacker's Delight, 5-1).
static inline int popcount64(uint64_t x) {
  x -= (x >> 1) & UINT64_C(0x5555555555555555);
  x = (x & UINT64_C(0x3333333333333333)) + ((x >> 2) & UINT64_C(0x3333333333333333));
  x = (x + (x >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
  return (int)((x * UINT64_C(0x0101010101010101)) >> 56);
}

#include "scalar.h"

const lce_kernel lce_kernel_portable = {
    .name = "bconv_1x1__portable_swar",
    .instruction_set = "portable",
    .supported = supported,
    LCE_SCALAR,
};
