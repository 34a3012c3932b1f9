// Kernels for 64-bit ARM (ARMv8.0 and later), where NEON is always there.
#include "neon_tile.h"
#include "output.h"

static bool supported(void) { return true; }

enum { LANES = 16, TILE_PIXELS = 4 };

static void accumulate_4x16(const lce_window* window, const uint8_t* const* pixels,
                            int pixel_count, const void* weights, int channels,
                            lce_accumulators accumulators) {
  const size_t block = window->runs * window->run_words * LANES;
  const uint32_t* w = weights;
  for (int c = 0; c < channels; c += LANES, w += block) {
    if (pixel_count == TILE_PIXELS) {
      lce_neon_accumulate_tile(window, pixels, 4, w, 4, LANES, accumulators, 0, c);
      continue;
    }
    for (int p = 0; p < pixel_count; ++p) {
      lce_neon_accumulate_tile(window, pixels, 1, w, 4, LANES, accumulators, p, c);
    }
  }
}

const lce_kernel lce_bconv_neon = {
    .name = "bconv_4x16__neon_cnt",
    .instruction_set = "neon",
    .supported = supported,
    .tile_pixels = TILE_PIXELS,
    .weight_lanes = LANES,
    .weight_unit = 4,
    .activation_words = 1,
    .expand = NULL,
    .accumulate = accumulate_4x16,
    .compare = lce_neon_compare,
    .to_float = lce_to_float,
    .to_int8 = lce_to_int8,
    .pack_float = lce_neon_pack_float,
    .pack_int8 = lce_neon_pack_int8,
};
