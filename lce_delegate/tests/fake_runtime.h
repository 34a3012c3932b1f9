// As much of TensorFlow Lite as a delegate meets, for tests, fuzzing and the benchmark: a graph that
// is built by hand, whose tensors have memory of exactly their size, so that AddressSanitizer sees
// every step beyond it.
#ifndef LCE_DELEGATE_TESTS_FAKE_RUNTIME_H_
#define LCE_DELEGATE_TESTS_FAKE_RUNTIME_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tflite_abi.h"

enum { FAKE_MAX_TENSORS = 48, FAKE_MAX_NODES = 12, FAKE_MAX_INPUTS = 6, FAKE_MAX_RANK = 9 };

typedef struct {
  const char* key;  // keys of one map in ascending order
  int32_t value;
} fake_option;

typedef struct fake_runtime fake_runtime;

fake_runtime* fake_create(void);
void fake_delete(fake_runtime* runtime);

// Adds a tensor and returns its index. `constant` is copied; NULL makes a computed tensor, whose
// memory follows its shape.
int fake_tensor(fake_runtime* runtime, TfLiteType type, int rank, const int* dims,
                const void* constant);
// Gives a computed tensor another shape, as a resized input has; then prepare again.
void fake_resize(fake_runtime* runtime, int tensor, int rank, const int* dims);
TfLiteTensor* fake_tensor_at(fake_runtime* runtime, int index);
void fake_quantize(fake_runtime* runtime, int tensor, float scale, int zero_point);

// Adds a node with one output; options are copied.
void fake_custom(fake_runtime* runtime, const char* name, int inputs, const int* input_tensors,
                 int output, const fake_option* options, int option_count);
void fake_custom_bytes(fake_runtime* runtime, const char* name, int inputs,
                       const int* input_tensors, int output, const uint8_t* options, size_t size);
void fake_builtin(fake_runtime* runtime, int code, int inputs, const int* input_tensors, int output,
                  void* parameters);
// The tensor is read from outside, as a graph's output is.
void fake_read_outside(fake_runtime* runtime, int tensor);

// From now on the runtime shows its tensors as another version might that has members of so many more
// bytes in each (at most 16).
void fake_other_layout(fake_runtime* runtime, int more_bytes);

// Writes a FlexBuffer map of integers, as LCE's converter does, and returns its size.
size_t fake_options(const fake_option* options, int count, uint8_t* bytes, size_t capacity);

// The steps of an interpreter. `fake_apply` returns the number of nodes that the delegate claimed,
// -1 on an error. Each claimed run of neighbouring nodes becomes a partition.
int fake_apply(fake_runtime* runtime, TfLiteDelegate* delegate);
bool fake_prepare(fake_runtime* runtime);
bool fake_invoke(fake_runtime* runtime);
// All that was reported, one message a line.
const char* fake_messages(const fake_runtime* runtime);

#endif  // LCE_DELEGATE_TESTS_FAKE_RUNTIME_H_
