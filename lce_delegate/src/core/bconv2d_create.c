// From attributes to an operator: what is accepted, and the weights in the kernel's order.
#include <string.h>

#include "bconv2d.h"

static void release(lce_operator* op) {
  lce_bconv2d* s = (lce_bconv2d*)op;
  lce_free(s->weights);
  lce_free(s->thresholds);
  lce_free(s->multiplier);
  lce_free(s->bias);
  lce_free(s->tap_popcount);
  lce_free(s->sides);
  lce_free(s->counts);
  lce_free(s->offsets);
}

static const lce_operator_type TYPE = {
    .name = "LceBconv2d",
    .prepare = lce_bconv2d_prepare,
    .run = lce_bconv2d_run,
    .release = release,
};

// ---- Reading the attributes.

static bool check_groups(const lce_bconv2d_attributes* a, lce_reason* why) {
  if (a->groups < 1) return lce_refuse(why, "it has %d groups", (int)a->groups);
  if (a->groups == 1) return true;
  if (a->channels_in % a->groups != 0 || a->channels_in / a->groups % 32 != 0 ||
      a->channels_out % a->groups != 0) {
    return lce_refuse(why, "%d to %d channels do not divide into %d groups of whole words",
                      (int)a->channels_in, (int)a->channels_out, (int)a->groups);
  }
  return true;
}

static bool check_output(const lce_bconv2d_attributes* a, lce_reason* why) {
  switch (a->output) {
    case LCE_BITS:
      return a->thresholds != NULL || lce_refuse(why, "its thresholds are missing");
    case LCE_FLOAT32:
    case LCE_INT8:
      break;
    default:
      return lce_refuse(why, "its output is of type %s, expected float32, int8 or bits",
                        lce_type_name(a->output));
  }
  if (a->multiplier == NULL) return lce_refuse(why, "its multiplier is missing");
  if (a->bias == NULL) return lce_refuse(why, "its bias is missing");
  if (a->activation < LCE_LINEAR || a->activation > LCE_RELU6) {
    return lce_refuse(why, "its activation is %d, expected 0 to 3", (int)a->activation);
  }
  if (a->output == LCE_INT8 && !(a->output_scale > 0.0f && a->output_scale <= 3.4e38f)) {
    return lce_refuse(why, "its int8 output has no valid quantization");
  }
  return true;
}

