// Kernels for 64-bit ARM (ARMv8.0 and later), where NEON is always there.
#if defined(__aarch64__)
#include "neon_tile.h"
#include "output.h"

LCE_DEFINE_COMPARE(lce_neon_compare_pixel)

static bool supported(void) { return true; }

enum { REGISTERS = 4 };  // of four channels, in a tile

static void accumulate_4x16(const lce_window* window, const uint8_t* const* pixels,
                            int pixel_count, const void* weights, int channels,
                            lce_accumulators accumulators) {
  lce_neon_accumulate(window, pixels, pixel_count, weights, REGISTERS, channels, accumulators);
}

const lce_kernel lce_kernel_neon = {
    .name = "bconv_4x16__neon_cnt",
    .instruction_set = "neon",
    .supported = supported,
    .tile_pixels = LCE_NEON_TILE_PIXELS,
    .weight_lanes = 4 * REGISTERS,
    .weight_bits = 32,
    .activation_words = 1,
    .expand = NULL,
    .accumulate = accumulate_4x16,
    .compare = compare,
    .to_float = lce_to_float,
    .to_int8 = lce_to_int8,
    .pack_float = lce_neon_pack_float,
    .pack_int8 = lce_neon_pack_int8,
    .convolve_signs = convolve_signs,
};
#endif  // defined(__aarch64__)
