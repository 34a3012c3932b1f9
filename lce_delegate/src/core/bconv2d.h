// A convolution of bits by bits, from its attributes (bconv2d_create.c) over a plan for one shape
// (bconv2d_plan.c) to a run (bconv2d_run.c).
//
// Arithmetic, rounding and conditions are those of Larq Compute Engine 0.16; where its kernels
// differ among themselves, those of its default kernel if that accepts the operator, else those of
// its reference kernel.
#ifndef LCE_CORE_BCONV2D_H_
#define LCE_CORE_BCONV2D_H_

#include "operator.h"

// How padding with zeros, which bits cannot express, is made good. The kernels see +1 there.
typedef enum {
  CORRECT_NOTHING,
  // Take the padded taps out of the accumulator, as LCE's reference kernel does. A tap of C channels
  // then counts C / 2, so C must be even.
  CORRECT_ACCUMULATOR,
  // Add what the padded taps had taken from the result, as LCE's default kernel does: the same
  // number, rounded otherwise.
  CORRECT_RESULT,
} lce_correction;

typedef struct {
  lce_operator base;
  const lce_kernel* kernel;
  lce_axis y, x;
  lce_padding padding;
  int32_t channels_in, channels_out, groups;
  lce_type output_type;
  lce_correction correction;

  size_t group_words;      // words of one pixel's channels of one group
  size_t window_words;     // words of one output channel's weights
  size_t group_channels;   // output channels of a group
  size_t blocks;           // of LCE_BLOCK_CHANNELS output channels, in a group
  size_t padded_channels;  // of all groups, blocks filled up
  uint32_t* weights;       // packed for the kernel, group by group
  size_t group_weight_words;
  int32_t* thresholds;     // [padded_channels], or
  float *multiplier, *bias;  // [padded_channels]
  int32_t clamp_min, clamp_max;
  int32_t* tap_popcount;   // [taps][padded_channels] if zero padding is corrected

  // For a product of matrices, if the kernel has one that fits; else NULL.
  uint32_t* sides;         // [padded_channels / LCE_MATRIX_SIDE], weights packed for the product
  int32_t* counts;         // [padded_channels], popcounts of the channels' weights

  // The plan.
  int32_t batch;
  bool multiplies;                // by the product of matrices
  bool copies;                    // activations go through a padded (or expanded) buffer
  void (*expand)(const uint32_t* packed, size_t words, uint32_t* expanded);  // or NULL
  size_t buffer_height, buffer_width;  // of that buffer, or of the input
  size_t planes;       // of the buffer: words of a pixel, if it multiplies packed bits; else 1
  size_t plane_words;  // words from one plane to the next
  size_t pixel_words;  // words from one pixel to the next, in a plane
  size_t* offsets;
  lce_window window;
  size_t tiles;  // of all output pixels; or of all positions of the buffer, if it multiplies
  size_t matrix_offset;  // of each worker's expanded weights, in the scratch memory
  size_t matrix_bytes;
} lce_bconv2d;

static inline size_t lce_taps(const lce_bconv2d* s) {
  return (size_t)s->y.filter * (size_t)s->x.filter;
}

// Is the plan a product of matrices of packed bits, whose buffer has planes?
static inline bool lce_multiplies_bits(const lce_bconv2d* s) {
  return s->multiplies && s->kernel->matrix->bits == 1;
}

// Groups that do not end at a word's end write to the same words.
static inline bool lce_groups_share_words(const lce_bconv2d* s) {
  return s->output_type == LCE_BITS && s->groups > 1 && s->group_channels % 32 != 0;
}

typedef struct {
  const lce_bconv2d* op;
  const uint32_t* input;
  uint32_t* buffer;
  void* output;
  size_t pitch;  // elements from one pixel's output to the next
} lce_bconv2d_job;

// The place of a pixel among the output, its number and its position.
typedef struct {
  size_t pixel, image, y, x;
} lce_position;

static inline void lce_next_position(const lce_bconv2d* s, lce_position* at) {
  ++at->pixel;
  if (++at->x < (size_t)s->x.output) return;
  at->x = 0;
  if (++at->y < (size_t)s->y.output) return;
  at->y = 0;
  ++at->image;
}

// The accumulators of some pixels from `at` on, for `count` channels of a block, become their output.
void lce_bconv2d_write(const lce_bconv2d_job* job, int32_t (*accumulators)[LCE_BLOCK_CHANNELS],
                       const lce_position* at, int pixels, size_t block, int count);

// By products of matrices, bconv2d_matrix.c: what it needs of the weights (false: no memory), whether
// it is faster for the planned shape, the plan, and units of work of a run.
bool lce_bconv2d_build_matrix(lce_bconv2d* s, const uint32_t* weights);
bool lce_bconv2d_prefers_matrix(const lce_bconv2d* s, const lce_axis* y, const lce_axis* x);
void lce_bconv2d_plan_matrix(lce_bconv2d* s, int workers, size_t* scratch_bytes);
void lce_bconv2d_multiply_units(void* job, int worker, size_t begin, size_t end);

bool lce_bconv2d_prepare(lce_operator* op, const lce_shape* inputs, int input_count, int workers,
                         lce_shape* output, size_t* scratch_bytes, lce_reason* why);
void lce_bconv2d_run(const lce_operator* op, const lce_run* run);

#endif  // LCE_CORE_BCONV2D_H_
