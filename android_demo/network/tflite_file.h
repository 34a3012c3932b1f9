// Reads the main graph of a .tflite file, a FlatBuffer, whatever its bytes hold: nothing outside
// them is touched.
#ifndef TFLITE_FILE_H_
#define TFLITE_FILE_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lce_core.h"

enum { MOST_TENSORS = 512, MOST_OPERATORS = 256, MOST_OPERANDS = 16 };

typedef enum { TENSOR_FLOAT32 = 0, TENSOR_INT32 = 2, TENSOR_UINT8 = 3 } tensor_type;

typedef struct {
  lce_shape shape;
  size_t elements;
  tensor_type type;
  const void* constant;  // its elements; NULL if it is computed
} tflite_tensor;

typedef enum {
  OPERATOR_ADD = 0,
  OPERATOR_CONCATENATION = 2,
  OPERATOR_CONV_2D = 3,
  OPERATOR_MUL = 18,
  OPERATOR_RESHAPE = 22,
  OPERATOR_CUSTOM = 32,
  OPERATOR_SUB = 41,
  OPERATOR_CAST = 53,
  OPERATOR_SLICE = 65,
  OPERATOR_SUM = 74,
} operator_code;

typedef struct {
  int32_t code;  // an operator_code, or one that is unknown here
  const char* name;  // of a custom operator, with `name_length` characters
  size_t name_length;
  int32_t inputs[MOST_OPERANDS];  // indices of tensors, -1 for one that is absent
  int input_count;
  int32_t output;
  size_t options;  // position of the table of a built-in operator's options; 0 if it has none
  const uint8_t* custom_options;
  size_t custom_options_size;
} tflite_operator;

typedef struct {
  const uint8_t* bytes;
  size_t size;
  tflite_tensor tensors[MOST_TENSORS];
  int tensor_count;
  tflite_operator operators[MOST_OPERATORS];
  int operator_count;
  int32_t input, output;  // there is one of each
} tflite_file;

// False, with the reason, if the file is damaged or larger than what is provided for here.
bool tflite_file_read(tflite_file* file, const uint8_t* bytes, size_t size, lce_reason* why);

// A number among the options of a built-in operator, of `width` bytes.
bool tflite_option(const tflite_file* file, const tflite_operator* op, int field, int width,
                   int32_t fallback, int32_t* value);

bool tflite_is_custom(const tflite_operator* op, const char* name);

#endif  // TFLITE_FILE_H_
