// Operators of a .tflite file that lce_core runs.
#ifndef CORE_OPERATORS_H_
#define CORE_OPERATORS_H_

#include "lce_core.h"
#include "tflite_file.h"

// The `i`th input; NULL if there is none.
const tflite_tensor* input_of(const tflite_file* file, const tflite_operator* op, int i);

bool is_constant(const tflite_tensor* tensor, tensor_type type, int rank);

// These return NULL, with the reason, if the operator is damaged or of a kind that is unknown here.
lce_operator* make_bconv2d(const tflite_file* file, const tflite_operator* op,
                           const lce_kernel* kernel, lce_reason* why);
lce_operator* make_sign_conv2d(const tflite_file* file, const tflite_operator* op, lce_type output,
                               const lce_kernel* kernel, lce_reason* why);
lce_operator* make_max_pool(const tflite_operator* op, lce_reason* why);
lce_operator* make_concatenation(const tflite_file* file, const tflite_operator* op,
                                 lce_reason* why);

#endif  // CORE_OPERATORS_H_
