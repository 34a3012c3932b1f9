#include "packed_network.h"

#include <stdlib.h>
#include <string.h>

#include "core_operators.h"
#include "operator.h"
#include "tflite_file.h"

// One operator of the file, or a CONV_2D and the LceQuantize behind it.
typedef struct {
  operator_code code;  // OPERATOR_CUSTOM: one of the core's
  lce_operator* core;
  int inputs[MOST_OPERANDS];
  int input_count;
  int output;
  int32_t begin[4];  // of a slice
} step;

typedef struct {
  lce_shape shape;
  size_t elements;
  tensor_type type;
  void* data;  // owned
} value;

struct packed_network {
  value values[MOST_TENSORS];
  step steps[MOST_OPERATORS];
  int step_count;
  int input, output;
  void* scratch;
};

// ---- Planning.

static bool same_shape(const lce_shape* a, const lce_shape* b) {
  return a->rank == b->rank && memcmp(a->dims, b->dims, sizeof a->dims[0] * (size_t)a->rank) == 0;
}

// Plans an operator of the core: what it gives is what the file says that it gives.
static bool plan_core(packed_network* n, step* s, const tflite_operator* op, int data_inputs,
                      size_t* most_scratch, lce_reason* why) {
  lce_shape shapes[MOST_OPERANDS], output;
  size_t scratch;
  if (op->input_count < data_inputs) return lce_refuse(why, "an operator lacks an input");
  if (n->values[s->output].type == TENSOR_UINT8) {
    return lce_refuse(why, "an operator's output has another type than it gives");
  }
  for (int i = 0; i < data_inputs; ++i) {
    if (op->inputs[i] < 0 || n->values[op->inputs[i]].type == TENSOR_UINT8) {
      return lce_refuse(why, "an operator has no input that fits");
    }
    s->inputs[i] = op->inputs[i];
    shapes[i] = n->values[op->inputs[i]].shape;
  }
  s->input_count = data_inputs;
  if (!lce_operator_prepare(s->core, shapes, data_inputs, 1, &output, &scratch, why)) return false;
  if (!same_shape(&output, &n->values[s->output].shape)) {
    return lce_refuse(why, "an operator's output has another shape than the file says");
  }
  if (scratch > *most_scratch) *most_scratch = scratch;
  return true;
}

// Whether b's shape is the end of a's, so that b is repeated along a.
static bool is_end_of(const lce_shape* b, const lce_shape* a) {
  if (b->rank > a->rank) return false;
  const int32_t* end = a->dims + (a->rank - b->rank);
  return memcmp(b->dims, end, sizeof end[0] * (size_t)b->rank) == 0;
}

static bool plan_slice(const tflite_file* file, const tflite_operator* op, const value* in,
                       const value* out, step* s) {
  const tflite_tensor* begin = input_of(file, op, 1);
  if (!is_constant(begin, TENSOR_INT32, 1) || begin->elements != 4 || in->shape.rank != 4 ||
      out->shape.rank != 4) {
    return false;
  }
  memcpy(s->begin, begin->constant, sizeof s->begin);
  for (int i = 0; i < 4; ++i) {
    if (s->begin[i] < 0 || s->begin[i] > in->shape.dims[i] - out->shape.dims[i]) return false;
  }
  return true;
}

// Plans one of the few operators around the packed ones, all of which give floats.
static bool plan_float(packed_network* n, const tflite_file* file, const tflite_operator* op,
                       step* s, lce_reason* why) {
  enum { ACTIVATION };
  int32_t activation;
  const value* out = &n->values[s->output];
  const int first = op->input_count > 0 ? op->inputs[0] : -1;
  const int second = op->input_count > 1 ? op->inputs[1] : -1;
  bool fits = first >= 0 && out->type == TENSOR_FLOAT32;
  s->inputs[0] = first;
  s->inputs[1] = second;
  s->input_count = 1;
  if (fits) {
    const value* in = &n->values[first];
    const bool floats = in->type == TENSOR_FLOAT32;
    switch (s->code) {
      case OPERATOR_CAST:
        fits = in->type == TENSOR_UINT8 && in->elements == out->elements;
        break;
      case OPERATOR_RESHAPE:
        fits = floats && in->elements == out->elements;
        break;
      case OPERATOR_SUM: {  // over the first dimension
        const tflite_tensor* axes = input_of(file, op, 1);
        fits = floats && is_constant(axes, TENSOR_INT32, 1) && axes->elements == 1 &&
               *(const int32_t*)axes->constant == 0 && in->shape.rank >= 1 &&
               in->elements == out->elements * (size_t)in->shape.dims[0];
        break;
      }
      case OPERATOR_SLICE:
        fits = floats && plan_slice(file, op, in, out, s);
        break;
      case OPERATOR_ADD:
      case OPERATOR_SUB:
      case OPERATOR_MUL:
        fits = floats && second >= 0 && n->values[second].type == TENSOR_FLOAT32 &&
               in->elements == out->elements && is_end_of(&n->values[second].shape, &in->shape) &&
               tflite_option(file, op, ACTIVATION, 1, 0, &activation) && activation == 0;
        s->input_count = 2;
        break;
      default:
        fits = false;
    }
  }
  return fits || lce_refuse(why, "operator %d is not of the kind that packed networks have", (int)op->code);
}

