#include "operator.h"

size_t lce_elements(const lce_shape* shape) {
  size_t elements = 1;
  for (int i = 0; i < shape->rank; ++i) elements *= (size_t)shape->dims[i];
  return elements;
}

bool lce_check_shape(const lce_shape* shape, const char* what, lce_reason* why) {
  if (shape->rank < 0 || shape->rank > LCE_MAX_RANK) {
    return lce_refuse(why, "%s has %d dimensions, at most %d are possible", what, shape->rank,
                      LCE_MAX_RANK);
  }
  int64_t elements = 1;
  for (int i = 0; i < shape->rank; ++i) {
    if (shape->dims[i] < 1) {
      return lce_refuse(why, "dimension %d of %s is %d", i, what, (int)shape->dims[i]);
    }
    elements *= shape->dims[i];
    if (elements >= LCE_MAX_ELEMENTS) {
      return lce_refuse(why, "%s has 2^29 or more elements", what);
    }
  }
  return true;
}

size_t lce_type_size(lce_type type) { return type == LCE_FLOAT32 || type == LCE_BITS ? 4 : 1; }

const char* lce_type_name(lce_type type) {
  static const char* const NAMES[] = {"float32", "int8", "bool", "bits"};
  return type <= LCE_BITS ? NAMES[type] : "an unknown type";
}

static bool check_number(int32_t number, const char* what, lce_reason* why) {
  return number >= 1 || lce_refuse(why, "its %s is %d, expected at least 1", what, (int)number);
}

bool lce_read_window(const lce_window2d* window, lce_axis* y, lce_axis* x, lce_reason* why) {
  *y = (lce_axis){window->filter_height, window->stride_height, window->dilation_height, 0, 0, 0};
  *x = (lce_axis){window->filter_width, window->stride_width, window->dilation_width, 0, 0, 0};
  if (window->padding != LCE_SAME && window->padding != LCE_VALID) {
    return lce_refuse(why, "its padding is %d, expected 0 or 1", (int)window->padding);
  }
  return check_number(y->filter, "filter height", why) &&
         check_number(x->filter, "filter width", why) &&
         check_number(y->stride, "stride of the height", why) &&
         check_number(x->stride, "stride of the width", why) &&
         check_number(y->dilation, "dilation of the height", why) &&
         check_number(x->dilation, "dilation of the width", why);
}

bool lce_prepare_axis(lce_axis* axis, lce_padding padding, const char* what, lce_reason* why) {
  const int64_t span = lce_window_span(axis), input = axis->input, stride = axis->stride;
  int64_t output, before = 0;
  if (padding == LCE_SAME) {
    output = (input + stride - 1) / stride;
    const int64_t outside = (output - 1) * stride + span - input;
    if (outside > 0) before = outside / 2;
  } else {
    if (span > input) {
      return lce_refuse(why, "a window of %lld does not fit into the input's %s of %lld",
                        (long long)span, what, (long long)input);
    }
    output = (input - span) / stride + 1;
  }
  if (before > INT32_MAX) return lce_refuse(why, "its padding of the %s is absurd", what);
  axis->output = (int32_t)output;
  axis->before = (int32_t)before;
  return true;
}

void lce_taps_inside(const lce_axis* axis, int32_t position, int32_t* begin, int32_t* end) {
  const int64_t first = (int64_t)position * axis->stride - axis->before;
  const int64_t dilation = axis->dilation;
  *begin = first < 0 ? (int32_t)((-first + dilation - 1) / dilation) : 0;
  const int64_t room = axis->input - first;  // positive: a window starts before the input's end
  const int64_t fit = (room + dilation - 1) / dilation;
  *end = fit < axis->filter ? (int32_t)fit : axis->filter;
  if (*begin > *end) *begin = *end;
}
