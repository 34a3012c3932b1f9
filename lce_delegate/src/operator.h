// One operator of a model, as the delegate sees it: what it is made from, what shape it gives, and
// how it is run. Each operator type lives in a file of its own.
#ifndef LCE_DELEGATE_OPERATOR_H_
#define LCE_DELEGATE_OPERATOR_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/kernel.h"
#include "tflite_abi.h"
#include "thread_pool.h"

enum {
  LCE_MAX_RANK = 8,
  LCE_MAX_INPUTS = 64,
  LCE_MAX_ELEMENTS = 1 << 29,  // of a tensor: 2 GiB in words
};

typedef struct {
  int rank;
  int32_t dims[LCE_MAX_RANK];  // all at least 1
} lce_shape;

// Why something is refused, in words.
typedef struct {
  char text[256];
} lce_reason;

// Fills in the reason and returns false, so that it can end a check: `return lce_refuse(...)`.
bool lce_refuse(lce_reason* reason, const char* format, ...)
    __attribute__((format(printf, 2, 3)));

// A node of the runtime's graph while an operator is made from it.
typedef struct {
  TfLiteContext* context;
  const TfLiteNode* node;
} lce_node;

typedef struct lce_operator lce_operator;

typedef struct {
  const char* name;
  int data_inputs;  // leading inputs that are computed, the rest being constants; 0: all of them

  // Reads options and constants and allocates `state`. With `kernel` NULL it only checks.
  bool (*init)(lce_operator* op, const lce_node* node, const lce_kernel* kernel, lce_reason* why);
  // Works out the output's shape and the scratch memory needed, from the shapes of the data inputs.
  bool (*prepare)(lce_operator* op, const lce_shape* const* inputs, lce_shape* output,
                  size_t* scratch_bytes, lce_reason* why);
  // Never fails: all that can go wrong was found by `prepare`.
  void (*invoke)(const lce_operator* op, const void* const* inputs, void* output, void* scratch,
                 lce_thread_pool* pool);
  void (*destroy)(lce_operator* op);  // NULL: free(state)
} lce_operator_type;

struct lce_operator {
  const lce_operator_type* type;
  int input_count;  // data inputs
  int inputs[LCE_MAX_INPUTS];  // indices of tensors
  int output;
  TfLiteType output_type;
  void* state;  // of the type's own making, from malloc
};

extern const lce_operator_type lce_quantize_type;
extern const lce_operator_type lce_dequantize_type;
extern const lce_operator_type lce_bconv2d_type;
extern const lce_operator_type lce_bmaxpool2d_type;
extern const lce_operator_type lce_concatenation_type;
extern const lce_operator_type lce_reshape_type;

// ---- Helpers that operator types share.

// Words that pack `channels` bits.
static inline int32_t lce_words(int32_t channels) { return channels / 32 + (channels % 32 != 0); }

// The tensor of a node's input or output; NULL where an optional input is left out or the index is
// out of range.
const TfLiteTensor* lce_input(const lce_node* node, int i);
const TfLiteTensor* lce_output(const lce_node* node, int i);

// The number of inputs and outputs must be as given.
bool lce_check_arity(const lce_node* node, int inputs, int outputs, lce_reason* why);

// The dimensions of a tensor, if all are at least 1, they are at most LCE_MAX_RANK, and their
// product is below LCE_MAX_ELEMENTS.
bool lce_shape_of(const TfLiteTensor* tensor, lce_shape* shape, const char* what, lce_reason* why);
bool lce_check_shape(const lce_shape* shape, const char* what, lce_reason* why);
size_t lce_elements(const lce_shape* shape);

// A constant of the model, of the given type and rank, that has as many bytes as its shape needs.
bool lce_constant(const TfLiteTensor* tensor, TfLiteType type, int rank, lce_shape* shape,
                  const char* what, lce_reason* why);

// An option that must lie in [low, high].
bool lce_read_option(const lce_node* node, const char* key, int32_t low, int32_t high,
                     int32_t* value, lce_reason* why);

size_t lce_type_size(TfLiteType type);  // bytes; 0 for types that are not dealt with
const char* lce_type_name(TfLiteType type);

// Memory aligned for every kernel; NULL if there is none. Freed with free().
void* lce_allocate(size_t bytes);

// A window that moves over height or width, as in TensorFlow Lite: `padding` 0 is SAME, 1 is VALID.
typedef struct {
  int32_t filter, stride, dilation;
  int32_t input, output, before;  // sizes, and how far the first window sticks out
} lce_axis;

enum { LCE_PADDING_SAME = 0, LCE_PADDING_VALID = 1 };

// Works out `output` and `before` from the rest.
bool lce_prepare_axis(lce_axis* axis, int32_t padding, const char* what, lce_reason* why);

// Positions that a window spans.
static inline int64_t lce_window_span(const lce_axis* axis) {
  return (int64_t)(axis->filter - 1) * axis->dilation + 1;
}

#endif  // LCE_DELEGATE_OPERATOR_H_
