#include "node.h"

#include <string.h>

#include "options.h"

const lce_node_type* lce_node_type_of(const TfLiteRegistration* registration) {
  static const lce_node_type* const TYPES[] = {
      &lce_node_quantize, &lce_node_dequantize,    &lce_node_bconv2d, &lce_node_max_pool2d,
      &lce_node_conv2d,   &lce_node_concatenation, &lce_node_reshape};
  for (size_t i = 0; i < sizeof TYPES / sizeof TYPES[0]; ++i) {
    const bool same = registration->custom_name != NULL
                          ? TYPES[i]->builtin_code < 0 &&
                                strcmp(registration->custom_name, TYPES[i]->name) == 0
                          : registration->builtin_code == TYPES[i]->builtin_code;
    if (same) return TYPES[i];
  }
  return NULL;
}

static const TfLiteTensor* tensor_at(const lce_node* node, const TfLiteIntArray* indices, int i) {
  if (indices == NULL || i >= indices->size) return NULL;
  const int index = indices->data[i];
  if (index < 0 || (size_t)index >= node->context->tensors_size) return NULL;
  return &node->context->tensors[index];
}

const TfLiteTensor* lce_input(const lce_node* node, int i) {
  return tensor_at(node, node->node->inputs, i);
}

const TfLiteTensor* lce_output(const lce_node* node, int i) {
  return tensor_at(node, node->node->outputs, i);
}

int lce_input_count(const lce_node* node) {
  return node->node->inputs == NULL ? 0 : node->node->inputs->size;
}

bool lce_check_arity(const lce_node* node, int inputs, int outputs, lce_reason* why) {
  const int has_inputs = lce_input_count(node);
  const int has_outputs = node->node->outputs == NULL ? 0 : node->node->outputs->size;
  if (has_inputs != inputs || has_outputs != outputs) {
    return lce_refuse(why, "it has %d inputs and %d outputs, expected %d and %d", has_inputs,
                      has_outputs, inputs, outputs);
  }
  return true;
}

bool lce_shape_of(const TfLiteTensor* tensor, lce_shape* shape, const char* what,
                  lce_reason* why) {
  if (tensor == NULL || tensor->dims == NULL) return lce_refuse(why, "%s is missing", what);
  shape->rank = tensor->dims->size;
  for (int i = 0; i < shape->rank && i < LCE_MAX_RANK; ++i) shape->dims[i] = tensor->dims->data[i];
  return lce_check_shape(shape, what, why);
}

bool lce_constant(const TfLiteTensor* tensor, TfLiteType type, int rank, lce_shape* shape,
                  const char* what, lce_reason* why) {
  if (!lce_shape_of(tensor, shape, what, why)) return false;
  if (tensor->type != type) {
    return lce_refuse(why, "%s is of type %s, expected %s", what,
                      lce_tensor_type_name(tensor->type), lce_tensor_type_name(type));
  }
  if (shape->rank != rank) {
    return lce_refuse(why, "%s has %d dimensions, expected %d", what, shape->rank, rank);
  }
  if (tensor->allocation_type != kTfLiteMmapRo || tensor->data == NULL) {
    return lce_refuse(why, "%s is not a constant of the model", what);
  }
  if ((uintptr_t)tensor->data % lce_tensor_type_size(type) != 0) {
    return lce_refuse(why, "%s is not aligned in memory", what);
  }
  if (tensor->bytes / lce_tensor_type_size(type) < lce_elements(shape)) {
    return lce_refuse(why, "%s has %zu bytes, its shape needs %zu", what, tensor->bytes,
                      lce_elements(shape) * lce_tensor_type_size(type));
  }
  return true;
}

bool lce_channel_constant(const TfLiteTensor* tensor, TfLiteType type, int32_t channels,
                          const char* what, const void** values, lce_reason* why) {
  lce_shape shape;
  if (!lce_constant(tensor, type, 1, &shape, what, why)) return false;
  if (shape.dims[0] != channels) {
    return lce_refuse(why, "%s: there are %d values for %d output channels", what,
                      (int)shape.dims[0], (int)channels);
  }
  *values = tensor->data;
  return true;
}

bool lce_read_option(const lce_node* node, const char* key, int32_t low, int32_t high,
                     int32_t* value, lce_reason* why) {
  const int size = node->node->custom_initial_data_size;
  int64_t wide;
  switch (lce_option_integer(node->node->custom_initial_data, size < 0 ? 0 : (size_t)size, key,
                             &wide)) {
    case LCE_OPTION_MALFORMED:
      return lce_refuse(why, "its options are not a FlexBuffer map");
    case LCE_OPTION_MISSING:
      return lce_refuse(why, "option %s is missing", key);
    case LCE_OPTION_TYPE:
      return lce_refuse(why, "option %s is not an integer", key);
    case LCE_OPTION_OK:
      break;
  }
  if (wide < low || wide > high) {
    return lce_refuse(why, "option %s is %lld, expected %d to %d", key, (long long)wide, (int)low,
                      (int)high);
  }
  *value = (int32_t)wide;
  return true;
}

bool lce_real_type(TfLiteType type, const char* what, lce_type* real, lce_reason* why) {
  switch (type) {
    case kTfLiteFloat32:
      *real = LCE_FLOAT32;
      return true;
    case kTfLiteInt8:
      *real = LCE_INT8;
      return true;
    case kTfLiteBool:
      *real = LCE_BOOL;
      return true;
    default:
      return lce_refuse(why, "%s is of type %s, expected float32, int8 or bool", what,
                        lce_tensor_type_name(type));
  }
}

bool lce_check_packed(const TfLiteTensor* tensor, const char* what, lce_reason* why) {
  if (tensor == NULL) return lce_refuse(why, "%s is missing", what);
  if (tensor->type == kTfLiteInt32) return true;
  return lce_refuse(why, "%s is of type %s, expected int32", what,
                    lce_tensor_type_name(tensor->type));
}

size_t lce_tensor_type_size(TfLiteType type) {
  switch (type) {
    case kTfLiteFloat32:
    case kTfLiteInt32:
      return 4;
    case kTfLiteBool:
    case kTfLiteInt8:
      return 1;
    default:
      return 0;
  }
}

const char* lce_tensor_type_name(TfLiteType type) {
  switch (type) {
    case kTfLiteFloat32:
      return "float32";
    case kTfLiteInt32:
      return "int32";
    case kTfLiteUInt8:
      return "uint8";
    case kTfLiteBool:
      return "bool";
    case kTfLiteInt8:
      return "int8";
    default:
      return "an unsupported type";
  }
}
