// LceBconv2d: convolution of bit-packed activations with bit-packed weights.
//
// Weights are [channels_out][height][width][words of channels_in / groups]. The output is float32
// or int8 (accumulator times multiplier plus bias, with a fused activation) or packed bits
// (accumulator above a threshold). Arithmetic, rounding and conditions are those of Larq Compute
// Engine 0.16; where its kernels differ among themselves, those of its default kernel if that
// accepts the operator, else those of its reference kernel.
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "operator.h"

enum { ACTIVATION_NONE = 0, ACTIVATION_RELU = 1, ACTIVATION_RELU_N1_TO_1 = 2, ACTIVATION_RELU6 = 3 };

// How padding with zeros, which bits cannot express, is made good. The kernels see +1 there.
typedef enum {
  CORRECT_NOTHING,
  // Take the padded taps out of the accumulator, as LCE's reference kernel does. A tap of C channels
  // then counts C / 2, so C must be even.
  CORRECT_ACCUMULATOR,
  // Add what the padded taps had taken from the result, as LCE's default kernel does: the same
  // number, rounded otherwise.
  CORRECT_RESULT,
} correction;

typedef struct {
  const lce_kernel* kernel;
  lce_axis y, x;
  int32_t padding;
  int32_t channels_in, channels_out, groups;
  TfLiteType output_type;
  correction correction;

  size_t group_words;      // words of one pixel's channels of one group
  size_t window_words;     // words of one output channel's weights
  size_t group_channels;   // output channels of a group
  size_t blocks;           // of LCE_BLOCK_CHANNELS output channels, in a group
  size_t padded_channels;  // of all groups, blocks filled up
  void* weights;           // packed for the kernel, group by group
  size_t group_weight_words;
  int32_t* thresholds;     // [padded_channels], or
  float *multiplier, *bias;  // [padded_channels]
  int32_t clamp_min, clamp_max;
  int32_t* tap_popcount;   // [taps][padded_channels] if zero padding is corrected

  // What `prepare` finds.
  int32_t batch;
  bool copies;                    // activations go through a padded (or expanded) buffer
  size_t buffer_height, buffer_width;  // of that buffer, or of the input
  size_t pixel_words;             // words from one pixel to the next there
  size_t* offsets;
  lce_window window;
  size_t tiles;  // of all output pixels
} bconv_state;

static size_t taps(const bconv_state* s) { return (size_t)s->y.filter * (size_t)s->x.filter; }

static void bconv_destroy(lce_operator* op) {
  bconv_state* s = op->state;
  if (s == NULL) return;
  free(s->weights);
  free(s->thresholds);
  free(s->multiplier);
  free(s->bias);
  free(s->tap_popcount);
  free(s->offsets);
  free(s);
  op->state = NULL;
}

// ---- Reading the operator.

typedef struct {
  const uint32_t* weights;
  const float *multiplier, *bias;
  const int32_t* thresholds;
  int32_t activation;
  float output_scale;
  int32_t output_zero_point;
} bconv_source;

static bool read_options(bconv_state* s, bconv_source* from, const lce_node* node,
                         int32_t* pad_value, lce_reason* why) {
  return lce_read_option(node, "channels_in", 1, INT32_MAX, &s->channels_in, why) &&
         lce_read_option(node, "stride_height", 1, INT32_MAX, &s->y.stride, why) &&
         lce_read_option(node, "stride_width", 1, INT32_MAX, &s->x.stride, why) &&
         lce_read_option(node, "dilation_height_factor", 1, INT32_MAX, &s->y.dilation, why) &&
         lce_read_option(node, "dilation_width_factor", 1, INT32_MAX, &s->x.dilation, why) &&
         lce_read_option(node, "padding", LCE_PADDING_SAME, LCE_PADDING_VALID, &s->padding, why) &&
         lce_read_option(node, "pad_values", 0, 1, pad_value, why) &&
         lce_read_option(node, "fused_activation_function", ACTIVATION_NONE, ACTIVATION_RELU6,
                         &from->activation, why);
}

