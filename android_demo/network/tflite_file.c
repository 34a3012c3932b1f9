#include "tflite_file.h"

#include <string.h>

#include "operator.h"

// FlatBuffers: a table begins with the distance back to its vtable, which has the table's fields'
// positions. Offsets lead forward; a vector begins with its length.

// Fields of the tables, in the order of TensorFlow Lite's schema.
enum { MODEL_CODES = 1, MODEL_GRAPHS = 2, MODEL_BUFFERS = 4 };
enum { CODE_OLD_BUILTIN = 0, CODE_CUSTOM = 1, CODE_BUILTIN = 3 };
enum { GRAPH_TENSORS = 0, GRAPH_INPUTS = 1, GRAPH_OUTPUTS = 2, GRAPH_OPERATORS = 3 };
enum { TENSOR_SHAPE = 0, TENSOR_TYPE = 1, TENSOR_BUFFER = 2 };
enum { OP_CODE = 0, OP_INPUTS = 1, OP_OUTPUTS = 2, OP_OPTIONS = 4, OP_CUSTOM = 5 };
enum { BUFFER_DATA = 0 };

static bool inside(const tflite_file* f, size_t position, size_t length) {
  return position <= f->size && length <= f->size - position;
}

// A little-endian integer of 1, 2 or 4 bytes, with a sign.
static bool read_integer(const tflite_file* f, size_t position, int width, int32_t* value) {
  if (!inside(f, position, (size_t)width)) return false;
  uint32_t bits = 0;
  for (int i = 0; i < width; ++i) bits |= (uint32_t)f->bytes[position + (size_t)i] << (8 * i);
  const uint32_t sign = (uint32_t)1 << (8 * width - 1);
  *value = (int32_t)((bits ^ sign) - sign);
  return true;
}

static bool follow(const tflite_file* f, size_t position, size_t* target) {
  int32_t distance;
  if (!read_integer(f, position, 4, &distance) || distance <= 0) return false;
  *target = position + (size_t)distance;
  return inside(f, *target, 4);
}

// Position of a table's field; 0 if the table does not have it. False if the table is damaged.
static bool find_field(const tflite_file* f, size_t table, int field, size_t* position) {
  int32_t back, size, offset;
  *position = 0;
  if (!read_integer(f, table, 4, &back)) return false;
  const int64_t vtable = (int64_t)table - back;
  if (vtable < 0 || !inside(f, (size_t)vtable, 4)) return false;
  if (!read_integer(f, (size_t)vtable, 2, &size)) return false;
  const int at = 4 + 2 * field;
  if (at + 2 > (size & 0xffff)) return true;
  if (!read_integer(f, (size_t)vtable + (size_t)at, 2, &offset)) return false;
  if (offset != 0) *position = table + (size_t)(offset & 0xffff);
  return true;
}

static bool read_field(const tflite_file* f, size_t table, int field, int width, int32_t fallback,
                       int32_t* value) {
  size_t position;
  *value = fallback;
  if (!find_field(f, table, field, &position)) return false;
  return position == 0 || read_integer(f, position, width, value);
}

typedef struct {
  size_t start;
  int32_t count;
} vector;

// A vector of elements of `width` bytes; an empty one if the table has none.
static bool read_vector(const tflite_file* f, size_t table, int field, int width, vector* v) {
  size_t position, start;
  *v = (vector){0, 0};
  if (!find_field(f, table, field, &position)) return false;
  if (position == 0) return true;
  if (!follow(f, position, &start) || !read_integer(f, start, 4, &v->count)) return false;
  v->start = start + 4;
  return v->count >= 0 && inside(f, v->start, (size_t)v->count * (size_t)width);
}

static bool read_indices(const tflite_file* f, size_t table, int field, int most, int32_t* indices,
                         int* count) {
  vector v;
  if (!read_vector(f, table, field, 4, &v) || v.count > most) return false;
  for (int i = 0; i < v.count; ++i) {
    if (!read_integer(f, v.start + 4 * (size_t)i, 4, &indices[i])) return false;
    if (indices[i] < -1 || indices[i] >= f->tensor_count) return false;
  }
  *count = v.count;
  return true;
}

static size_t bytes_of(tensor_type type) { return type == TENSOR_UINT8 ? 1 : 4; }

static bool read_tensor(const tflite_file* f, size_t table, const vector* buffers,
                        tflite_tensor* tensor) {
  vector shape;
  int32_t type, buffer;
  if (!read_vector(f, table, TENSOR_SHAPE, 4, &shape) || shape.count > LCE_MAX_RANK) return false;
  tensor->shape.rank = shape.count;
  tensor->elements = 1;
  for (int i = 0; i < shape.count; ++i) {
    int32_t* dimension = &tensor->shape.dims[i];
    if (!read_integer(f, shape.start + 4 * (size_t)i, 4, dimension) || *dimension < 1) return false;
    if (tensor->elements > (size_t)LCE_MAX_ELEMENTS / (size_t)*dimension) return false;
    tensor->elements *= (size_t)*dimension;
  }
  if (!read_field(f, table, TENSOR_TYPE, 1, 0, &type)) return false;
  if (type != TENSOR_FLOAT32 && type != TENSOR_INT32 && type != TENSOR_UINT8) return false;
  tensor->type = (tensor_type)type;

  size_t data_table;
  vector data;
  if (!read_field(f, table, TENSOR_BUFFER, 4, 0, &buffer) || buffer < 0 ||
      buffer >= buffers->count || !follow(f, buffers->start + 4 * (size_t)buffer, &data_table) ||
      !read_vector(f, data_table, BUFFER_DATA, 1, &data)) {
    return false;
  }
  tensor->constant = NULL;
  if (data.count == 0) return true;
  tensor->constant = f->bytes + data.start;
  return (uintptr_t)tensor->constant % 4 == 0 &&
         (size_t)data.count == tensor->elements * bytes_of(tensor->type);
}

