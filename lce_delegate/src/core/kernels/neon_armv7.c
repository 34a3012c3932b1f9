// Kernels for 32-bit ARM with NEON (nearly every ARMv7 phone).
#if defined(__arm__)
#include <sys/auxv.h>

#include "neon_tile.h"
#include "output.h"

LCE_DEFINE_COMPARE(lce_neon_compare_pixel)

static bool supported(void) {
  enum { HWCAP_NEON_BIT = 1 << 12 };
  return (getauxval(AT_HWCAP) & HWCAP_NEON_BIT) != 0;
}

enum { REGISTERS = 2 };  // of four channels, in a tile

static void accumulate_4x8(const lce_window* window, const uint8_t* const* pixels,
                           int pixel_count, const void* weights, int channels,
                           lce_accumulators accumulators) {
  lce_neon_accumulate(window, pixels, pixel_count, weights, REGISTERS, channels, accumulators);
}

const lce_kernel lce_kernel_neon_armv7 = {
    .name = "bconv_4x8__neon_armv7_cnt",
    .instruction_set = "neon",
    .supported = supported,
    .tile_pixels = LCE_NEON_TILE_PIXELS,
    .weight_lanes = 4 * REGISTERS,
    .weight_bits = 32,
    .activation_words = 1,
    .expand = NULL,
    .accumulate = accumulate_4x8,
    .compare = compare,
    .to_float = lce_to_float,
    .to_int8 = lce_to_int8,
    .pack_float = lce_neon_pack_float,
    .pack_int8 = lce_neon_pack_int8,
    .convolve_signs = convolve_signs,
};
#endif  // defined(__arm__)
