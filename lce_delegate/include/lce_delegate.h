// lce_delegate: runs the operators of Larq Compute Engine (LceQuantize, LceDequantize, LceBconv2d,
// LceBMaxPool2d) on a stock TensorFlow Lite or LiteRT runtime.
//
//   C:      TfLiteInterpreterOptionsAddDelegate(options, LceDelegateCreate(NULL, NULL));
//   Python: tflite.load_delegate("liblce_delegate.so", {"num_threads": 2})
#ifndef LCE_DELEGATE_H_
#define LCE_DELEGATE_H_

#ifdef __cplusplus
extern "C" {
#endif

#include <stddef.h>

#if defined(_WIN32)
#define LCE_EXPORT __declspec(dllexport)
#else
#define LCE_EXPORT __attribute__((visibility("default")))
#endif

struct TfLiteDelegate;

typedef struct {
  // Threads that share a convolution, 1 to 64; 0 takes the number that the interpreter was given.
  int num_threads;
  // Name of a set of kernels ("portable", "avx2", "avx512", "neon"); NULL takes the fastest that
  // this processor runs.
  const char* kernel;
} LceDelegateOptions;

// The options that a NULL stands for: {0, NULL}.
LCE_EXPORT LceDelegateOptions LceDelegateOptionsDefault(void);

// Returns a delegate, or NULL if an option is out of range or memory is short; `report`, if not
// NULL, is then called with one line that says why. The delegate must outlive its interpreters.
LCE_EXPORT struct TfLiteDelegate* LceDelegateCreate(const LceDelegateOptions* options,
                                                    void (*report)(const char* message));

LCE_EXPORT void LceDelegateDelete(struct TfLiteDelegate* delegate);

// Name of the kernels that a delegate runs, for example "avx2".
LCE_EXPORT const char* LceDelegateKernel(const struct TfLiteDelegate* delegate);

// The `index`th set of kernels that this processor can run, best first; NULL past the last.
LCE_EXPORT const char* LceKernelName(int index);

// The entry points of TensorFlow Lite's external delegates; keys are "num_threads" and "kernel".
LCE_EXPORT struct TfLiteDelegate* tflite_plugin_create_delegate(char** keys, char** values,
                                                                size_t count,
                                                                void (*report)(const char*));
LCE_EXPORT void tflite_plugin_destroy_delegate(struct TfLiteDelegate* delegate);

#ifdef __cplusplus
}
#endif

#endif  // LCE_DELEGATE_H_
