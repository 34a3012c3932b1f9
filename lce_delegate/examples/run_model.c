// Runs a model of Larq Compute Engine once on a stock TensorFlow Lite, through its C interface:
//
//   run_model MODEL.tflite <input >output      both as raw bytes, of the first tensor
#include <stdio.h>

#include "lce_delegate.h"
#include "tensorflow/lite/c/c_api.h"

static void report(void* to, const char* message) { fprintf(to, "%s\n", message); }

static int fail(const char* what) {
  fprintf(stderr, "error: %s\n", what);
  return 2;
}

int main(int argc, char** argv) {
  if (argc != 2) return fail("usage: run_model MODEL.tflite <input >output");
  TfLiteModel* model = TfLiteModelCreateFromFile(argv[1]);
  if (model == NULL) return fail("the model cannot be read");

  LceDelegateOptions delegate_options = LceDelegateOptionsDefault();
  delegate_options.num_threads = 2;
  TfLiteDelegate* delegate = LceDelegateCreate(&delegate_options, report, stderr);
  if (delegate == NULL) return fail("no delegate");

  TfLiteInterpreterOptions* options = TfLiteInterpreterOptionsCreate();
  TfLiteInterpreterOptionsAddDelegate(options, delegate);
  TfLiteInterpreter* interpreter = TfLiteInterpreterCreate(model, options);
  if (interpreter == NULL || TfLiteInterpreterAllocateTensors(interpreter) != kTfLiteOk) {
    return fail("the runtime refuses the model");
  }

  TfLiteTensor* input = TfLiteInterpreterGetInputTensor(interpreter, 0);
  const size_t wanted = TfLiteTensorByteSize(input);
  if (fread(TfLiteTensorData(input), 1, wanted, stdin) != wanted) return fail("the input is too short");
  if (TfLiteInterpreterInvoke(interpreter) != kTfLiteOk) return fail("the model fails");
  const TfLiteTensor* output = TfLiteInterpreterGetOutputTensor(interpreter, 0);
  fwrite(TfLiteTensorData(output), 1, TfLiteTensorByteSize(output), stdout);

  TfLiteInterpreterDelete(interpreter);  // before the delegate that it uses
  TfLiteInterpreterOptionsDelete(options);
  LceDelegateDelete(delegate);
  TfLiteModelDelete(model);
  return 0;
}
