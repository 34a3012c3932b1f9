// Kernels in portable C: for processors without a kernel of their own, and the oracle that every
// other kernel is compared with.
#include "kernel.h"
#include "output.h"
#include "signs.h"

static bool supported(void) { return true; }

// Counts the bits of two words at once by adding ever wider fields (Hacker's Delight, 5-1).
static int popcount64(uint64_t x) {
  x -= (x >> 1) & UINT64_C(0x5555555555555555);
  x = (x & UINT64_C(0x3333333333333333)) + ((x >> 2) & UINT64_C(0x3333333333333333));
  x = (x + (x >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
  return (int)((x * UINT64_C(0x0101010101010101)) >> 56);
}

static void accumulate_1x1(const lce_window* window, const uint8_t* const* pixels, int pixel_count,
                           const void* weights, int channels, lce_accumulators accumulators) {
  for (int p = 0; p < pixel_count; ++p) {
    const uint32_t* w = weights;
    for (int c = 0; c < channels; ++c) {
      int count = 0;
      for (size_t r = 0; r < window->runs; ++r) {
        const uint32_t* x = (const uint32_t*)(pixels[p] + window->offsets[r]);
        size_t k = 0;
        for (; k + 2 <= window->run_words; k += 2, w += 2) {
          count += popcount64((uint64_t)(x[k] ^ w[0]) << 32 | (x[k + 1] ^ w[1]));
        }
        if (k < window->run_words) count += popcount64(x[k] ^ *w++);
      }
      accumulators[p][c] = count;
    }
  }
}

LCE_ALWAYS_INLINE void compare_pixel(const int32_t* accumulators, const int32_t* thresholds, uint32_t output[2]) {
  for (int word = 0; word < 2; ++word) {
    uint32_t bits = 0;
    for (int i = 0; i < 32; ++i) {
      bits |= (uint32_t)(accumulators[32 * word + i] > thresholds[32 * word + i]) << i;
    }
    output[word] = bits;
  }
}

LCE_DEFINE_COMPARE(compare_pixel)

static void pack_float(const float* values, size_t words, uint32_t* packed) {
  for (size_t word = 0; word < words; ++word, values += 32) {
    uint32_t bits = 0;
    for (int i = 0; i < 32; ++i) bits |= (uint32_t)(values[i] < 0.0f) << i;
    packed[word] = bits;
  }
}

static void pack_int8(const int8_t* values, int8_t zero_point, size_t words, uint32_t* packed) {
  for (size_t word = 0; word < words; ++word, values += 32) {
    uint32_t bits = 0;
    for (int i = 0; i < 32; ++i) bits |= (uint32_t)(values[i] < zero_point) << i;
    packed[word] = bits;
  }
}

typedef int16_t signs_vector __attribute__((vector_size(16)));
LCE_DEFINE_SUM_SIGNS(signs_vector)

static void compare_signs(const int16_t* sums, const int16_t* limits, uint32_t bits[2]) {
  bits[0] = bits[1] = 0;
  for (int c = 0; c < LCE_BLOCK_CHANNELS; ++c) {
    bits[c / 32] |= (uint32_t)(sums[c] < limits[c]) << (c % 32);
  }
}

LCE_DEFINE_CONVOLVE_SIGNS(compare_signs)

const lce_kernel lce_kernel_portable = {
    .name = "bconv_1x1__portable_swar",
    .instruction_set = "portable",
    .supported = supported,
    .tile_pixels = 1,
    .weight_lanes = 1,
    .weight_bits = 32,
    .activation_words = 1,
    .expand = NULL,
    .accumulate = accumulate_1x1,
    .compare = compare,
    .to_float = lce_to_float,
    .to_int8 = lce_to_int8,
    .pack_float = pack_float,
    .pack_int8 = pack_int8,
    .convolve_signs = convolve_signs,
};