// Plans the `index`th operator; returns how many that were, or 0 with the reason.
static int plan(packed_network* n, const tflite_file* file, int index, const lce_kernel* kernel,
                size_t* scratch, lce_reason* why) {
  const tflite_operator* op = &file->operators[index];
  step* s = &n->steps[n->step_count++];
  *s = (step){.code = OPERATOR_CUSTOM, .output = op->output};
  int operators = 1, data_inputs = 1;
  if (op->code == OPERATOR_CONV_2D) {
    const tflite_operator* next = index + 1 < file->operator_count ? op + 1 : NULL;
    const bool packs = next != NULL && tflite_is_custom(next, "LceQuantize") &&
                       next->input_count == 1 && next->inputs[0] == op->output;
    if (packs) {
      s->output = next->output;
      operators = 2;
    }
    s->core = make_sign_conv2d(file, op, packs ? LCE_BITS : LCE_FLOAT32, kernel, why);
  } else if (op->code == OPERATOR_CONCATENATION) {
    // Of packed words or of floats: four bytes each.
    data_inputs = op->input_count;
    s->core = make_concatenation(file, op, why);
  } else if (tflite_is_custom(op, "LceBconv2d")) {
    s->core = make_bconv2d(file, op, kernel, why);
  } else if (tflite_is_custom(op, "LceBMaxPool2d")) {
    s->core = make_max_pool(op, why);
  } else if (tflite_is_custom(op, "LceQuantize")) {
    s->core = lce_quantize_create(LCE_FLOAT32, 0, kernel, why);
  } else {
    s->code = (operator_code)op->code;
    return plan_float(n, file, op, s, why) ? operators : 0;
  }
  if (s->core == NULL) return 0;
  return plan_core(n, s, op, data_inputs, scratch, why) ? operators : 0;
}

// Bytes that all tensors of a network may take together; a packed network of fer_larq takes 3 MB.
// The fuzzer, which is to finish its runs, sets a smaller number.
#ifndef MOST_BYTES
#define MOST_BYTES ((size_t)1 << 28)
#endif

// Memory for the tensors, with the constants in place.
static bool make_values(packed_network* n, const tflite_file* file, lce_reason* why) {
  size_t left = MOST_BYTES;
  for (int i = 0; i < file->tensor_count; ++i) {
    const tflite_tensor* tensor = &file->tensors[i];
    value* v = &n->values[i];
    *v = (value){tensor->shape, tensor->elements, tensor->type, NULL};
    // The filters and thresholds live on in the operators.
    if (tensor->constant != NULL && tensor->type == TENSOR_INT32) continue;
    const size_t bytes = tensor->elements * (tensor->type == TENSOR_UINT8 ? 1 : 4);
    if (bytes > left) return lce_refuse(why, "the network needs more memory than it may have");
    left -= bytes;
    v->data = calloc(1, bytes);
    if (v->data == NULL) return lce_refuse(why, "there is not enough memory");
    if (tensor->constant != NULL) memcpy(v->data, tensor->constant, bytes);
  }
  return true;
}