// The number of groups follows from how many of the input's words a filter has.
static bool find_groups(bconv_state* s, const lce_shape* filter, lce_reason* why) {
  const int32_t words = lce_words(s->channels_in), filter_words = filter->dims[3];
  s->groups = 1;
  if (filter_words != words) {
    if (words % filter_words != 0) {
      return lce_refuse(why, "its %d words of input channels are no multiple of its filters' %d",
                        (int)words, (int)filter_words);
    }
    s->groups = words / filter_words;
    if (s->channels_in % s->groups != 0 || s->channels_in / s->groups % 32 != 0 ||
        s->channels_out % s->groups != 0) {
      return lce_refuse(why, "%d to %d channels do not divide into %d groups of whole words",
                        (int)s->channels_in, (int)s->channels_out, (int)s->groups);
    }
  }
  return true;
}

static bool read_output(const bconv_state* s, bconv_source* from, const lce_node* node,
                        lce_reason* why) {
  lce_shape shape;
  if (s->output_type == kTfLiteInt32) {
    const TfLiteTensor* thresholds = lce_input(node, 4);
    if (!lce_constant(thresholds, kTfLiteInt32, 1, &shape, "its thresholds", why)) return false;
    if (shape.dims[0] != s->channels_out) {
      return lce_refuse(why, "it has %d thresholds for %d output channels", (int)shape.dims[0],
                        (int)s->channels_out);
    }
    from->thresholds = thresholds->data;
    return true;
  }
  const char* names[2] = {"its multiplier", "its bias"};
  const float** values[2] = {&from->multiplier, &from->bias};
  for (int i = 0; i < 2; ++i) {
    const TfLiteTensor* tensor = lce_input(node, 2 + i);
    if (!lce_constant(tensor, kTfLiteFloat32, 1, &shape, names[i], why)) return false;
    if (shape.dims[0] != s->channels_out) {
      return lce_refuse(why, "%s has %d values for %d output channels", names[i],
                        (int)shape.dims[0], (int)s->channels_out);
    }
    *values[i] = tensor->data;
  }
  if (s->output_type == kTfLiteInt8) {
    const TfLiteTensor* output = lce_output(node, 0);
    if (output->quantization.type != kTfLiteAffineQuantization || !(output->params.scale > 0.0f) ||
        isinf(output->params.scale)) {
      return lce_refuse(why, "its int8 output has no valid quantization");
    }
    from->output_scale = output->params.scale;
    from->output_zero_point = output->params.zero_point;
  }
  return true;
}

static bool read_node(bconv_state* s, bconv_source* from, const lce_node* node, lce_reason* why) {
  if (!lce_check_arity(node, 5, 1, why)) return false;
  const TfLiteTensor* input = lce_input(node, 0);
  const TfLiteTensor* output = lce_output(node, 0);
  if (input == NULL || output == NULL) return lce_refuse(why, "its input or output is missing");
  if (input->type != kTfLiteInt32) {
    return lce_refuse(why, "its input is of type %s, expected int32", lce_type_name(input->type));
  }
  s->output_type = output->type;
  if (output->type != kTfLiteInt32 && output->type != kTfLiteInt8 &&
      output->type != kTfLiteFloat32) {
    return lce_refuse(why, "its output is of type %s, expected float32, int8 or int32",
                      lce_type_name(output->type));
  }

  int32_t pad_value;
  if (!read_options(s, from, node, &pad_value, why)) return false;
  lce_shape filter;
  const TfLiteTensor* weights = lce_input(node, 1);
  if (!lce_constant(weights, kTfLiteInt32, 4, &filter, "its filter", why)) return false;
  from->weights = weights->data;
  s->channels_out = filter.dims[0];
  s->y.filter = filter.dims[1];
  s->x.filter = filter.dims[2];
  if (!find_groups(s, &filter, why) || !read_output(s, from, node, why)) return false;

  // An accumulator, and twice that, must fit into an int32.
  const int64_t bits = (int64_t)(lce_elements(&filter) / (size_t)s->channels_out) * 32;
  if (bits > INT32_MAX / 4) return lce_refuse(why, "its window has %lld bits", (long long)bits);

  if (s->padding == LCE_PADDING_SAME && pad_value == 0) {
    const bool plain = s->output_type == kTfLiteFloat32 && from->activation == ACTIVATION_NONE;
    s->correction = plain && s->groups == 1 ? CORRECT_RESULT : CORRECT_ACCUMULATOR;
    if (s->correction == CORRECT_ACCUMULATOR && s->channels_in % 2 != 0) {
      return lce_refuse(why,
                        "padding with zeros of %d (an odd number of) channels is defined only for "
                        "float32 output without an activation function",
                        (int)s->channels_in);
    }
  }
  return true;
}

