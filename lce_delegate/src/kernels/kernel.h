// What an instruction set has to provide: the inner loops of a bit-packed convolution.
//
// Bit 0 stands for +1 and bit 1 for -1, so the product of two values is the xor of their bits, and
// a dot product of K of them is K - 2 popcount(x ^ w). Kernels work out that popcount (the
// "accumulator") and what follows it; everything about shapes is decided outside, in bconv2d.c.
#ifndef LCE_DELEGATE_KERNELS_KERNEL_H_
#define LCE_DELEGATE_KERNELS_KERNEL_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "lce_delegate packs bits for little-endian machines only, as TensorFlow Lite models do"
#endif

enum {
  LCE_BLOCK_CHANNELS = 64,  // output channels that one call works out at most
  LCE_MAX_TILE_PIXELS = 8,  // output pixels that one call works out at most, over all kernels
};

// Accumulators of a tile, one row of channels per pixel.
typedef int32_t lce_accumulators[LCE_MAX_TILE_PIXELS][LCE_BLOCK_CHANNELS];

// The window of a convolution in the activations, as contiguous runs of packed words.
typedef struct {
  size_t runs;
  size_t run_words;       // words of packed channels in each run
  const size_t* offsets;  // [runs], bytes from a pixel's address to each run
} lce_window;

// From an accumulator a to a real result: clamp(2 a, clamp_min, clamp_max) * multiplier + bias.
typedef struct {
  int32_t clamp_min, clamp_max;
  const float* multiplier;  // [channels]
  const float* bias;        // [channels]
} lce_output_transform;

typedef struct {
  // type and operation, tile (pixels x channels), instruction set, and how it counts
  const char* name;
  const char* instruction_set;  // value of the option "kernel"
  bool (*supported)(void);      // can this processor run it?

  int tile_pixels;  // pixels that `accumulate` works out best at once, and at most

  // Weights lie in blocks of `weight_lanes` output channels; in a block, unit k of all lanes comes
  // before unit k + 1. A unit is `weight_bits` bits of a channel's packed weights: 32, which take a
  // word, or 4, which take a byte.
  int weight_lanes;
  int weight_bits;

  // Activations are copied into a padded buffer by `expand`, which writes `activation_words` words
  // for each. NULL: they are used as they are.
  int activation_words;
  void (*expand)(const uint32_t* packed, size_t words, uint32_t* expanded);

  // accumulators[p][c] = popcount of (window at pixels[p] ^ weights of channel c), for all p below
  // `pixel_count` and c below `channels`, rounded up to weight_lanes.
  void (*accumulate)(const lce_window* window, const uint8_t* const* pixels, int pixel_count,
                     const void* weights, int channels, lce_accumulators accumulators);

  // Bit c of `output` is accumulators[c] > thresholds[c]; always LCE_BLOCK_CHANNELS of them.
  void (*compare)(const int32_t* accumulators, const int32_t* thresholds, uint32_t output[2]);
  void (*to_float)(const int32_t* accumulators, const lce_output_transform* transform,
                   int channels, float* output);
  void (*to_int8)(const int32_t* accumulators, const lce_output_transform* transform,
                  int channels, int8_t* output);

  // Bit i of `packed` is values[i] < 0, or values[i] < zero_point; 32 * words values.
  void (*pack_float)(const float* values, size_t words, uint32_t* packed);
  void (*pack_int8)(const int8_t* values, int8_t zero_point, size_t words, uint32_t* packed);
} lce_kernel;

// All kernels of this build, best first; ends with NULL. The last one, portable, runs everywhere
// and is the oracle of the tests.
extern const lce_kernel* const lce_kernels[];

// The best kernel that this processor runs, or the one of the named instruction set; NULL if there
// is none of that name or this processor cannot run it.
const lce_kernel* lce_find_kernel(const char* instruction_set);

// Words of memory that the weights of `channels` output channels take.
size_t lce_packed_weights_words(const lce_kernel* kernel, size_t channels, size_t words);

// Brings weights, [channels][words] as in the model, into a kernel's order; lanes past the last
// channel are zero.
void lce_pack_weights(const lce_kernel* kernel, const uint32_t* weights, size_t channels,
                      size_t words, void* packed);

extern const lce_kernel lce_bconv_portable;
extern const lce_kernel lce_bconv_avx2;
extern const lce_kernel lce_bconv_avx512;
extern const lce_kernel lce_bconv_neon;
extern const lce_kernel lce_bconv_neon_armv7;

#endif  // LCE_DELEGATE_KERNELS_KERNEL_H_
