// lce_delegate: runs the operators of Larq Compute Engine (LceQuantize, LceDequantize, LceBconv2d,
// LceBMaxPool2d) on a stock TensorFlow Lite or LiteRT runtime.
//
//   C:      TfLiteInterpreterOptionsAddDelegate(options, LceDelegateCreate(NULL, NULL, NULL));
//   Python: tflite.load_delegate("liblce_delegate.so", {"num_threads": 2})
#ifndef LCE_DELEGATE_H_
#define LCE_DELEGATE_H_

#include <stddef.h>

#define LCE_DELEGATE_VERSION_MAJOR 0
#define LCE_DELEGATE_VERSION_MINOR 2
#define LCE_DELEGATE_VERSION_PATCH 0
#define LCE_DELEGATE_VERSION "0.2.0"

// LCE_DELEGATE_BUILD is defined while the shared library is built, LCE_DELEGATE_STATIC by whoever
// links it statically.
#if defined(LCE_DELEGATE_STATIC)
#define LCE_EXPORT
#elif !defined(_WIN32)
#define LCE_EXPORT __attribute__((visibility("default")))
#elif defined(LCE_DELEGATE_BUILD)
#define LCE_EXPORT __declspec(dllexport)
#else
#define LCE_EXPORT __declspec(dllimport)
#endif

#ifdef __cplusplus
extern "C" {
#endif

struct TfLiteDelegate;

typedef struct {
  // sizeof(LceDelegateOptions), as LceDelegateOptionsDefault sets it: later versions have more members.
  size_t size;
  // Threads that share a convolution, 1 to 64; 0 takes the number that the interpreter was given.
  int num_threads;
  // Name of a set of kernels ("portable", "popcnt", "avx2", "avx512", "amx", "neon", "sme2"); NULL takes
  // the fastest that this processor runs, "sme2" excepted, which nobody has measured.
  const char* kernel;
} LceDelegateOptions;

// The options that a NULL stands for.
LCE_EXPORT LceDelegateOptions LceDelegateOptionsDefault(void);

// Returns a delegate, or NULL if an option is out of range or memory is short; `report`, if not
// NULL, is then called with one line that says why. The delegate must outlive its interpreters, which
// may share it, also on several threads.
LCE_EXPORT struct TfLiteDelegate* LceDelegateCreate(const LceDelegateOptions* options,
                                                    void (*report)(void* user_data,
                                                                   const char* message),
                                                    void* user_data);

LCE_EXPORT void LceDelegateDelete(struct TfLiteDelegate* delegate);

// Name of the kernels that a delegate runs, for example "avx2"; NULL for NULL.
LCE_EXPORT const char* LceDelegateKernel(const struct TfLiteDelegate* delegate);

// The version of the library that runs, LCE_DELEGATE_VERSION of its header.
LCE_EXPORT const char* LceDelegateVersion(void);

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