// ---- Building what the kernels need.

static int32_t popcount_words(const uint32_t* words, size_t count) {
  int32_t bits = 0;
  for (size_t i = 0; i < count; ++i) {
    for (uint32_t w = words[i]; w != 0; w &= w - 1) ++bits;
  }
  return bits;
}

// The place of an output channel among the padded channels.
static size_t padded_index(const bconv_state* s, size_t channel) {
  return channel / s->group_channels * s->blocks * LCE_BLOCK_CHANNELS +
         channel % s->group_channels;
}

static bool build(bconv_state* s, const bconv_source* from, lce_reason* why) {
  const size_t channels = (size_t)s->channels_out, groups = (size_t)s->groups;
  s->group_words = (size_t)lce_words(s->channels_in) / groups;
  s->window_words = taps(s) * s->group_words;
  s->group_channels = channels / groups;
  s->blocks = (s->group_channels + LCE_BLOCK_CHANNELS - 1) / LCE_BLOCK_CHANNELS;
  s->padded_channels = groups * s->blocks * LCE_BLOCK_CHANNELS;
  s->group_weight_words =
      lce_packed_weights_words(s->kernel, s->group_channels, s->window_words);

  // Sizes are bounded by those of the model's tensors, which exist: lanes and blocks multiply them
  // by at most 64. The division guards machines of 32 bits.
  const size_t padded = s->padded_channels;
  if (groups > SIZE_MAX / sizeof(uint32_t) / (s->group_weight_words + 1) ||
      taps(s) > SIZE_MAX / sizeof(int32_t) / (padded + 1)) {
    return lce_refuse(why, "out of memory");
  }
  s->weights = lce_allocate(groups * s->group_weight_words * sizeof(uint32_t));
  if (s->weights == NULL) return lce_refuse(why, "out of memory");
  for (size_t g = 0; g < groups; ++g) {
    lce_pack_weights(s->kernel, from->weights + g * s->group_channels * s->window_words,
                     s->group_channels, s->window_words,
                     (uint32_t*)s->weights + g * s->group_weight_words);
  }

  if (s->output_type == kTfLiteInt32) {
    s->thresholds = lce_allocate(padded * sizeof *s->thresholds);
    if (s->thresholds == NULL) return lce_refuse(why, "out of memory");
    for (size_t i = 0; i < padded; ++i) s->thresholds[i] = INT32_MAX;  // bits to spare are 0
    for (size_t c = 0; c < channels; ++c) {
      s->thresholds[padded_index(s, c)] = from->thresholds[c];
    }
  } else {
    s->multiplier = calloc(padded, sizeof *s->multiplier);
    s->bias = calloc(padded, sizeof *s->bias);
    if (s->multiplier == NULL || s->bias == NULL) return lce_refuse(why, "out of memory");
    // With K products in a window the result is (clamp(K - 2 a) m + b) / scale + zero point; LCE
    // moves K out of the clamp: clamp'(2 a) (-m / scale) + ((b + K m) / scale + zero point).
    const int32_t products = (int32_t)taps(s) * (s->channels_in / s->groups);
    const bool is_int8 = s->output_type == kTfLiteInt8;
    const double scale = is_int8 ? from->output_scale : 1.0;
    const double zero_point = is_int8 ? from->output_zero_point : 0.0;
    for (size_t c = 0; c < channels; ++c) {
      const double m = from->multiplier[c], b = from->bias[c];
      s->multiplier[padded_index(s, c)] = (float)(-m / scale);
      s->bias[padded_index(s, c)] = (float)((b + (double)products * m) / scale + zero_point);
    }
    int32_t low = -products, high = products;
    if (from->activation != ACTIVATION_NONE) {
      const int32_t least = from->activation == ACTIVATION_RELU_N1_TO_1 ? -1 : 0;
      low = low > least ? low : least;
    }
    if (from->activation == ACTIVATION_RELU6 && high > 6) high = 6;
    if (from->activation == ACTIVATION_RELU_N1_TO_1 && high > 1) high = 1;
    s->clamp_min = products - high;
    s->clamp_max = products - low;
  }

  if (s->correction != CORRECT_NOTHING) {
    s->tap_popcount = calloc(taps(s) * padded, sizeof *s->tap_popcount);
    if (s->tap_popcount == NULL) return lce_refuse(why, "out of memory");
    for (size_t c = 0; c < channels; ++c) {
      for (size_t t = 0; t < taps(s); ++t) {
        const uint32_t* tap = from->weights + c * s->window_words + t * s->group_words;
        s->tap_popcount[t * padded + padded_index(s, c)] = popcount_words(tap, s->group_words);
      }
    }
  }
  return true;
}

