// lce_core: the operators of Larq Compute Engine on the caller's memory. No runtime, no threads, no
// files; of the C library only malloc, free, memcpy, memset and memcmp.
//
//   lce_reason why;                                        // says what was wrong, in one line
//   lce_operator* op = lce_bconv2d_create(&attributes, lce_find_kernel(NULL), &why);
//   lce_operator_prepare(op, &input_shape, 1, 1, &output_shape, &scratch_bytes, &why);
//   lce_operator_run(op, &input, output, 0, scratch, NULL);
//   lce_operator_delete(op);
//
// Activations are [batch][height][width][channels], weights [channels out][height][width][channels
// in of a group]. Bits are packed 32 to a word along the channels, the lowest first; bit 0 stands
// for +1, bit 1 for -1, and bits past the last channel are 0. The last dimension of a shape of bits
// counts words. An operator may be run by one thread at a time, different ones side by side.
#ifndef LCE_CORE_H_
#define LCE_CORE_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
  LCE_MAX_RANK = 8,
  LCE_MAX_INPUTS = 64,         // of a concatenation
  LCE_MAX_ELEMENTS = 1 << 29,  // of a tensor: 2 GiB in words
};

typedef enum { LCE_FLOAT32, LCE_INT8, LCE_BOOL, LCE_BITS } lce_type;

typedef struct {
  int rank;
  int32_t dims[LCE_MAX_RANK];  // all at least 1
} lce_shape;

// Why something is refused, in words.
typedef struct {
  char text[256];
} lce_reason;

// Words that pack `channels` bits.
static inline int32_t lce_words(int32_t channels) { return channels / 32 + (channels % 32 != 0); }

// ---- Kernels: the inner loops, one set for each instruction set.

typedef struct lce_kernel lce_kernel;

// The best set that this processor runs, or the one of that name ("avx512", "portable", ...); NULL
// if this build has none of that name or this processor cannot run it.
const lce_kernel* lce_find_kernel(const char* instruction_set);
const char* lce_kernel_name(const lce_kernel* kernel);

// ---- Operators. Each is made from its attributes, whose arrays are copied. The functions return
// NULL if an attribute is out of range or memory is short, and then fill in the reason.

typedef struct lce_operator lce_operator;

typedef enum { LCE_SAME = 0, LCE_VALID = 1 } lce_padding;
typedef enum { LCE_LINEAR = 0, LCE_RELU = 1, LCE_RELU_N1_TO_1 = 2, LCE_RELU6 = 3 } lce_activation;

// A window that moves over an image, as in TensorFlow Lite. All numbers are at least 1.
typedef struct {
  int32_t filter_height, filter_width;
  int32_t stride_height, stride_width;
  int32_t dilation_height, dilation_width;
  lce_padding padding;
} lce_window2d;

// Convolution of bits by bits. A dense layer is one with a window of the size of its input and
// LCE_VALID.
typedef struct {
  lce_window2d window;
  int32_t channels_in, channels_out;
  int32_t groups;  // 1; more divide channels_in into whole words
  int32_t pad_value;  // 1 or 0, outside the image
  const uint32_t* weights;
  lce_type output;  // LCE_BITS, LCE_FLOAT32 or LCE_INT8
  // LCE_BITS: bit c is 1 where more than thresholds[c] of the products are -1.
  const int32_t* thresholds;
  // Else: activation(sum of the products) * multiplier[c] + bias[c]; as int8 rounded to steps of
  // output_scale from output_zero_point.
  const float *multiplier, *bias;
  lce_activation activation;
  float output_scale;
  int32_t output_zero_point;
} lce_bconv2d_attributes;

lce_operator* lce_bconv2d_create(const lce_bconv2d_attributes* attributes,
                                 const lce_kernel* kernel, lce_reason* why);

// Convolution of one real channel, float32 [batch][height][width][1], by weights of -1 and +1, with
// zeros outside the image. As bits, bit c is 1 where the sum is below 0. Sums of whole numbers of at
// most 32767 / (height * width of the filter) in size are exact; all others are added in float32,
// the bias first and then tap by tap.
typedef struct {
  lce_window2d window;  // at most LCE_MAX_SIGN_TAPS taps
  int32_t channels_out;
  const float* weights;  // [channels_out][filter_height][filter_width]
  const float* bias;     // [channels_out], multiples of 2^-8 below 2^14 in size; NULL: zeros
  lce_type output;       // LCE_BITS or LCE_FLOAT32
} lce_sign_conv2d_attributes;

enum { LCE_MAX_SIGN_TAPS = 49 };

lce_operator* lce_sign_conv2d_create(const lce_sign_conv2d_attributes* attributes,
                                     const lce_kernel* kernel, lce_reason* why);

// The largest of the values in a window, of bits. Dilations must be 1.
lce_operator* lce_max_pool2d_create(const lce_window2d* window, lce_reason* why);

// Real values to bits: 1 where a float32 is below 0, an int8 below its zero point, a bool false.
lce_operator* lce_quantize_create(lce_type input, int32_t zero_point, const lce_kernel* kernel,
                                  lce_reason* why);

// Bits to real values of -1 and +1; int8: `zero_point` -+ 1 / `scale`; bool: false and true.
lce_operator* lce_dequantize_create(lce_type output, int32_t channels, float scale,
                                    int32_t zero_point, lce_reason* why);

// Bits, one behind the other along an axis (negative: from the last).
lce_operator* lce_concatenation_create(int32_t axis, lce_reason* why);

void lce_operator_delete(lce_operator* op);  // or NULL

// ---- Planning and running.

// Does the items [begin, end) of a job. No two calls at a time have the same `worker`.
typedef void (*lce_task)(void* job, int worker, size_t begin, size_t end);

// Shares a job among threads: `run` has the items [0, count) done by tasks, by workers below
// `workers`, and returns when all are done.
typedef struct {
  int workers;
  void (*run)(void* pool, lce_task task, void* job, size_t count);
  void* pool;
} lce_executor;

// Works out the shape of the output and the memory that a run needs beside it, from the shapes of
// the inputs and the number of workers. May be called again, for other shapes.
bool lce_operator_prepare(lce_operator* op, const lce_shape* inputs, int input_count, int workers,
                          lce_shape* output, size_t* scratch_bytes, lce_reason* why);

// Runs a prepared operator. Never fails. `pitch`: words from one pixel's output to the next, for an
// output of bits that is part of a wider one; 0 if it stands alone. An input of a concatenation that
// is NULL is left out: it is there already. `scratch` is aligned as malloc aligns. `executor` has as
// many workers as were prepared for; NULL: the caller works alone.
void lce_operator_run(const lce_operator* op, const void* const* inputs, void* output, size_t pitch,
                      void* scratch, const lce_executor* executor);

#ifdef __cplusplus
}
#endif

#endif  // LCE_CORE_H_
