// CONCATENATION and RESHAPE of int32 tensors. They are built-in operators, and run here only
// between packed tensors, so that a packed network is one piece for the delegate.
#include <stdlib.h>
#include <string.h>

#include "operator.h"

typedef struct {
  int axis;
  size_t rows;                        // product of the dimensions before the axis
  size_t row_words[LCE_MAX_INPUTS];  // of each input: words from one row to the next
} concatenation_state;

static bool check_int32(const lce_node* node, lce_reason* why) {
  const int inputs = node->node->inputs->size;
  for (int i = 0; i < inputs; ++i) {
    const TfLiteTensor* input = lce_input(node, i);
    if (input == NULL || input->type != kTfLiteInt32) return lce_refuse(why, "it is not of int32");
  }
  const TfLiteTensor* output = lce_output(node, 0);
  if (output == NULL || output->type != kTfLiteInt32) return lce_refuse(why, "it is not of int32");
  return true;
}

static bool concatenation_init(lce_operator* op, const lce_node* node, const lce_kernel* kernel,
                               lce_reason* why) {
  const int inputs = node->node->inputs == NULL ? 0 : node->node->inputs->size;
  if (inputs < 1 || inputs > LCE_MAX_INPUTS) {
    return lce_refuse(why, "it has %d inputs, expected 1 to %d", inputs, LCE_MAX_INPUTS);
  }
  const TfLiteConcatenationParams* parameters = node->node->builtin_data;
  if (!lce_check_arity(node, inputs, 1, why) || !check_int32(node, why)) return false;
  if (parameters == NULL || parameters->activation != 0) {
    return lce_refuse(why, "it has no options, or an activation function");
  }
  if (kernel == NULL) return true;
  concatenation_state* state = calloc(1, sizeof *state);
  if (state == NULL) return lce_refuse(why, "out of memory");
  state->axis = parameters->axis;
  op->state = state;
  return true;
}

static bool concatenation_prepare(lce_operator* op, const lce_shape* const* inputs,
                                  lce_shape* output, size_t* scratch_bytes, lce_reason* why) {
  concatenation_state* s = op->state;
  const int rank = inputs[0]->rank;
  const int axis = s->axis < 0 ? s->axis + rank : s->axis;
  if (axis < 0 || axis >= rank) {
    return lce_refuse(why, "its axis is %d, its inputs have %d dimensions", s->axis, rank);
  }
  *output = *inputs[0];
  int64_t along = 0;
  for (int i = 0; i < op->input_count; ++i) {
    if (inputs[i]->rank != rank) return lce_refuse(why, "its inputs differ in dimensions");
    for (int d = 0; d < rank; ++d) {
      if (d != axis && inputs[i]->dims[d] != output->dims[d]) {
        return lce_refuse(why, "its inputs differ in dimension %d (%d and %d)", d,
                          (int)output->dims[d], (int)inputs[i]->dims[d]);
      }
    }
    along += inputs[i]->dims[axis];
  }
  if (along > INT32_MAX) return lce_refuse(why, "its output is too large");
  output->dims[axis] = (int32_t)along;

  s->rows = 1;
  for (int d = 0; d < axis; ++d) s->rows *= (size_t)output->dims[d];
  for (int i = 0; i < op->input_count; ++i) s->row_words[i] = lce_elements(inputs[i]) / s->rows;
  *scratch_bytes = 0;
  return true;
}

static void concatenation_invoke(const lce_operator* op, const void* const* inputs, void* output,
                                 void* scratch, lce_thread_pool* pool) {
  (void)scratch;
  (void)pool;
  const concatenation_state* s = op->state;
  uint32_t* to = output;
  for (size_t row = 0; row < s->rows; ++row) {
    for (int i = 0; i < op->input_count; ++i) {
      const size_t words = s->row_words[i];
      memcpy(to, (const uint32_t*)inputs[i] + row * words, words * sizeof *to);
      to += words;
    }
  }
}

const lce_operator_type lce_concatenation_type = {
    .name = "CONCATENATION",
    .data_inputs = 0,
    .init = concatenation_init,
    .prepare = concatenation_prepare,
    .invoke = concatenation_invoke,
};

typedef struct {
  lce_shape shape;  // one dimension may be -1: what is left
  size_t words;
} reshape_state;

static bool reshape_init(lce_operator* op, const lce_node* node, const lce_kernel* kernel,
                         lce_reason* why) {
  const int inputs = node->node->inputs == NULL ? 0 : node->node->inputs->size;
  if (inputs < 1 || inputs > 2) return lce_refuse(why, "it has %d inputs, expected 1 or 2", inputs);
  if (!lce_check_arity(node, inputs, 1, why) || !check_int32(node, why)) return false;

  reshape_state s = {.words = 0};
  if (inputs == 2) {
    lce_shape length;
    if (!lce_constant(lce_input(node, 1), kTfLiteInt32, 1, &length, "its new shape", why)) {
      return false;
    }
    if (length.dims[0] > LCE_MAX_RANK) return lce_refuse(why, "its new shape is too long");
    s.shape.rank = length.dims[0];
    memcpy(s.shape.dims, lce_input(node, 1)->data, (size_t)s.shape.rank * sizeof(int32_t));
  } else {
    const TfLiteReshapeParams* parameters = node->node->builtin_data;
    if (parameters == NULL || parameters->num_dimensions < 1 ||
        parameters->num_dimensions > LCE_MAX_RANK) {
      return lce_refuse(why, "its new shape is missing");
    }
    s.shape.rank = parameters->num_dimensions;
    for (int i = 0; i < s.shape.rank; ++i) s.shape.dims[i] = parameters->shape[i];
  }
  if (kernel == NULL) return true;
  op->state = malloc(sizeof s);
  if (op->state == NULL) return lce_refuse(why, "out of memory");
  memcpy(op->state, &s, sizeof s);
  return true;
}

static bool reshape_prepare(lce_operator* op, const lce_shape* const* inputs, lce_shape* output,
                            size_t* scratch_bytes, lce_reason* why) {
  reshape_state* s = op->state;
  s->words = lce_elements(inputs[0]);
  *output = s->shape;
  int open = -1;
  for (int i = 0; i < output->rank; ++i) {
    if (output->dims[i] != -1) continue;
    if (open >= 0) return lce_refuse(why, "two dimensions of its new shape are -1");
    open = i;
    output->dims[i] = 1;
  }
  if (!lce_check_shape(output, "its new shape", why)) return false;
  const size_t known = lce_elements(output);
  if (open >= 0 && s->words % known == 0) output->dims[open] = (int32_t)(s->words / known);
  if (lce_elements(output) != s->words) {
    return lce_refuse(why, "its new shape does not hold the %zu elements of its input", s->words);
  }
  *scratch_bytes = 0;
  return true;
}

static void reshape_invoke(const lce_operator* op, const void* const* inputs, void* output,
                           void* scratch, lce_thread_pool* pool) {
  (void)scratch;
  (void)pool;
  const reshape_state* s = op->state;
  memcpy(output, inputs[0], s->words * sizeof(uint32_t));
}

const lce_operator_type lce_reshape_type = {
    .name = "RESHAPE",
    .data_inputs = 1,
    .init = reshape_init,
    .prepare = reshape_prepare,
    .invoke = reshape_invoke,
};