static bool bconv_init(lce_operator* op, const lce_node* node, const lce_kernel* kernel,
                       lce_reason* why) {
  bconv_state read = {.kernel = kernel};
  bconv_source from = {.output_scale = 1.0f};
  if (!read_node(&read, &from, node, why)) return false;
  if (kernel == NULL) return true;
  bconv_state* state = malloc(sizeof *state);
  if (state == NULL) return lce_refuse(why, "out of memory");
  *state = read;
  op->state = state;
  return build(state, &from, why);
}

// ---- Shapes and memory.

static bool find_window(bconv_state* s, lce_reason* why) {
  const size_t pixel_bytes = s->pixel_words * sizeof(uint32_t);
  const size_t row_bytes = s->buffer_width * pixel_bytes;
  const bool whole_rows = s->x.dilation == 1 && s->groups == 1;
  const bool whole_window =
      whole_rows && s->y.dilation == 1 && s->buffer_width == (size_t)s->x.filter;
  s->window.runs = whole_window ? 1 : whole_rows ? (size_t)s->y.filter : taps(s);
  s->window.run_words = s->window_words / s->window.runs;

  free(s->offsets);
  s->offsets = malloc(s->window.runs * sizeof *s->offsets);
  if (s->offsets == NULL) return lce_refuse(why, "out of memory");
  for (size_t r = 0; r < s->window.runs; ++r) {
    const size_t v = whole_rows ? r : r / (size_t)s->x.filter;
    const size_t u = whole_rows ? 0 : r % (size_t)s->x.filter;
    s->offsets[r] = v * (size_t)s->y.dilation * row_bytes + u * (size_t)s->x.dilation * pixel_bytes;
  }
  s->window.offsets = s->offsets;
  return true;
}

