// What the operators of lce_core.h share. Each operator type lives in a file of its own, and begins
// its struct with an lce_operator.
#ifndef LCE_CORE_OPERATOR_H_
#define LCE_CORE_OPERATOR_H_

#include "kernels/kernel.h"
#include "lce_core.h"

typedef struct {
  const void* const* inputs;
  void* output;
  size_t pitch;  // as in lce_operator_run
  void* scratch;
  const lce_executor* executor;
} lce_run;

typedef struct {
  const char* name;
  // See lce_operator_prepare; there are `input_count` inputs of valid shapes.
  bool (*prepare)(lce_operator* op, const lce_shape* inputs, int input_count, int workers,
                  lce_shape* output, size_t* scratch_bytes, lce_reason* why);
  // Never fails: all that can go wrong was found by `prepare`.
  void (*run)(const lce_operator* op, const lce_run* run);
  void (*release)(lce_operator* op);  // what it holds beside its own struct; or NULL
} lce_operator_type;

struct lce_operator {
  const lce_operator_type* type;
};

// Makes an operator of a type whose struct has so many bytes: zeros, then a copy of `from` (a struct
// of the same type). NULL, with a reason, if memory is short.
void* lce_operator_new(const lce_operator_type* type, const void* from, size_t bytes,
                       lce_reason* why);

// Does the items of a job, by the executor or alone.
void lce_execute(const lce_executor* executor, lce_task task, void* job, size_t count);

// ---- Reasons.

// Fills in the reason and returns false, so that it can end a check: `return lce_refuse(...)`. Of
// printf's directives it knows %d, %zu, %lld and %s.
bool lce_refuse(lce_reason* reason, const char* format, ...) __attribute__((format(printf, 2, 3)));

// ---- Memory, aligned for every kernel. NULL if there is none.

void* lce_allocate(size_t bytes);
void* lce_allocate_zeros(size_t count, size_t size);
void lce_free(void* memory);  // or NULL

// ---- Shapes.

// All dimensions are at least 1 and their product is below LCE_MAX_ELEMENTS.
bool lce_check_shape(const lce_shape* shape, const char* what, lce_reason* why);
size_t lce_elements(const lce_shape* shape);
size_t lce_type_size(lce_type type);  // bytes
const char* lce_type_name(lce_type type);

// A window along height or width.
typedef struct {
  int32_t filter, stride, dilation;
  int32_t input, output, before;  // sizes, and how far the first window sticks out
} lce_axis;

// The axes of a window, still without sizes; false if a number is out of range.
bool lce_read_window(const lce_window2d* window, lce_axis* y, lce_axis* x, lce_reason* why);

// Works out `output` and `before` from the rest.
bool lce_prepare_axis(lce_axis* axis, lce_padding padding, const char* what, lce_reason* why);

// Positions that a window spans.
static inline int64_t lce_window_span(const lce_axis* axis) {
  return (int64_t)(axis->filter - 1) * axis->dilation + 1;
}

// The taps [*begin, *end) of window number `position` that lie inside the input.
void lce_taps_inside(const lce_axis* axis, int32_t position, int32_t* begin, int32_t* end);

// ---- Checks that need no kernel, so that an operator can be judged before it is made.

bool lce_bconv2d_check(const lce_bconv2d_attributes* attributes, lce_reason* why);
bool lce_sign_conv2d_check(const lce_sign_conv2d_attributes* attributes, lce_reason* why);

#endif  // LCE_CORE_OPERATOR_H_