static bool read_code(const tflite_file* f, size_t table, tflite_operator* op) {
  int32_t old;
  vector name;
  if (!read_field(f, table, CODE_OLD_BUILTIN, 1, 0, &old) ||
      !read_field(f, table, CODE_BUILTIN, 4, 0, &op->code) ||
      !read_vector(f, table, CODE_CUSTOM, 1, &name)) {
    return false;
  }
  if (old > op->code) op->code = old;
  op->name = (const char*)f->bytes + name.start;
  op->name_length = (size_t)name.count;
  return true;
}

static bool read_operator(const tflite_file* f, size_t table, const vector* codes,
                          tflite_operator* op) {
  int32_t code;
  size_t code_table, position;
  vector custom;
  int outputs;
  int32_t output[1];
  if (!read_field(f, table, OP_CODE, 4, 0, &code) || code < 0 || code >= codes->count ||
      !follow(f, codes->start + 4 * (size_t)code, &code_table) || !read_code(f, code_table, op) ||
      !read_indices(f, table, OP_INPUTS, MOST_OPERANDS, op->inputs, &op->input_count) ||
      !read_indices(f, table, OP_OUTPUTS, 1, output, &outputs) || outputs != 1 || output[0] < 0 ||
      !find_field(f, table, OP_OPTIONS, &position) ||
      !read_vector(f, table, OP_CUSTOM, 1, &custom)) {
    return false;
  }
  op->output = output[0];
  op->options = 0;
  if (position != 0 && !follow(f, position, &op->options)) return false;
  op->custom_options = f->bytes + custom.start;
  op->custom_options_size = (size_t)custom.count;
  return true;
}

static bool read_graph(tflite_file* f, size_t graph, const vector* codes, const vector* buffers) {
  vector tensors, operators;
  size_t table;
  int inputs, outputs;
  if (!read_vector(f, graph, GRAPH_TENSORS, 4, &tensors) || tensors.count > MOST_TENSORS ||
      !read_vector(f, graph, GRAPH_OPERATORS, 4, &operators) || operators.count > MOST_OPERATORS) {
    return false;
  }
  for (int i = 0; i < tensors.count; ++i) {
    if (!follow(f, tensors.start + 4 * (size_t)i, &table) ||
        !read_tensor(f, table, buffers, &f->tensors[i])) {
      return false;
    }
  }
  f->tensor_count = tensors.count;
  for (int i = 0; i < operators.count; ++i) {
    if (!follow(f, operators.start + 4 * (size_t)i, &table) ||
        !read_operator(f, table, codes, &f->operators[i])) {
      return false;
    }
  }
  f->operator_count = operators.count;
  return read_indices(f, graph, GRAPH_INPUTS, 1, &f->input, &inputs) && inputs == 1 &&
         f->input >= 0 && read_indices(f, graph, GRAPH_OUTPUTS, 1, &f->output, &outputs) &&
         outputs == 1 && f->output >= 0;
}

bool tflite_file_read(tflite_file* file, const uint8_t* bytes, size_t size, lce_reason* why) {
  *file = (tflite_file){.bytes = bytes, .size = size};
  if (size < 8 || memcmp(bytes + 4, "TFL3", 4) != 0) return lce_refuse(why, "this is no .tflite file");
  if ((uintptr_t)bytes % 4 != 0) return lce_refuse(why, "the file does not lie at a multiple of 4 bytes");
  size_t model, graph;
  vector codes, graphs, buffers;
  if (!follow(file, 0, &model) || !read_vector(file, model, MODEL_CODES, 4, &codes) ||
      !read_vector(file, model, MODEL_GRAPHS, 4, &graphs) || graphs.count < 1 ||
      !read_vector(file, model, MODEL_BUFFERS, 4, &buffers) || !follow(file, graphs.start, &graph) ||
      !read_graph(file, graph, &codes, &buffers)) {
    return lce_refuse(why, "the .tflite file is damaged, or no packed network");
  }
  return true;
}

bool tflite_option(const tflite_file* file, const tflite_operator* op, int field, int width,
                   int32_t fallback, int32_t* value) {
  *value = fallback;
  return op->options == 0 || read_field(file, op->options, field, width, fallback, value);
}

bool tflite_is_custom(const tflite_operator* op, const char* name) {
  return op->code == OPERATOR_CUSTOM && strlen(name) == op->name_length &&
         memcmp(name, op->name, op->name_length) == 0;
}