static bool bconv_prepare(lce_operator* op, const lce_shape* const* inputs, lce_shape* output,
                          size_t* scratch_bytes, lce_reason* why) {
  bconv_state* s = op->state;
  const lce_shape* input = inputs[0];
  if (input->rank != 4) return lce_refuse(why, "its input has %d dimensions, expected 4", input->rank);
  if (input->dims[3] != lce_words(s->channels_in)) {
    return lce_refuse(why, "its input has %d words of channels, %d channels need %d",
                      (int)input->dims[3], (int)s->channels_in, (int)lce_words(s->channels_in));
  }
  s->batch = input->dims[0];
  s->y.input = input->dims[1];
  s->x.input = input->dims[2];
  if (!lce_prepare_axis(&s->y, s->padding, "height", why) ||
      !lce_prepare_axis(&s->x, s->padding, "width", why)) {
    return false;
  }
  *output = (lce_shape){4, {s->batch, s->y.output, s->x.output, s->channels_out}};
  if (s->output_type == kTfLiteInt32) output->dims[3] = lce_words(s->channels_out);
  if (!lce_check_shape(output, "its output", why)) return false;

  // Rows and columns that windows touch; the buffer ends with the last window.
  const int64_t height = (int64_t)(s->y.output - 1) * s->y.stride + lce_window_span(&s->y);
  const int64_t width = (int64_t)(s->x.output - 1) * s->x.stride + lce_window_span(&s->x);
  const bool pads = height > s->y.input || width > s->x.input || s->y.before > 0 || s->x.before > 0;
  s->copies = pads || s->kernel->expand != NULL;
  s->pixel_words = (size_t)lce_words(s->channels_in);
  s->buffer_height = (size_t)s->y.input;
  s->buffer_width = (size_t)s->x.input;
  *scratch_bytes = 0;
  if (s->copies) {
    s->pixel_words *= (size_t)s->kernel->activation_words;
    // A real network's padding makes its activations a few times larger at most; a window that is
    // spread far beyond its input would take all memory.
    const int64_t input_words = (int64_t)lce_elements(input) * s->kernel->activation_words;
    int64_t limit = 64 * input_words + (1 << 22);
    if (limit > LCE_MAX_ELEMENTS) limit = LCE_MAX_ELEMENTS;
    if (height > limit || width > limit || height * width > limit ||
        height * width * s->batch > limit / (int64_t)s->pixel_words) {
      return lce_refuse(why, "its padded input of %d x %lld x %lld pixels is too large",
                        (int)s->batch, (long long)height, (long long)width);
    }
    s->buffer_height = (size_t)height;
    s->buffer_width = (size_t)width;
    *scratch_bytes = (size_t)s->batch * s->buffer_height * s->buffer_width * s->pixel_words *
                     sizeof(uint32_t);
  }
  const size_t pixels = (size_t)s->batch * (size_t)s->y.output * (size_t)s->x.output;
  const size_t tile = (size_t)s->kernel->tile_pixels;
  s->tiles = (pixels + tile - 1) / tile;
  return find_window(s, why);
}

// ---- Running.

typedef struct {
  const bconv_state* state;
  const uint32_t* input;
  uint32_t* buffer;
  void* output;
} bconv_job;

// Copies rows of the input into the buffer, between padding of bits 0 (+1).
static void copy_rows(void* argument, size_t begin, size_t end) {
  const bconv_job* job = argument;
  const bconv_state* s = job->state;
  const size_t input_words = (size_t)lce_words(s->channels_in);
  const size_t row_words = s->buffer_width * s->pixel_words;
  const size_t left = (size_t)s->x.before;
  size_t columns = s->buffer_width - left;
  if (columns > (size_t)s->x.input) columns = (size_t)s->x.input;
  for (size_t row = begin; row < end; ++row) {
    uint32_t* to = job->buffer + row * row_words;
    const size_t image = row / s->buffer_height;
    const int64_t y = (int64_t)(row % s->buffer_height) - s->y.before;
    if (y < 0 || y >= s->y.input) {
      memset(to, 0, row_words * sizeof *to);
      continue;
    }
    const size_t from_row = image * (size_t)s->y.input + (size_t)y;
    const uint32_t* from = job->input + from_row * (size_t)s->x.input * input_words;
    memset(to, 0, left * s->pixel_words * sizeof *to);
    to += left * s->pixel_words;
    if (s->kernel->expand != NULL) {
      s->kernel->expand(from, columns * input_words, to);
    } else {
      memcpy(to, from, columns * input_words * sizeof *to);
    }
    to += columns * s->pixel_words;
    memset(to, 0, (s->buffer_width - left - columns) * s->pixel_words * sizeof *to);
  }
}

// The taps [*begin, *end) of a window that lie inside the input.
static void inside(const lce_axis* axis, int32_t position, int32_t* begin, int32_t* end) {
  const int64_t first = (int64_t)position * axis->stride - axis->before;
  const int64_t dilation = axis->dilation;
  *begin = first < 0 ? (int32_t)((-first + dilation - 1) / dilation) : 0;
  const int64_t room = axis->input - first;  // positive: a window starts before the input's end
  const int64_t fit = (room + dilation - 1) / dilation;
  *end = fit < axis->filter ? (int32_t)fit : axis->filter;
  if (*begin > *end) *begin = *end;
}

