// What an instruction set has to provide: the inner loops of a bit-packed convolution.
//
// Bit 0 stands for +1 and bit 1 for -1, so the product of two values is the xor of their bits, and
// a dot product of K of them is K - 2 popcount(x ^ w). Kernels work out that popcount (the
// "accumulator") and what follows it; everything about shapes is decided outside, in bconv2d_plan.c.
#ifndef LCE_CORE_KERNELS_KERNEL_H_
#define LCE_CORE_KERNELS_KERNEL_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lce_core.h"

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

// Weights of -1 and +1 of a block of channels, for convolve_signs.
typedef struct {
  int taps;
  const int16_t* weights;  // [taps][LCE_BLOCK_CHANNELS]
  const int16_t* limits;   // [LCE_BLOCK_CHANNELS]
  int words;               // 1 or 2, of the output
} lce_sign_block;

enum { LCE_MATRIX_SIDE = 32 };  // pixels, and channels, of a product of matrices

// A processor's own product of matrices. With `bits` 8 it is one of bytes, and worth to take bits apart
// for it: those of activations become bytes of 0 and 1, weights bytes of +1 and -1, and
// popcount(x ^ w) = popcount(w) + sum of x (1 - 2 w). With `bits` 1 it counts bits, which stay packed;
// activations lie in planes then: a word of all pixels comes before the next word.
typedef struct {
  int bits;
  int step_words;  // runs of the window are multiples of so many words
  bool (*supported)(void);  // can this processor run it?
  void (*begin)(void);  // before, and after, other functions are used on a thread
  void (*end)(void);
  // Brings the weights of up to LCE_MATRIX_SIDE channels, [channels][words], into an order of its own,
  // in LCE_MATRIX_SIDE * words words.
  void (*pack)(const uint32_t* weights, size_t channels, size_t words, uint32_t* packed);
  // With `bits` 8: words of activations, and of packed weights, to 32 bytes each. Else NULL.
  void (*expand)(const uint32_t* packed, size_t words, uint32_t* expanded);
  void (*expand_weights)(const uint32_t* packed, size_t words, int8_t* weights);
  // The accumulators of LCE_MATRIX_SIDE neighbouring pixels for as many channels. `distance` is in
  // bytes, from a pixel to the next, or with `bits` 1 from a plane to the next; `counts` are the
  // popcounts of the channels' weights.
  void (*multiply)(const lce_window* window, const uint8_t* activations, size_t distance,
                   const void* weights, const int32_t* counts,
                   int32_t (*accumulators)[LCE_BLOCK_CHANNELS]);
  // Time of two words for 16 channels, in that of `accumulate` for them and one pixel: fixed, and for
  // each LCE_MATRIX_SIDE pixels.
  int step_cost, tile_cost;
} lce_matrix;

struct lce_kernel {
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

  const lce_matrix* matrix;  // or NULL

  // Activations are copied into a padded buffer by `expand`, which writes `activation_words` words
  // for each. NULL: they are used as they are.
  int activation_words;
  void (*expand)(const uint32_t* packed, size_t words, uint32_t* expanded);

  // accumulators[p][c] = popcount of (window at pixels[p] ^ weights of channel c), for all p below
  // `pixel_count` and c below `channels`, rounded up to weight_lanes.
  void (*accumulate)(const lce_window* window, const uint8_t* const* pixels, int pixel_count,
                     const void* weights, int channels, lce_accumulators accumulators);

  // Bit c of a pixel's output is accumulators[p][c] > thresholds[c]. LCE_BLOCK_CHANNELS of each are
  // read; `words`, 1 or 2, are written. From pixel to pixel `output` goes on by `pitch`.
  void (*compare)(const int32_t (*accumulators)[LCE_BLOCK_CHANNELS], int pixels,
                  const int32_t* thresholds, int words, uint32_t* output, size_t pitch);
  void (*to_float)(const int32_t* accumulators, const lce_output_transform* transform,
                   int channels, float* output);
  void (*to_int8)(const int32_t* accumulators, const lce_output_transform* transform,
                  int channels, int8_t* output);

  // Bit i of `packed` is values[i] < 0, or values[i] < zero_point; 32 * words values.
  void (*pack_float)(const float* values, size_t words, uint32_t* packed);
  void (*pack_int8)(const int8_t* values, int8_t zero_point, size_t words, uint32_t* packed);

  // A row of pixels: bit c of `output` is (sum over t of taps[t][0] * weights[t][c]) < limits[c]. From
  // pixel to pixel taps[t] goes on by `stride` and `output` by `pitch`. Sums fit into int16.
  void (*convolve_signs)(const int16_t* const* taps, size_t stride, size_t pixels,
                         const lce_sign_block* block, uint32_t* output, size_t pitch);
};

// All kernels of this build, as list.h orders them; ends with NULL.
extern const lce_kernel* const lce_kernels[];

// Words of memory that the weights of `channels` output channels take.
size_t lce_packed_weights_words(const lce_kernel* kernel, size_t channels, size_t words);

// Brings weights, [channels][words] as in the model, into a kernel's order; lanes past the last
// channel are zero.
void lce_pack_weights(const lce_kernel* kernel, const uint32_t* weights, size_t channels,
                      size_t words, void* packed);

// Is sme2.c compiled? Its instructions need a compiler that knows them, its detection Linux.
#if defined(__aarch64__) && defined(__linux__) && defined(__clang__) && __clang_major__ >= 18
#define LCE_COMPILES_SME2 1
#else
#define LCE_COMPILES_SME2 0
#endif

#define KERNEL(name) extern const lce_kernel lce_kernel_##name;
#include "list.h"
#undef KERNEL

#endif  // LCE_CORE_KERNELS_KERNEL_H_
