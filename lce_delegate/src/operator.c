#include "operator.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "options.h"

bool lce_refuse(lce_reason* reason, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(reason->text, sizeof reason->text, format, arguments);
  va_end(arguments);
  return false;
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

bool lce_check_arity(const lce_node* node, int inputs, int outputs, lce_reason* why) {
  const int has_inputs = node->node->inputs == NULL ? 0 : node->node->inputs->size;
  const int has_outputs = node->node->outputs == NULL ? 0 : node->node->outputs->size;
  if (has_inputs != inputs || has_outputs != outputs) {
    return lce_refuse(why, "it has %d inputs and %d outputs, expected %d and %d", has_inputs,
                      has_outputs, inputs, outputs);
  }
  return true;
}

size_t lce_elements(const lce_shape* shape) {
  size_t elements = 1;
  for (int i = 0; i < shape->rank; ++i) elements *= (size_t)shape->dims[i];
  return elements;
}

bool lce_check_shape(const lce_shape* shape, const char* what, lce_reason* why) {
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

bool lce_shape_of(const TfLiteTensor* tensor, lce_shape* shape, const char* what,
                  lce_reason* why) {
  if (tensor == NULL || tensor->dims == NULL) return lce_refuse(why, "%s is missing", what);
  const int rank = tensor->dims->size;
  if (rank < 0 || rank > LCE_MAX_RANK) {
    return lce_refuse(why, "%s has %d dimensions, at most %d are possible", what, rank,
                      LCE_MAX_RANK);
  }
  shape->rank = rank;
  for (int i = 0; i < rank; ++i) shape->dims[i] = tensor->dims->data[i];
  return lce_check_shape(shape, what, why);
}

bool lce_constant(const TfLiteTensor* tensor, TfLiteType type, int rank, lce_shape* shape,
                  const char* what, lce_reason* why) {
  if (!lce_shape_of(tensor, shape, what, why)) return false;
  if (tensor->type != type) {
    return lce_refuse(why, "%s is of type %s, expected %s", what, lce_type_name(tensor->type),
                      lce_type_name(type));
  }
  if (shape->rank != rank) {
    return lce_refuse(why, "%s has %d dimensions, expected %d", what, shape->rank, rank);
  }
  if (tensor->allocation_type != kTfLiteMmapRo || tensor->data == NULL) {
    return lce_refuse(why, "%s is not a constant of the model", what);
  }
  if ((uintptr_t)tensor->data % lce_type_size(type) != 0) {
    return lce_refuse(why, "%s is not aligned in memory", what);
  }
  if (tensor->bytes / lce_type_size(type) < lce_elements(shape)) {
    return lce_refuse(why, "%s has %zu bytes, its shape needs %zu", what, tensor->bytes,
                      lce_elements(shape) * lce_type_size(type));
  }
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

size_t lce_type_size(TfLiteType type) {
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

const char* lce_type_name(TfLiteType type) {
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

void* lce_allocate(size_t bytes) {
  enum { ALIGNMENT = 64 };  // of AVX-512; posix_memalign because Android has it from API 17
  void* memory;
  return posix_memalign(&memory, ALIGNMENT, bytes == 0 ? 1 : bytes) == 0 ? memory : NULL;
}

bool lce_prepare_axis(lce_axis* axis, int32_t padding, const char* what, lce_reason* why) {
  const int64_t span = lce_window_span(axis), input = axis->input, stride = axis->stride;
  int64_t output, before = 0;
  if (padding == LCE_PADDING_SAME) {
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