// What the padded taps of the window at output (y, x) amount to, for `count` channels: the sum over
// these taps of C - 2 popcount, C being the channels of a tap. False if no tap is padded.
static bool padded_sum(const bconv_state* s, int32_t y, int32_t x, size_t first_padded, int count,
                       int32_t sum[LCE_BLOCK_CHANNELS]) {
  int32_t top, bottom, left, right;
  inside(&s->y, y, &top, &bottom);
  inside(&s->x, x, &left, &right);
  if (top == 0 && bottom == s->y.filter && left == 0 && right == s->x.filter) return false;
  const int32_t channels = s->channels_in / s->groups;
  memset(sum, 0, (size_t)count * sizeof *sum);
  for (int32_t v = 0; v < s->y.filter; ++v) {
    for (int32_t u = 0; u < s->x.filter; ++u) {
      if (v >= top && v < bottom && u >= left && u < right) continue;
      const size_t tap = (size_t)v * (size_t)s->x.filter + (size_t)u;
      const int32_t* popcounts = s->tap_popcount + tap * s->padded_channels + first_padded;
      for (int c = 0; c < count; ++c) sum[c] += channels - 2 * popcounts[c];
    }
  }
  return true;
}

// Sets bits of a packed output row one by one, where groups do not begin at words.
static void merge_bits(const uint32_t bits[2], size_t first_channel, int count, uint32_t* row) {
  for (int c = 0; c < count; ++c) {
    const size_t channel = first_channel + (size_t)c;
    row[channel / 32] |= (bits[c / 32] >> (c % 32) & 1) << (channel % 32);
  }
}

static bool groups_share_words(const bconv_state* s) {
  return s->output_type == kTfLiteInt32 && s->groups > 1 && s->group_channels % 32 != 0;
}

// The accumulators of one output pixel become its output; pixel number and position agree.
static void write_pixel(const bconv_job* job, int32_t* accumulators, size_t pixel, int32_t y,
                        int32_t x, size_t first_channel, size_t first_padded, int count) {
  const bconv_state* s = job->state;
  int32_t sum[LCE_BLOCK_CHANNELS];
  const bool corrects =
      s->correction != CORRECT_NOTHING && padded_sum(s, y, x, first_padded, count, sum);
  if (corrects && s->correction == CORRECT_ACCUMULATOR) {
    for (int c = 0; c < count; ++c) accumulators[c] += sum[c] / 2;
  }

  if (s->output_type == kTfLiteInt32) {
    const size_t row_words = (size_t)lce_words(s->channels_out);
    uint32_t* row = (uint32_t*)job->output + pixel * row_words;
    uint32_t bits[2];
    s->kernel->compare(accumulators, s->thresholds + first_padded, bits);
    if (groups_share_words(s)) {
      merge_bits(bits, first_channel, count, row);
    } else {
      row[first_channel / 32] = bits[0];
      if (count > 32) row[first_channel / 32 + 1] = bits[1];
    }
    return;
  }

  const lce_output_transform transform = {s->clamp_min, s->clamp_max,
                                          s->multiplier + first_padded, s->bias + first_padded};
  const size_t at = pixel * (size_t)s->channels_out + first_channel;
  if (s->output_type == kTfLiteInt8) {
    s->kernel->to_int8(accumulators, &transform, count, (int8_t*)job->output + at);
    return;
  }
  float* output = (float*)job->output + at;
  s->kernel->to_float(accumulators, &transform, count, output);
  if (corrects && s->correction == CORRECT_RESULT) {
    for (int c = 0; c < count; ++c) {
      const float part = transform.multiplier[c] * (float)sum[c];
      output[c] += part;
    }
  }
}

