// From attributes to an operator, and its plan for one shape.
#include <string.h>

#include "sign_conv2d.h"

static void release(lce_operator* op) {
  lce_sign_conv2d* s = (lce_sign_conv2d*)op;
  lce_free(s->weights);
  lce_free(s->limits);
  lce_free(s->bias);
}

// Sums stay exact in float32 if every term of them is a multiple of 2^-8 and their size below 2^16.
static bool is_exact_bias(float bias) {
  return bias > -16384.0f && bias < 16384.0f && 256.0f * bias == (float)(int32_t)(256.0f * bias);
}

static bool read_attributes(const lce_sign_conv2d_attributes* a, lce_sign_conv2d* s,
                            lce_reason* why) {
  memset(s, 0, sizeof *s);
  if (!lce_read_window(&a->window, &s->y, &s->x, why)) return false;
  if (s->y.filter > LCE_MAX_SIGN_TAPS || s->x.filter > LCE_MAX_SIGN_TAPS / s->y.filter) {
    return lce_refuse(why, "its filter is %d x %d, at most %d taps are possible", (int)s->y.filter,
                      (int)s->x.filter, LCE_MAX_SIGN_TAPS);
  }
  if (a->output != LCE_BITS && a->output != LCE_FLOAT32) {
    return lce_refuse(why, "its output is of type %s, expected float32 or bits",
                      lce_type_name(a->output));
  }
  if (a->weights == NULL) return lce_refuse(why, "its weights are missing");
  const lce_shape filter = {3, {a->channels_out, s->y.filter, s->x.filter}};
  if (!lce_check_shape(&filter, "its filter", why)) return false;
  for (size_t i = 0; i < lce_elements(&filter); ++i) {
    if (a->weights[i] != 1.0f && a->weights[i] != -1.0f) {
      return lce_refuse(why, "weight %zu is neither -1 nor +1", i);
    }
  }
  for (int32_t c = 0; a->bias != NULL && c < a->channels_out; ++c) {
    if (!is_exact_bias(a->bias[c])) {
      return lce_refuse(why, "bias %d is no multiple of 1/256 below 16384", (int)c);
    }
  }
  s->padding = a->window.padding;
  s->channels = a->channels_out;
  s->output_type = a->output;
  s->blocks = ((size_t)s->channels + LCE_BLOCK_CHANNELS - 1) / LCE_BLOCK_CHANNELS;
  return true;
}

bool lce_sign_conv2d_check(const lce_sign_conv2d_attributes* attributes, lce_reason* why) {
  lce_sign_conv2d unused;
  return read_attributes(attributes, &unused, why);
}

// The smallest whole number that is not below -bias: sum + bias < 0 just where sum is below it.
static int16_t limit_of(float bias) {
  const int32_t whole = (int32_t)-bias;  // towards zero
  return (int16_t)(whole + ((float)whole < -bias));
}

static bool build(lce_sign_conv2d* s, const lce_sign_conv2d_attributes* a) {
  const size_t taps = (size_t)lce_sign_taps(s), padded = s->blocks * LCE_BLOCK_CHANNELS;
  if (taps > SIZE_MAX / sizeof(float) / padded) return false;
  s->weights = lce_allocate_zeros(taps * padded, sizeof *s->weights);
  s->limits = lce_allocate_zeros(padded, sizeof *s->limits);
  s->bias = lce_allocate_zeros(padded, sizeof *s->bias);
  if (s->weights == NULL || s->limits == NULL || s->bias == NULL) return false;
  // Channels past the last one have sums of 0, and so bits of 0.
  for (size_t c = 0; c < (size_t)s->channels; ++c) {
    const size_t block = c / LCE_BLOCK_CHANNELS, lane = c % LCE_BLOCK_CHANNELS;
    for (size_t t = 0; t < taps; ++t) {
      s->weights[(block * taps + t) * LCE_BLOCK_CHANNELS + lane] =
          a->weights[c * taps + t] < 0.0f ? -1 : 1;
    }
    if (a->bias == NULL) continue;
    s->bias[c] = a->bias[c];
    s->limits[c] = limit_of(a->bias[c]);
  }
  return true;
}

static bool prepare(lce_operator* op, const lce_shape* inputs, int input_count, int workers,
                    lce_shape* output, size_t* scratch_bytes, lce_reason* why) {
  (void)input_count;
  (void)workers;
  lce_sign_conv2d* s = (lce_sign_conv2d*)op;
  if (inputs->rank != 4 || inputs->dims[3] != 1) {
    return lce_refuse(why, "its input is not of 4 dimensions with one channel");
  }
  s->batch = inputs->dims[0];
  s->y.input = inputs->dims[1];
  s->x.input = inputs->dims[2];
  if (!lce_prepare_axis(&s->y, s->padding, "height", why) ||
      !lce_prepare_axis(&s->x, s->padding, "width", why)) {
    return false;
  }
  const bool packs = s->output_type == LCE_BITS;
  *output = (lce_shape){4, {s->batch, s->y.output, s->x.output,
                            packs ? lce_words(s->channels) : s->channels}};
  if (!packs) return true;

  const int64_t height = (int64_t)(s->y.output - 1) * s->y.stride + lce_window_span(&s->y);
  const int64_t width = (int64_t)(s->x.output - 1) * s->x.stride + lce_window_span(&s->x);
  int64_t limit = 64 * (int64_t)lce_elements(inputs) + (1 << 22);  // as for bits, bconv2d_plan.c
  if (limit > LCE_MAX_ELEMENTS) limit = LCE_MAX_ELEMENTS;
  if (height > limit || width > limit || height * width > limit ||
      height * width > limit / s->batch) {
    return lce_refuse(why, "its padded input of %d x %lld x %lld pixels is too large",
                      (int)s->batch, (long long)height, (long long)width);
  }
  s->buffer_height = (size_t)height;
  s->buffer_width = (size_t)width;
  *scratch_bytes = (size_t)s->batch * s->buffer_height * (s->buffer_width * sizeof(int16_t) + 1);
  return true;
}

static const lce_operator_type TYPE = {
    .name = "CONV_2D",
    .prepare = prepare,
    .run = lce_sign_conv2d_run,
    .release = release,
};

lce_operator* lce_sign_conv2d_create(const lce_sign_conv2d_attributes* attributes,
                                     const lce_kernel* kernel, lce_reason* why) {
  lce_sign_conv2d read;
  if (!read_attributes(attributes, &read, why)) return NULL;
  read.kernel = kernel;
  lce_sign_conv2d* s = lce_operator_new(&TYPE, &read, sizeof read, why);
  if (s == NULL) return NULL;
  if (build(s, attributes)) return &s->base;
  lce_refuse(why, "out of memory");
  lce_operator_delete(&s->base);
  return NULL;
}
