// The layout of lce_core.h's structs in a 32-bit memory, on which src/core.ts relies.
#include "lce_core.h"

#define WORD(STRUCT, FIELD, NUMBER) \
  _Static_assert(offsetof(STRUCT, FIELD) == 4 * (NUMBER), #STRUCT "." #FIELD)

WORD(lce_shape, dims, 1);
_Static_assert(sizeof(lce_shape) == 4 * 9, "lce_shape");
_Static_assert(sizeof(lce_reason) == 256, "lce_reason");

WORD(lce_window2d, filter_height, 0);
WORD(lce_window2d, stride_height, 2);
WORD(lce_window2d, dilation_height, 4);
WORD(lce_window2d, padding, 6);
_Static_assert(sizeof(lce_window2d) == 4 * 7, "lce_window2d");

WORD(lce_bconv2d_attributes, channels_in, 7);
WORD(lce_bconv2d_attributes, channels_out, 8);
WORD(lce_bconv2d_attributes, groups, 9);
WORD(lce_bconv2d_attributes, pad_value, 10);
WORD(lce_bconv2d_attributes, weights, 11);
WORD(lce_bconv2d_attributes, output, 12);
WORD(lce_bconv2d_attributes, thresholds, 13);
WORD(lce_bconv2d_attributes, multiplier, 14);
WORD(lce_bconv2d_attributes, bias, 15);
WORD(lce_bconv2d_attributes, activation, 16);
WORD(lce_bconv2d_attributes, output_scale, 17);
WORD(lce_bconv2d_attributes, output_zero_point, 18);
_Static_assert(sizeof(lce_bconv2d_attributes) == 4 * 19, "lce_bconv2d_attributes");

WORD(lce_sign_conv2d_attributes, channels_out, 7);
WORD(lce_sign_conv2d_attributes, weights, 8);
WORD(lce_sign_conv2d_attributes, bias, 9);
WORD(lce_sign_conv2d_attributes, output, 10);
_Static_assert(sizeof(lce_sign_conv2d_attributes) == 4 * 11, "lce_sign_conv2d_attributes");
