// Bits to real values along the last dimension.
#include "operator.h"

typedef struct {
  lce_operator base;
  lce_type real_type;
  int8_t zero_bit, one_bit;  // what the bits become as int8 or bool
  int32_t channels;
  size_t rows;
} dequantize;

static bool prepare(lce_operator* op, const lce_shape* inputs, int input_count, int workers,
                    lce_shape* output, size_t* scratch_bytes, lce_reason* why) {
  (void)input_count;
  (void)workers;
  (void)scratch_bytes;
  dequantize* s = (dequantize*)op;
  const int last = inputs->rank - 1;
  if (last < 0 || inputs->dims[last] != lce_words(s->channels)) {
    return lce_refuse(why, "its input has %d words of bits, its output %d channels",
                      last < 0 ? 0 : (int)inputs->dims[last], (int)s->channels);
  }
  *output = *inputs;
  output->dims[last] = s->channels;
  s->rows = lce_elements(inputs) / (size_t)inputs->dims[last];
  return true;
}

typedef struct {
  const dequantize* op;
  const uint32_t* input;
  void* output;
} dequantize_job;

static void dequantize_rows(void* argument, int worker, size_t begin, size_t end) {
  (void)worker;
  const dequantize_job* job = argument;
  const dequantize* s = job->op;
  const size_t channels = (size_t)s->channels, words = (size_t)lce_words(s->channels);
  for (size_t row = begin; row < end; ++row) {
    const uint32_t* bits = job->input + row * words;
    if (s->real_type == LCE_FLOAT32) {
      float* output = (float*)job->output + row * channels;
      for (size_t c = 0; c < channels; ++c) {
        output[c] = bits[c / 32] >> (c % 32) & 1 ? -1.0f : 1.0f;
      }
    } else {
      int8_t* output = (int8_t*)job->output + row * channels;
      for (size_t c = 0; c < channels; ++c) {
        output[c] = bits[c / 32] >> (c % 32) & 1 ? s->one_bit : s->zero_bit;
      }
    }
  }
}

static void run(const lce_operator* op, const lce_run* run) {
  const dequantize* s = (const dequantize*)op;
  dequantize_job job = {s, run->inputs[0], run->output};
  lce_execute(run->executor, dequantize_rows, &job, s->rows);
}

static const lce_operator_type TYPE = {.name = "LceDequantize", .prepare = prepare, .run = run};

// The whole number nearest to 1 / scale, halves away from zero, at most 255.
static int32_t steps_of_one(float scale) {
  const float one = 1.0f / scale;
  if (one >= 255.0f) return 255;
  const int32_t whole = (int32_t)one;
  return whole + (one - (float)whole >= 0.5f);
}

lce_operator* lce_dequantize_create(lce_type output, int32_t channels, float scale,
                                    int32_t zero_point, lce_reason* why) {
  if (output != LCE_FLOAT32 && output != LCE_INT8 && output != LCE_BOOL) {
    lce_refuse(why, "its output is of type %s, expected float32, int8 or bool",
               lce_type_name(output));
    return NULL;
  }
  if (channels < 1) {
    lce_refuse(why, "it has %d channels", (int)channels);
    return NULL;
  }
  dequantize s = {.real_type = output, .zero_bit = 1, .one_bit = 0, .channels = channels};
  if (output == LCE_INT8) {
    if (!(scale > 0.0f) || zero_point < INT8_MIN || zero_point > INT8_MAX) {
      lce_refuse(why, "the quantization of its output (zero point %d) is invalid", (int)zero_point);
      return NULL;
    }
    const int32_t up = zero_point + steps_of_one(scale), down = zero_point - steps_of_one(scale);
    s.zero_bit = (int8_t)(up < INT8_MAX ? up : INT8_MAX);
    s.one_bit = (int8_t)(down > INT8_MIN ? down : INT8_MIN);
  }
  return lce_operator_new(&TYPE, &s, sizeof s, why);
}
