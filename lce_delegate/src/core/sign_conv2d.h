// A convolution of one real channel by weights of -1 and +1, and the packing of its result: the
// first layer of a binary network. Whole numbers are added as int16, which is exact in any order;
// other numbers in float32, in XNNPACK's order (the bias, then tap by tap).
#ifndef LCE_CORE_SIGN_CONV2D_H_
#define LCE_CORE_SIGN_CONV2D_H_

#include "operator.h"

typedef struct {
  lce_operator base;
  const lce_kernel* kernel;
  lce_axis y, x;
  lce_padding padding;
  int32_t channels;
  lce_type output_type;
  size_t blocks;     // of LCE_BLOCK_CHANNELS channels
  int16_t* weights;  // [blocks][taps][LCE_BLOCK_CHANNELS], -1 and +1, 0 past the last channel
  int16_t* limits;   // [blocks][LCE_BLOCK_CHANNELS]: bit 1 where a sum of whole numbers is below
  float* bias;       // [blocks][LCE_BLOCK_CHANNELS]

  // The plan: a padded image of int16, and for each of its rows whether all numbers are whole.
  int32_t batch;
  size_t buffer_height, buffer_width;
} lce_sign_conv2d;

static inline int lce_sign_taps(const lce_sign_conv2d* s) { return s->y.filter * s->x.filter; }

void lce_sign_conv2d_run(const lce_operator* op, const lce_run* run);

#endif  // LCE_CORE_SIGN_CONV2D_H_
