#include "core_operators.h"

#include "operator.h"
#include "options.h"

static bool read_custom(const tflite_operator* op, const char* key, int32_t least, int32_t most,
                        int32_t* number, lce_reason* why) {
  int64_t read;
  if (lce_option_integer(op->custom_options, op->custom_options_size, key, &read) !=
      LCE_OPTION_OK) {
    return lce_refuse(why, "an operator's option %s is missing or damaged", key);
  }
  if (read < least || read > most) return lce_refuse(why, "an operator's option %s is out of range", key);
  *number = (int32_t)read;
  return true;
}

const tflite_tensor* input_of(const tflite_file* file, const tflite_operator* op, int i) {
  return i < op->input_count && op->inputs[i] >= 0 ? &file->tensors[op->inputs[i]] : NULL;
}

bool is_constant(const tflite_tensor* tensor, tensor_type type, int rank) {
  return tensor != NULL && tensor->constant != NULL && tensor->type == type &&
         tensor->shape.rank == rank;
}

// One number for each output channel.
static bool is_for_channels(const tflite_tensor* tensor, tensor_type type, int32_t channels) {
  return is_constant(tensor, type, 1) && tensor->shape.dims[0] == channels;
}

lce_operator* make_bconv2d(const tflite_file* file, const tflite_operator* op,
                                  const lce_kernel* kernel, lce_reason* why) {
  int32_t padding = 0, activation = 0;
  lce_bconv2d_attributes a = {.groups = 1};
  if (!read_custom(op, "channels_in", 1, INT32_MAX, &a.channels_in, why) ||
      !read_custom(op, "stride_height", 1, INT32_MAX, &a.window.stride_height, why) ||
      !read_custom(op, "stride_width", 1, INT32_MAX, &a.window.stride_width, why) ||
      !read_custom(op, "dilation_height_factor", 1, INT32_MAX, &a.window.dilation_height, why) ||
      !read_custom(op, "dilation_width_factor", 1, INT32_MAX, &a.window.dilation_width, why) ||
      !read_custom(op, "padding", LCE_SAME, LCE_VALID, &padding, why) ||
      !read_custom(op, "pad_values", 0, 1, &a.pad_value, why) ||
      !read_custom(op, "fused_activation_function", LCE_LINEAR, LCE_RELU6, &activation, why)) {
    return NULL;
  }
  a.window.padding = (lce_padding)padding;
  a.activation = (lce_activation)activation;
  const tflite_tensor* filter = input_of(file, op, 1);
  const tflite_tensor* multiplier = input_of(file, op, 2);
  const tflite_tensor* bias = input_of(file, op, 3);
  const tflite_tensor* thresholds = input_of(file, op, 4);
  const bool packs = file->tensors[op->output].type == TENSOR_INT32;
  if (!is_constant(filter, TENSOR_INT32, 4) || filter->shape.dims[3] != lce_words(a.channels_in)) {
    lce_refuse(why, "a convolution has no filter that fits");
    return NULL;
  }
  a.channels_out = filter->shape.dims[0];
  if (packs ? !is_for_channels(thresholds, TENSOR_INT32, a.channels_out)
            : !is_for_channels(multiplier, TENSOR_FLOAT32, a.channels_out) ||
                  !is_for_channels(bias, TENSOR_FLOAT32, a.channels_out)) {
    lce_refuse(why, "a convolution lacks a number for each channel");
    return NULL;
  }
  a.window.filter_height = filter->shape.dims[1];
  a.window.filter_width = filter->shape.dims[2];
  a.weights = filter->constant;
  a.output = packs ? LCE_BITS : LCE_FLOAT32;
  if (packs) {
    a.thresholds = thresholds->constant;
  } else {
    a.multiplier = multiplier->constant;
    a.bias = bias->constant;
  }
  return lce_bconv2d_create(&a, kernel, why);
}

lce_operator* make_sign_conv2d(const tflite_file* file, const tflite_operator* op,
                                      lce_type output, const lce_kernel* kernel, lce_reason* why) {
  enum { PADDING, STRIDE_WIDTH, STRIDE_HEIGHT, ACTIVATION, DILATION_WIDTH, DILATION_HEIGHT };
  int32_t padding = 0, activation = 0;
  lce_sign_conv2d_attributes a = {.output = output};
  lce_window2d* w = &a.window;
  const tflite_tensor* filter = input_of(file, op, 1);
  const tflite_tensor* bias = input_of(file, op, 2);
  if (!tflite_option(file, op, PADDING, 1, 0, &padding) ||
      !tflite_option(file, op, STRIDE_WIDTH, 4, 0, &w->stride_width) ||
      !tflite_option(file, op, STRIDE_HEIGHT, 4, 0, &w->stride_height) ||
      !tflite_option(file, op, ACTIVATION, 1, 0, &activation) ||
      !tflite_option(file, op, DILATION_WIDTH, 4, 1, &w->dilation_width) ||
      !tflite_option(file, op, DILATION_HEIGHT, 4, 1, &w->dilation_height) || activation != 0 ||
      (padding != LCE_SAME && padding != LCE_VALID) || !is_constant(filter, TENSOR_FLOAT32, 4) ||
      filter->shape.dims[3] != 1 ||
      (bias != NULL && !is_for_channels(bias, TENSOR_FLOAT32, filter->shape.dims[0]))) {
    lce_refuse(why, "the first convolution is not of the kind that packed networks have");
    return NULL;
  }
  w->padding = (lce_padding)padding;
  w->filter_height = filter->shape.dims[1];
  w->filter_width = filter->shape.dims[2];
  a.channels_out = filter->shape.dims[0];
  a.weights = filter->constant;
  a.bias = bias == NULL ? NULL : bias->constant;
  return lce_sign_conv2d_create(&a, kernel, why);
}

lce_operator* make_max_pool(const tflite_operator* op, lce_reason* why) {
  int32_t padding = 0;
  lce_window2d w = {.dilation_height = 1, .dilation_width = 1};
  if (!read_custom(op, "filter_height", 1, INT32_MAX, &w.filter_height, why) ||
      !read_custom(op, "filter_width", 1, INT32_MAX, &w.filter_width, why) ||
      !read_custom(op, "stride_height", 1, INT32_MAX, &w.stride_height, why) ||
      !read_custom(op, "stride_width", 1, INT32_MAX, &w.stride_width, why) ||
      !read_custom(op, "padding", LCE_SAME, LCE_VALID, &padding, why)) {
    return NULL;
  }
  w.padding = (lce_padding)padding;
  return lce_max_pool2d_create(&w, why);
}

lce_operator* make_concatenation(const tflite_file* file, const tflite_operator* op,
                                        lce_reason* why) {
  enum { AXIS, ACTIVATION };
  int32_t axis, activation;
  if (!tflite_option(file, op, AXIS, 4, 0, &axis) ||
      !tflite_option(file, op, ACTIVATION, 1, 0, &activation) || activation != 0) {
    lce_refuse(why, "a concatenation has an activation function");
    return NULL;
  }
  return lce_concatenation_create(axis, why);
}
