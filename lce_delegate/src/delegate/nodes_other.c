// Reading LceQuantize, LceDequantize, LceBMaxPool2d, and CONCATENATION and RESHAPE of packed tensors.
#include <string.h>

#include "node.h"

static bool made(lce_operator** op, lce_operator* result) {
  if (op == NULL) {
    lce_operator_delete(result);  // it was only to be checked
  } else {
    *op = result;
  }
  return result != NULL;
}

static bool read_quantize(const lce_node* node, const lce_kernel* kernel, lce_operator** op,
                          lce_reason* why) {
  if (!lce_check_arity(node, 1, 1, why)) return false;
  const TfLiteTensor* input = lce_input(node, 0);
  lce_type type;
  if (input == NULL) return lce_refuse(why, "its input is missing");
  if (!lce_real_type(input->type, "its input", &type, why)) return false;
  if (!lce_check_packed(lce_output(node, 0), "its output", why)) return false;
  return made(op, lce_quantize_create(type, input->params.zero_point, kernel, why));
}

static bool read_dequantize(const lce_node* node, const lce_kernel* kernel, lce_operator** op,
                            lce_reason* why) {
  (void)kernel;
  if (!lce_check_arity(node, 1, 1, why)) return false;
  const TfLiteTensor* output = lce_output(node, 0);
  lce_shape shape;
  lce_type type;
  // Only the output's shape in the model tells how many channels the bits of the last word hold.
  if (!lce_check_packed(lce_input(node, 0), "its input", why) ||
      !lce_shape_of(output, &shape, "its output", why) ||
      !lce_real_type(output->type, "its output", &type, why)) {
    return false;
  }
  if (shape.rank < 1) return lce_refuse(why, "its output has no dimensions");
  return made(op, lce_dequantize_create(type, shape.dims[shape.rank - 1], output->params.scale,
                                        output->params.zero_point, why));
}

static bool read_max_pool2d(const lce_node* node, const lce_kernel* kernel, lce_operator** op,
                            lce_reason* why) {
  (void)kernel;
  if (!lce_check_arity(node, 1, 1, why) || !lce_check_packed(lce_input(node, 0), "its input", why) ||
      !lce_check_packed(lce_output(node, 0), "its output", why)) {
    return false;
  }
  int32_t padding;
  lce_window2d w = {.dilation_height = 1, .dilation_width = 1};
  if (!lce_read_option(node, "filter_height", 1, INT32_MAX, &w.filter_height, why) ||
      !lce_read_option(node, "filter_width", 1, INT32_MAX, &w.filter_width, why) ||
      !lce_read_option(node, "stride_height", 1, INT32_MAX, &w.stride_height, why) ||
      !lce_read_option(node, "stride_width", 1, INT32_MAX, &w.stride_width, why) ||
      !lce_read_option(node, "padding", LCE_SAME, LCE_VALID, &padding, why)) {
    return false;
  }
  w.padding = (lce_padding)padding;
  return made(op, lce_max_pool2d_create(&w, why));
}

static bool check_all_packed(const lce_node* node, lce_reason* why) {
  for (int i = 0; i < lce_input_count(node); ++i) {
    if (!lce_check_packed(lce_input(node, i), "an input", why)) return false;
  }
  return lce_check_packed(lce_output(node, 0), "its output", why);
}

static bool read_concatenation(const lce_node* node, const lce_kernel* kernel, lce_operator** op,
                               lce_reason* why) {
  (void)kernel;
  const int inputs = lce_input_count(node);
  if (inputs < 1 || inputs > LCE_MAX_INPUTS) {
    return lce_refuse(why, "it has %d inputs, expected 1 to %d", inputs, LCE_MAX_INPUTS);
  }
  const TfLiteConcatenationParams* options = node->node->builtin_data;
  if (!lce_check_arity(node, inputs, 1, why) || !check_all_packed(node, why)) return false;
  if (options == NULL || options->activation != 0) {
    return lce_refuse(why, "it has no options, or an activation function");
  }
  return made(op, lce_concatenation_create(options->axis, why));
}

// ---- RESHAPE copies: a packed network has one, of some words.

typedef struct {
  lce_operator base;
  lce_shape shape;  // one dimension may be -1: what is left
  size_t words;
} reshape;

static bool prepare_reshape(lce_operator* op, const lce_shape* inputs, int input_count, int workers,
                            lce_shape* output, size_t* scratch_bytes, lce_reason* why) {
  (void)input_count;
  (void)workers;
  (void)scratch_bytes;
  reshape* s = (reshape*)op;
  s->words = lce_elements(inputs);
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
  return true;
}

static void run_reshape(const lce_operator* op, const lce_run* run) {
  memcpy(run->output, run->inputs[0], ((const reshape*)op)->words * sizeof(uint32_t));
}

static const lce_operator_type RESHAPE = {
    .name = "RESHAPE", .prepare = prepare_reshape, .run = run_reshape};

static bool read_reshape(const lce_node* node, const lce_kernel* kernel, lce_operator** op,
                         lce_reason* why) {
  (void)kernel;
  const int inputs = lce_input_count(node);
  if (inputs < 1 || inputs > 2) return lce_refuse(why, "it has %d inputs, expected 1 or 2", inputs);
  if (!lce_check_arity(node, inputs, 1, why) || !check_all_packed(node, why)) return false;
  reshape s = {.words = 0};
  if (inputs == 2) {
    lce_shape length;
    const TfLiteTensor* tensor = lce_input(node, 1);
    if (!lce_constant(tensor, kTfLiteInt32, 1, &length, "its new shape", why)) return false;
    if (length.dims[0] > LCE_MAX_RANK) return lce_refuse(why, "its new shape is too long");
    s.shape.rank = length.dims[0];
    memcpy(s.shape.dims, tensor->data, (size_t)s.shape.rank * sizeof(int32_t));
  } else {
    const TfLiteReshapeParams* options = node->node->builtin_data;
    if (options == NULL || options->num_dimensions < 1 || options->num_dimensions > LCE_MAX_RANK) {
      return lce_refuse(why, "its new shape is missing");
    }
    s.shape.rank = options->num_dimensions;
    for (int i = 0; i < s.shape.rank; ++i) s.shape.dims[i] = options->shape[i];
  }
  return made(op, lce_operator_new(&RESHAPE, &s, sizeof s, why));
}

const lce_node_type lce_node_quantize = {"LceQuantize", -1, 1, read_quantize};
const lce_node_type lce_node_dequantize = {"LceDequantize", -1, 1, read_dequantize};
const lce_node_type lce_node_max_pool2d = {"LceBMaxPool2d", -1, 1, read_max_pool2d};
const lce_node_type lce_node_concatenation = {"CONCATENATION", kTfLiteBuiltinConcatenation, 0,
                                              read_concatenation};
const lce_node_type lce_node_reshape = {"RESHAPE", kTfLiteBuiltinReshape, 1, read_reshape};
