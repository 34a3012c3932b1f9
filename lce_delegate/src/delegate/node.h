// A node of the runtime's graph, and what is read from it: tensors, constants, options.
#ifndef LCE_DELEGATE_NODE_H_
#define LCE_DELEGATE_NODE_H_

#include "operator.h"
#include "tflite_abi.h"

typedef struct {
  TfLiteContext* context;
  const TfLiteNode* node;
  bool packs;  // CONV_2D: the LceQuantize that follows is done with it
} lce_node;

// What the delegate knows of a kind of node.
typedef struct {
  const char* name;
  int builtin_code;  // of a built-in operator; else -1: a custom one of that name
  int data_inputs;   // leading inputs that are computed, the rest being constants; 0: all of them
  // Makes an operator. With `op` NULL it only checks.
  bool (*read)(const lce_node* node, const lce_kernel* kernel, lce_operator** op, lce_reason* why);
} lce_node_type;

extern const lce_node_type lce_node_quantize, lce_node_dequantize, lce_node_bconv2d,
    lce_node_max_pool2d, lce_node_conv2d, lce_node_concatenation, lce_node_reshape;

// The kind of a node; NULL if it is none of the above.
const lce_node_type* lce_node_type_of(const TfLiteRegistration* registration);

// The tensor of a node's input or output; NULL where an optional input is left out or the index is
// out of range.
const TfLiteTensor* lce_input(const lce_node* node, int i);
const TfLiteTensor* lce_output(const lce_node* node, int i);
int lce_input_count(const lce_node* node);

// The number of inputs and outputs must be as given.
bool lce_check_arity(const lce_node* node, int inputs, int outputs, lce_reason* why);

// The dimensions of a tensor, if they are valid as lce_check_shape says.
bool lce_shape_of(const TfLiteTensor* tensor, lce_shape* shape, const char* what, lce_reason* why);

// A constant of the model, of the given type and rank, that has as many bytes as its shape needs.
bool lce_constant(const TfLiteTensor* tensor, TfLiteType type, int rank, lce_shape* shape,
                  const char* what, lce_reason* why);

// A constant of one dimension, with a value for each of so many output channels.
bool lce_channel_constant(const TfLiteTensor* tensor, TfLiteType type, int32_t channels,
                          const char* what, const void** values, lce_reason* why);

// An option that must lie in [low, high].
bool lce_read_option(const lce_node* node, const char* key, int32_t low, int32_t high,
                     int32_t* value, lce_reason* why);

// The type of unpacked values.
bool lce_real_type(TfLiteType type, const char* what, lce_type* real, lce_reason* why);
// Bits are int32 for the runtime.
bool lce_check_packed(const TfLiteTensor* tensor, const char* what, lce_reason* why);

size_t lce_tensor_type_size(TfLiteType type);  // bytes; 0 for types that are not dealt with
const char* lce_tensor_type_name(TfLiteType type);

#endif  // LCE_DELEGATE_NODE_H_
