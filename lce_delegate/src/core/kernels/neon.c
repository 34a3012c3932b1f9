// Kernels for 64-bit ARM (ARMv8.0 and later), where NEON is always there.
#if defined(__aarch64__)
#include "neon_tile.h"

static bool supported(void) { return true; }

enum { REGISTERS = 4 };
LCE_NEON_KERNEL(neon, "bconv_4x16__neon_cnt", REGISTERS);

#if LCE_COMPILES_SME2
extern const lce_matrix lce_matrix_sme2;

static bool supports_sme2(void) { return lce_matrix_sme2.supported(); }

const lce_kernel lce_kernel_sme2 = {
    .name = "bconv_32x32__sme2_bmopa",
    .instruction_set = "sme2",
    .supported = supports_sme2,
    .matrix = &lce_matrix_sme2,
    LCE_NEON_FIELDS(REGISTERS),
};
#endif
#endif  // defined(__aarch64__)
