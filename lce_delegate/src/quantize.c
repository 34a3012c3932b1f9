// LceQuantize and LceDequantize: from real values to bits along the last dimension, and back.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "operator.h"

typedef struct {
  const lce_kernel* kernel;
  TfLiteType real_type;  // of the unpacked side
  int32_t zero_point;    // int8 and bool: values below it are bit 1
  int8_t zero_bit, one_bit;  // what the bits become as int8 or bool
  int32_t channels;
  size_t rows;
} quantize_state;

static bool check_real_type(TfLiteType type, const char* what, lce_reason* why) {
  if (type == kTfLiteFloat32 || type == kTfLiteInt8 || type == kTfLiteBool) return true;
  return lce_refuse(why, "%s is of type %s, expected float32, int8 or bool", what,
                    lce_type_name(type));
}

static bool check_packed_type(TfLiteType type, const char* what, lce_reason* why) {
  if (type == kTfLiteInt32) return true;
  return lce_refuse(why, "%s is of type %s, expected int32", what, lce_type_name(type));
}

static bool quantize_init(lce_operator* op, const lce_node* node, const lce_kernel* kernel,
                          lce_reason* why) {
  if (!lce_check_arity(node, 1, 1, why)) return false;
  const TfLiteTensor* input = lce_input(node, 0);
  const TfLiteTensor* output = lce_output(node, 0);
  if (input == NULL || output == NULL) return lce_refuse(why, "its input or output is missing");
  if (!check_real_type(input->type, "its input", why)) return false;
  if (!check_packed_type(output->type, "its output", why)) return false;
  if (kernel == NULL) return true;

  quantize_state* state = calloc(1, sizeof *state);
  if (state == NULL) return lce_refuse(why, "out of memory");
  state->kernel = kernel;
  state->real_type = input->type;
  // A bool is 0 or 1, and false stands for -1.
  state->zero_point = input->type == kTfLiteBool ? 1 : input->params.zero_point;
  op->state = state;
  return true;
}

static bool quantize_prepare(lce_operator* op, const lce_shape* const* inputs, lce_shape* output,
                             size_t* scratch_bytes, lce_reason* why) {
  quantize_state* state = op->state;
  if (inputs[0]->rank < 1) return lce_refuse(why, "its input has no dimensions");
  const int last = inputs[0]->rank - 1;
  state->channels = inputs[0]->dims[last];
  state->rows = lce_elements(inputs[0]) / (size_t)state->channels;
  *output = *inputs[0];
  output->dims[last] = lce_words(state->channels);
  *scratch_bytes = 0;
  return true;
}

// Packs `words` full words of values of any type.
static void pack_words(const quantize_state* s, const void* values, size_t words,
                       uint32_t* packed) {
  if (s->real_type == kTfLiteFloat32) {
    s->kernel->pack_float(values, words, packed);
  } else if (s->zero_point <= INT8_MIN) {
    memset(packed, 0, words * sizeof *packed);  // nothing is below it
  } else if (s->zero_point > INT8_MAX) {
    memset(packed, 0xff, words * sizeof *packed);  // everything is
  } else {
    s->kernel->pack_int8(values, (int8_t)s->zero_point, words, packed);
  }
}

typedef struct {
  const quantize_state* state;
  const void* input;
  void* output;
} quantize_job;

static void quantize_rows(void* argument, size_t begin, size_t end) {
  const quantize_job* job = argument;
  const quantize_state* s = job->state;
  const size_t size = lce_type_size(s->real_type);
  const size_t words = (size_t)lce_words(s->channels), full = (size_t)s->channels / 32;
  const size_t rest = (size_t)s->channels % 32;
  const char* input = (const char*)job->input + begin * (size_t)s->channels * size;
  uint32_t* output = (uint32_t*)job->output + begin * words;
  if (rest == 0) {
    pack_words(s, input, (end - begin) * full, output);
    return;
  }
  for (size_t row = begin; row < end; ++row) {
    if (full > 0) pack_words(s, input, full, output);
    char values[32 * sizeof(float)] __attribute__((aligned(4))) = {0};
    memcpy(values, input + full * 32 * size, rest * size);
    pack_words(s, values, 1, output + full);
    output[full] &= ((uint32_t)1 << rest) - 1;  // bits past the last channel are 0
    input += (size_t)s->channels * size;
    output += words;
  }
}