static bool build(packed_network* n, const tflite_file* file, lce_reason* why) {
  const lce_kernel* kernel = lce_find_kernel(NULL);
  size_t scratch = 0;
  if (!make_values(n, file, why)) return false;
  n->input = file->input;
  n->output = file->output;
  for (int i = 0; i < file->operator_count;) {
    const int planned = plan(n, file, i, kernel, &scratch, why);
    if (planned == 0) return false;
    i += planned;
  }
  for (int i = 0; i < n->step_count; ++i) {
    const step* s = &n->steps[i];
    for (int k = 0; k < s->input_count; ++k) {
      if (n->values[s->inputs[k]].data == NULL || s->inputs[k] == s->output) {
        return lce_refuse(why, "an operator has no input that fits");
      }
    }
    if (n->values[s->output].data == NULL) return lce_refuse(why, "an operator has no output that fits");
  }
  if (n->values[n->input].type != TENSOR_UINT8 || n->values[n->output].type != TENSOR_FLOAT32) {
    return lce_refuse(why, "the network does not take bytes and give floats");
  }
  n->scratch = malloc(scratch == 0 ? 1 : scratch);
  return n->scratch != NULL || lce_refuse(why, "there is not enough memory");
}

packed_network* packed_network_open(const uint8_t* model, size_t size, lce_reason* why) {
  tflite_file* file = malloc(sizeof *file);
  packed_network* network = calloc(1, sizeof *network);
  bool made = false;
  if (file == NULL || network == NULL) {
    lce_refuse(why, "there is not enough memory");
  } else {
    made = tflite_file_read(file, model, size, why) && build(network, file, why);
  }
  free(file);
  if (made) return network;
  packed_network_close(network);
  return NULL;
}

size_t packed_network_input_size(const packed_network* n) { return n->values[n->input].elements; }

size_t packed_network_output_size(const packed_network* n) { return n->values[n->output].elements; }

// ---- Running.

static void run_slice(const step* s, const value* in, value* out) {
  const int32_t *from = in->shape.dims, *to = out->shape.dims;
  const float* source = in->data;
  float* target = out->data;
  for (int32_t b = 0; b < to[0]; ++b) {
    for (int32_t y = 0; y < to[1]; ++y) {
      for (int32_t x = 0; x < to[2]; ++x) {
        const size_t pixel = ((size_t)(b + s->begin[0]) * (size_t)from[1] + (size_t)(y + s->begin[1])) *
                                 (size_t)from[2] + (size_t)(x + s->begin[2]);
        memcpy(target, source + pixel * (size_t)from[3] + s->begin[3], sizeof *target * (size_t)to[3]);
        target += to[3];
      }
    }
  }
}

static void run_float(packed_network* n, const step* s) {
  const value* in = &n->values[s->inputs[0]];
  value* out = &n->values[s->output];
  const float* a = in->data;
  float* result = out->data;
  const value* second = s->input_count > 1 ? &n->values[s->inputs[1]] : NULL;
  switch (s->code) {
    case OPERATOR_CAST:
      for (size_t i = 0; i < out->elements; ++i) result[i] = ((const uint8_t*)in->data)[i];
      break;
    case OPERATOR_RESHAPE:
      memcpy(result, a, sizeof *a * out->elements);
      break;
    case OPERATOR_SUM:
      memset(result, 0, sizeof *result * out->elements);
      for (size_t i = 0; i < in->elements; ++i) result[i % out->elements] += a[i];
      break;
    case OPERATOR_SLICE:
      run_slice(s, in, out);
      break;
    default: {
      const float* b = second->data;
      for (size_t i = 0; i < out->elements; ++i) {
        const float other = b[i % second->elements];
        result[i] = s->code == OPERATOR_ADD   ? a[i] + other
                    : s->code == OPERATOR_SUB ? a[i] - other
                                              : a[i] * other;
      }
    }
  }
}

void packed_network_run(packed_network* n, const uint8_t* input, float* output) {
  memcpy(n->values[n->input].data, input, n->values[n->input].elements);
  for (int i = 0; i < n->step_count; ++i) {
    const step* s = &n->steps[i];
    if (s->core == NULL) {
      run_float(n, s);
      continue;
    }
    const void* inputs[MOST_OPERANDS];
    for (int k = 0; k < s->input_count; ++k) inputs[k] = n->values[s->inputs[k]].data;
    lce_operator_run(s->core, inputs, n->values[s->output].data, 0, n->scratch, NULL);
  }
  const value* scores = &n->values[n->output];
  memcpy(output, scores->data, sizeof *output * scores->elements);
}

void packed_network_close(packed_network* network) {
  if (network == NULL) return;
  for (int i = 0; i < MOST_TENSORS; ++i) free(network->values[i].data);
  for (int i = 0; i < network->step_count; ++i) lce_operator_delete(network->steps[i].core);
  free(network->scratch);
  free(network);
}