// What the attributes say, before anything is made.
static bool read_attributes(const lce_bconv2d_attributes* a, lce_bconv2d* s, lce_reason* why) {
  memset(s, 0, sizeof *s);
  if (!lce_read_window(&a->window, &s->y, &s->x, why)) return false;
  if (a->channels_in < 1 || a->channels_out < 1) {
    return lce_refuse(why, "it has %d input and %d output channels", (int)a->channels_in,
                      (int)a->channels_out);
  }
  if (a->pad_value != 0 && a->pad_value != 1) {
    return lce_refuse(why, "its padding value is %d, expected 0 or 1", (int)a->pad_value);
  }
  if (a->weights == NULL) return lce_refuse(why, "its weights are missing");
  if (!check_groups(a, why) || !check_output(a, why)) return false;
  const lce_shape filter = {4, {a->channels_out, s->y.filter, s->x.filter,
                                lce_words(a->channels_in) / a->groups}};
  if (!lce_check_shape(&filter, "its filter", why)) return false;

  // An accumulator, and twice that, must fit into an int32.
  const int64_t bits = (int64_t)(lce_elements(&filter) / (size_t)a->channels_out) * 32;
  if (bits > INT32_MAX / 4) return lce_refuse(why, "its window has %lld bits", (long long)bits);

  s->padding = a->window.padding;
  s->channels_in = a->channels_in;
  s->channels_out = a->channels_out;
  s->groups = a->groups;
  s->output_type = a->output;
  if (s->padding == LCE_SAME && a->pad_value == 0) {
    const bool plain = a->output == LCE_FLOAT32 && a->activation == LCE_LINEAR;
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

bool lce_bconv2d_check(const lce_bconv2d_attributes* attributes, lce_reason* why) {
  lce_bconv2d unused;
  return read_attributes(attributes, &unused, why);
}

// ---- Building what the kernel needs.

static int32_t popcount_words(const uint32_t* words, size_t count) {
  int32_t bits = 0;
  for (size_t i = 0; i < count; ++i) {
    for (uint32_t w = words[i]; w != 0; w &= w - 1) ++bits;
  }
  return bits;
}

// The place of an output channel among the padded channels.
static size_t padded_index(const lce_bconv2d* s, size_t channel) {
  return channel / s->group_channels * s->blocks * LCE_BLOCK_CHANNELS +
         channel % s->group_channels;
}

static bool build_weights(lce_bconv2d* s, const lce_bconv2d_attributes* a) {
  const size_t groups = (size_t)s->groups;
  s->group_weight_words =
      lce_packed_weights_words(s->kernel, s->group_channels, s->window_words);
  // Sizes are bounded by those of the weights, which exist: lanes and blocks multiply them by at
  // most 64. The division guards machines of 32 bits.
  if (groups > SIZE_MAX / sizeof(uint32_t) / (s->group_weight_words + 1)) return false;
  s->weights = lce_allocate(groups * s->group_weight_words * sizeof(uint32_t));
  if (s->weights == NULL) return false;
  for (size_t g = 0; g < groups; ++g) {
    lce_pack_weights(s->kernel, a->weights + g * s->group_channels * s->window_words,
                     s->group_channels, s->window_words, s->weights + g * s->group_weight_words);
  }
  return true;
}

static bool build_thresholds(lce_bconv2d* s, const lce_bconv2d_attributes* a) {
  s->thresholds = lce_allocate(s->padded_channels * sizeof *s->thresholds);
  if (s->thresholds == NULL) return false;
  // Bits to spare are 0.
  for (size_t i = 0; i < s->padded_channels; ++i) s->thresholds[i] = INT32_MAX;
  for (size_t c = 0; c < (size_t)s->channels_out; ++c) {
    s->thresholds[padded_index(s, c)] = a->thresholds[c];
  }
  return true;
}

// With K products in a window the result is (clamp(K - 2 a) m + b) / scale + zero point; LCE moves K
// out of the clamp: clamp'(2 a) (-m / scale) + ((b + K m) / scale + zero point).
static bool build_transform(lce_bconv2d* s, const lce_bconv2d_attributes* a) {
  s->multiplier = lce_allocate_zeros(s->padded_channels, sizeof *s->multiplier);
  s->bias = lce_allocate_zeros(s->padded_channels, sizeof *s->bias);
  if (s->multiplier == NULL || s->bias == NULL) return false;
  const int32_t products = (int32_t)lce_taps(s) * (s->channels_in / s->groups);
  const bool is_int8 = s->output_type == LCE_INT8;
  const double scale = is_int8 ? a->output_scale : 1.0;
  const double zero_point = is_int8 ? a->output_zero_point : 0.0;
  for (size_t c = 0; c < (size_t)s->channels_out; ++c) {
    const double m = a->multiplier[c], b = a->bias[c];
    s->multiplier[padded_index(s, c)] = (float)(-m / scale);
    s->bias[padded_index(s, c)] = (float)((b + (double)products * m) / scale + zero_point);
  }
  int32_t low = -products, high = products;
  if (a->activation != LCE_LINEAR) {
    const int32_t least = a->activation == LCE_RELU_N1_TO_1 ? -1 : 0;
    low = low > least ? low : least;
  }
  if (a->activation == LCE_RELU6 && high > 6) high = 6;
  if (a->activation == LCE_RELU_N1_TO_1 && high > 1) high = 1;
  s->clamp_min = products - high;
  s->clamp_max = products - low;
  return true;
}

static bool build_correction(lce_bconv2d* s, const lce_bconv2d_attributes* a) {
  const size_t padded = s->padded_channels;
  if (lce_taps(s) > SIZE_MAX / sizeof(int32_t) / (padded + 1)) return false;
  s->tap_popcount = lce_allocate_zeros(lce_taps(s) * padded, sizeof *s->tap_popcount);
  if (s->tap_popcount == NULL) return false;
  for (size_t c = 0; c < (size_t)s->channels_out; ++c) {
    for (size_t t = 0; t < lce_taps(s); ++t) {
      const uint32_t* tap = a->weights + c * s->window_words + t * s->group_words;
      s->tap_popcount[t * padded + padded_index(s, c)] = popcount_words(tap, s->group_words);
    }
  }
  return true;
}

static bool build(lce_bconv2d* s, const lce_bconv2d_attributes* a) {
  s->group_words = (size_t)lce_words(s->channels_in) / (size_t)s->groups;
  s->window_words = lce_taps(s) * s->group_words;
  s->group_channels = (size_t)s->channels_out / (size_t)s->groups;
  s->blocks = (s->group_channels + LCE_BLOCK_CHANNELS - 1) / LCE_BLOCK_CHANNELS;
  s->padded_channels = (size_t)s->groups * s->blocks * LCE_BLOCK_CHANNELS;
  return build_weights(s, a) &&
         (s->output_type == LCE_BITS ? build_thresholds(s, a) : build_transform(s, a)) &&
         (s->correction == CORRECT_NOTHING || build_correction(s, a)) &&
         lce_bconv2d_build_matrix(s, a->weights);
}

lce_operator* lce_bconv2d_create(const lce_bconv2d_attributes* attributes,
                                 const lce_kernel* kernel, lce_reason* why) {
  lce_bconv2d read;
  if (!read_attributes(attributes, &read, why)) return NULL;
  read.kernel = kernel;
  lce_bconv2d* s = lce_operator_new(&TYPE, &read, sizeof read, why);
  if (s == NULL) return NULL;
  if (build(s, attributes)) return &s->base;
  lce_refuse(why, "out of memory");
  lce_operator_delete(&s->base);
  return NULL;
}