static void quantize_invoke(const lce_operator* op, const void* const* inputs, void* output,
                            void* scratch, lce_thread_pool* pool) {
  (void)scratch;
  quantize_job job = {op->state, inputs[0], output};
  lce_thread_pool_run(pool, quantize_rows, &job, job.state->rows);
}

const lce_operator_type lce_quantize_type = {
    .name = "LceQuantize",
    .data_inputs = 1,
    .init = quantize_init,
    .prepare = quantize_prepare,
    .invoke = quantize_invoke,
};

static bool dequantize_init(lce_operator* op, const lce_node* node, const lce_kernel* kernel,
                            lce_reason* why) {
  if (!lce_check_arity(node, 1, 1, why)) return false;
  const TfLiteTensor* input = lce_input(node, 0);
  const TfLiteTensor* output = lce_output(node, 0);
  lce_shape shape;
  // Only the output's shape in the model tells how many channels the bits of the last word hold.
  if (input == NULL || !lce_shape_of(output, &shape, "its output", why)) {
    return input == NULL ? lce_refuse(why, "its input is missing") : false;
  }
  if (!check_packed_type(input->type, "its input", why)) return false;
  if (!check_real_type(output->type, "its output", why)) return false;
  if (shape.rank < 1) return lce_refuse(why, "its output has no dimensions");

  int32_t zero_bit = 1, one_bit = 0;  // bool
  if (output->type == kTfLiteInt8) {
    const float scale = output->params.scale;
    const int32_t zero_point = output->params.zero_point;
    if (!(scale > 0.0f) || zero_point < INT8_MIN || zero_point > INT8_MAX) {
      return lce_refuse(why, "the quantization of its output (scale %g, zero point %d) is invalid",
                        (double)scale, (int)zero_point);
    }
    const float one = 1.0f / scale;
    const int32_t offset = one < 255.0f ? (int32_t)roundf(one) : 255;
    zero_bit = zero_point + offset < INT8_MAX ? zero_point + offset : INT8_MAX;
    one_bit = zero_point - offset > INT8_MIN ? zero_point - offset : INT8_MIN;
  }
  if (kernel == NULL) return true;

  quantize_state* state = calloc(1, sizeof *state);
  if (state == NULL) return lce_refuse(why, "out of memory");
  state->real_type = output->type;
  state->zero_bit = (int8_t)zero_bit;
  state->one_bit = (int8_t)one_bit;
  state->channels = shape.dims[shape.rank - 1];
  op->state = state;
  return true;
}

static bool dequantize_prepare(lce_operator* op, const lce_shape* const* inputs, lce_shape* output,
                               size_t* scratch_bytes, lce_reason* why) {
  quantize_state* state = op->state;
  const int last = inputs[0]->rank - 1;
  if (last < 0 || inputs[0]->dims[last] != lce_words(state->channels)) {
    return lce_refuse(why, "its input has %d words of bits, its output %d channels",
                      last < 0 ? 0 : (int)inputs[0]->dims[last], (int)state->channels);
  }
  *output = *inputs[0];
  output->dims[last] = state->channels;
  state->rows = lce_elements(inputs[0]) / (size_t)inputs[0]->dims[last];
  *scratch_bytes = 0;
  return true;
}

static void dequantize_rows(void* argument, size_t begin, size_t end) {
  const quantize_job* job = argument;
  const quantize_state* s = job->state;
  const size_t channels = (size_t)s->channels, words = (size_t)lce_words(s->channels);
  for (size_t row = begin; row < end; ++row) {
    const uint32_t* bits = (const uint32_t*)job->input + row * words;
    if (s->real_type == kTfLiteFloat32) {
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

static void dequantize_invoke(const lce_operator* op, const void* const* inputs, void* output,
                              void* scratch, lce_thread_pool* pool) {
  (void)scratch;
  quantize_job job = {op->state, inputs[0], output};
  lce_thread_pool_run(pool, dequantize_rows, &job, job.state->rows);
}

const lce_operator_type lce_dequantize_type = {
    .name = "LceDequantize",
    .data_inputs = 1,
    .init = dequantize_init,
    .prepare = dequantize_prepare,
    .invoke = dequantize_invoke,
};