// Tiles [begin, end) of all pixels, for one block of channels.
static void convolve_block(const bconv_job* job, size_t block, size_t begin, size_t end) {
  const bconv_state* s = job->state;
  const size_t group = block / s->blocks;
  const size_t in_group = block % s->blocks * LCE_BLOCK_CHANNELS;
  const size_t first_channel = group * s->group_channels + in_group;
  const size_t left = s->group_channels - in_group;
  const int count = left < LCE_BLOCK_CHANNELS ? (int)left : LCE_BLOCK_CHANNELS;
  const uint32_t* weights =
      (const uint32_t*)s->weights + group * s->group_weight_words +
      lce_packed_weights_words(s->kernel, in_group, s->window_words);

  const size_t pixel_bytes = s->pixel_words * sizeof(uint32_t);
  const size_t group_bytes = pixel_bytes / (size_t)lce_words(s->channels_in) * s->group_words;
  const size_t step = (size_t)s->x.stride * pixel_bytes;  // from a pixel to its right neighbour
  const uint8_t* activations = (const uint8_t*)(s->copies ? job->buffer : job->input);
  activations += group * group_bytes;

  const size_t height = (size_t)s->y.output, width = (size_t)s->x.output;
  const size_t tile_pixels = (size_t)s->kernel->tile_pixels;
  size_t pixel = begin * tile_pixels, pixel_end = end * tile_pixels;
  if (pixel_end > (size_t)s->batch * height * width) pixel_end = (size_t)s->batch * height * width;
  size_t image = pixel / (height * width), y = pixel / width % height, x = pixel % width;

  lce_accumulators accumulators;
  memset(accumulators, 0, sizeof accumulators);  // lanes past the last channel are read, not used
  while (pixel < pixel_end) {
    const size_t rest = pixel_end - pixel;
    const int pixels = rest < tile_pixels ? (int)rest : (int)tile_pixels;
    const uint8_t* addresses[LCE_MAX_TILE_PIXELS];
    int32_t ys[LCE_MAX_TILE_PIXELS], xs[LCE_MAX_TILE_PIXELS];
    for (int p = 0; p < pixels; ++p) {
      const size_t row = image * s->buffer_height + y * (size_t)s->y.stride;
      addresses[p] = activations + row * s->buffer_width * pixel_bytes + x * step;
      ys[p] = (int32_t)y;
      xs[p] = (int32_t)x;
      if (++x == width) {
        x = 0;
        if (++y == height) {
          y = 0;
          ++image;
        }
      }
    }
    s->kernel->accumulate(&s->window, addresses, pixels, weights, count, accumulators);
    for (int p = 0; p < pixels; ++p, ++pixel) {
      write_pixel(job, accumulators[p], pixel, ys[p], xs[p], first_channel,
                  block * LCE_BLOCK_CHANNELS, count);
    }
  }
}

// A unit of work is one tile of pixels for one block of channels; tiles of a block are neighbours,
// so that a thread's weights stay in its cache.
static void convolve_units(void* argument, size_t begin, size_t end) {
  const bconv_job* job = argument;
  const size_t tiles = job->state->tiles;
  while (begin < end) {
    const size_t block = begin / tiles, first = begin % tiles;
    const size_t last = end - begin < tiles - first ? first + (end - begin) : tiles;
    convolve_block(job, block, first, last);
    begin += last - first;
  }
}

static void bconv_invoke(const lce_operator* op, const void* const* inputs, void* output,
                         void* scratch, lce_thread_pool* pool) {
  const bconv_state* s = op->state;
  bconv_job job = {s, inputs[0], scratch, output};
  if (s->copies) {
    lce_thread_pool_run(pool, copy_rows, &job, (size_t)s->batch * s->buffer_height);
  }
  const size_t units = s->tiles * s->blocks * (size_t)s->groups;
  if (groups_share_words(s)) {  // threads must not write to one word
    const size_t pixels = (size_t)s->batch * (size_t)s->y.output * (size_t)s->x.output;
    memset(output, 0, pixels * (size_t)lce_words(s->channels_out) * sizeof(uint32_t));
    convolve_units(&job, 0, units);
  } else {
    lce_thread_pool_run(pool, convolve_units, &job, units);
  }
}

const lce_operator_type lce_bconv2d_type = {
    .name = "LceBconv2d",
    .data_inputs = 1,
    .init = bconv_init,
    .prepare = bconv_prepare,
    .invoke = bconv_invoke,
    .destroy = bconv_destroy,
};
