// Whole models made from the fuzzer's bytes: good graphs with some of their parts changed. Whatever
// they hold, the delegate must refuse or run them without leaving its memory.
#include <stdlib.h>
#include <string.h>

#include "fake_runtime.h"
#include "lce_delegate.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

typedef struct {
  const uint8_t* data;
  size_t size, at;
} source;

static uint8_t next(source* from) { return from->at < from->size ? from->data[from->at++] : 0; }

// Mostly `usual`; sometimes another small number; rarely an extreme one.
static int choose(source* from, int usual) {
  static const int EXTREMES[] = {0, -1, -2147483647 - 1, 2147483647, 65536, 1 << 30, 1000, 31};
  const uint8_t kind = next(from);
  if (kind < 160) return usual;
  if (kind < 232) return next(from) % 9;
  if (kind < 244) return (int)((unsigned)usual + next(from) % 5 - 2u);
  return EXTREMES[next(from) % 8];
}

static TfLiteType choose_type(source* from, TfLiteType usual) {
  static const TfLiteType TYPES[] = {kTfLiteFloat32, kTfLiteInt32, kTfLiteInt8,
                                     kTfLiteBool,    kTfLiteUInt8, kTfLiteNoType};
  const uint8_t kind = next(from);
  return kind < 220 ? usual : TYPES[kind % 6];
}

enum { POOL_BYTES = 1 << 17 };
static uint8_t constants[POOL_BYTES];

static int add_tensor(source* from, fake_runtime* runtime, TfLiteType type, int rank,
                      const int* usual, bool constant) {
  int dims[FAKE_MAX_RANK] = {1};
  size_t elements = 1;
  const int usual_rank = rank;
  const uint8_t kind = next(from);
  if (kind > 245) rank = next(from) % (FAKE_MAX_RANK + 1);
  for (int i = 0; i < rank; ++i) {
    dims[i] = choose(from, i < usual_rank ? usual[i] : 1);
    elements *= dims[i] > 0 && dims[i] < 4096 ? (size_t)dims[i] : 1;
  }
  if (next(from) > 230) constant = !constant;
  const int index = fake_tensor(runtime, choose_type(from, type), rank, dims, NULL);
  TfLiteTensor* tensor = fake_tensor_at(runtime, index);
  if (tensor->bytes > POOL_BYTES || elements > POOL_BYTES) {  // keep a run short
    free(tensor->data);
    tensor->data = NULL;
    tensor->bytes = 0;
  }
  if (constant) {
    tensor->allocation_type = kTfLiteMmapRo;
    if (tensor->bytes > 0) memcpy(tensor->data, constants, tensor->bytes);
  }
  if (next(from) > 128) fake_quantize(runtime, index, (float)choose(from, 1) / 8, choose(from, 3));
  if (next(from) > 245 && tensor->bytes > 1) tensor->bytes -= 1 + next(from) % tensor->bytes;
  return index;
}

static int pick(source* from, int usual, int tensors) {
  const uint8_t kind = next(from);
  return kind < 235 ? usual : kind < 245 ? -1 : kind < 250 ? 1000 : next(from) % tensors;
}

static int add_convolution(source* from, fake_runtime* runtime, int input, const int* shape) {
  const int channels = choose(from, 40), filters = choose(from, 33);
  const int words = channels / 32 + 1;
  const TfLiteType type = next(from) % 3 == 0 ? kTfLiteInt8 : kTfLiteInt32;
  const bool packed = next(from) % 2 == 0;
  const int filter_shape[4] = {filters, choose(from, 3), choose(from, 3), shape[3]};
  const int filter = add_tensor(from, runtime, kTfLiteInt32, 4, filter_shape, true);
  const int multiplier = add_tensor(from, runtime, kTfLiteFloat32, 1, &filters, true);
  const int bias = add_tensor(from, runtime, kTfLiteFloat32, 1, &filters, true);
  const int thresholds = add_tensor(from, runtime, kTfLiteInt32, 1, &filters, true);
  const int usual[4] = {1, 1, 1, words};
  const int output =
      add_tensor(from, runtime, packed ? kTfLiteInt32 : type == kTfLiteInt8 ? type : kTfLiteFloat32,
                 4, usual, false);
  const int tensors = output + 1;
  const int inputs[5] = {pick(from, input, tensors), pick(from, filter, tensors),
                         pick(from, multiplier, tensors), pick(from, bias, tensors),
                         pick(from, thresholds, tensors)};
  const fake_option options[] = {{"channels_in", choose(from, 32 * shape[3])},
                                 {"dilation_height_factor", choose(from, 1)},
                                 {"dilation_width_factor", choose(from, 1)},
                                 {"fused_activation_function", choose(from, 0)},
                                 {"pad_values", choose(from, 1)},
                                 {"padding", choose(from, 0)},
                                 {"stride_height", choose(from, 1)},
                                 {"stride_width", choose(from, 1)}};
  fake_custom(runtime, "LceBconv2d", next(from) > 250 ? 4 : 5, inputs, output, options,
              next(from) > 250 ? 7 : 8);
  return output;
}

static int add_pool(source* from, fake_runtime* runtime, int input) {
  const int usual[4] = {1, 1, 1, 2};
  const int output = add_tensor(from, runtime, kTfLiteInt32, 4, usual, false);
  const fake_option options[] = {{"filter_height", choose(from, 2)},
                                 {"filter_width", choose(from, 2)},
                                 {"padding", choose(from, 1)},
                                 {"stride_height", choose(from, 2)},
                                 {"stride_width", choose(from, 2)}};
  const int from_tensor = pick(from, input, output + 1);
  fake_custom(runtime, "LceBMaxPool2d", 1, &from_tensor, output, options, 5);
  return output;
}

// A first layer of weights of -1 and +1, whose sums are packed next.
static int add_first_layer(source* from, fake_runtime* runtime, int batch, TfLiteConvParams* options) {
  enum { CHANNELS = 40, TAPS = 6 };
  static float weights[CHANNELS * TAPS], bias[CHANNELS];
  for (int i = 0; i < CHANNELS * TAPS; ++i) weights[i] = i * 7 % 3 == 0 ? -1.0f : 1.0f;
  for (int i = 0; i < CHANNELS; ++i) bias[i] = (float)(i - 20) / 2;
  bias[3] = (float)choose(from, 1) / 2;
  const int image[4] = {batch, 5, 4, 1};
  const int input = add_tensor(from, runtime, kTfLiteFloat32, 4, image, false);
  const int filter = fake_tensor(runtime, kTfLiteFloat32, 4, (int[]){CHANNELS, 3, 2, 1}, weights);
  const int biases = fake_tensor(runtime, kTfLiteFloat32, 1, (int[]){CHANNELS}, bias);
  const int usual[4] = {batch, 5, 4, CHANNELS};
  const int sums = add_tensor(from, runtime, kTfLiteFloat32, 4, usual, false);
  *options = (TfLiteConvParams){choose(from, 1), choose(from, 1), choose(from, 1),
                                choose(from, 0), choose(from, 1), choose(from, 1)};
  const int inputs[3] = {pick(from, input, sums), filter, pick(from, biases, sums)};
  fake_builtin(runtime, kTfLiteBuiltinConv2d, next(from) > 60 ? 3 : 2, inputs, sums, options);
  if (next(from) > 200) fake_read_outside(runtime, sums);
  return sums;
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  source from = {data, size, 0};
  if (constants[1] == 0) {
    for (size_t i = 0; i < POOL_BYTES; ++i) constants[i] = (uint8_t)((i + 3) * 167 >> 3);
  }
  fake_runtime* runtime = fake_create();
  TfLiteConcatenationParams concatenation = {choose(&from, -1), choose(&from, 0)};
  TfLiteReshapeParams reshape = {{choose(&from, 1), choose(&from, -1), 2}, choose(&from, 2)};

  const int shape[4] = {choose(&from, 1), 5, 4, 1 + next(&from) % 3};
  const int channels[4] = {shape[0], 5, 4, 32 * shape[3] - next(&from) % 32};
  int current = add_tensor(&from, runtime, next(&from) % 2 ? kTfLiteFloat32 : kTfLiteInt8, 4,
                           channels, false);
  TfLiteConvParams convolution;
  if (next(&from) % 4 == 0) current = add_first_layer(&from, runtime, shape[0], &convolution);
  const int packed = add_tensor(&from, runtime, kTfLiteInt32, 4, shape, false);
  fake_custom_bytes(runtime, "LceQuantize", 1, &current, packed, data, size < 8 ? size : 8);
  current = packed;
  const int steps = 1 + next(&from) % 4;
  for (int i = 0; i < steps; ++i) {
    const int usual[4] = {1, 5, 4, 2};
    switch (next(&from) % 5) {
      case 0:
      case 1:
        current = add_convolution(&from, runtime, current, shape);
        break;
      case 2:
        current = add_pool(&from, runtime, current);
        break;
      case 3: {
        const int output = add_tensor(&from, runtime, kTfLiteInt32, 4, usual, false);
        const int inputs[2] = {pick(&from, current, output + 1), pick(&from, current, output + 1)};
        fake_builtin(runtime, kTfLiteBuiltinConcatenation, 2, inputs, output, &concatenation);
        current = output;
        break;
      }
      default: {
        const int output = add_tensor(&from, runtime, kTfLiteInt32, 4, usual, false);
        fake_builtin(runtime, kTfLiteBuiltinReshape, 1, &current, output, &reshape);
        current = output;
      }
    }
    if (next(&from) > 200) fake_read_outside(runtime, current);
  }
  const int result = add_tensor(&from, runtime, kTfLiteFloat32, 4, channels, false);
  fake_custom_bytes(runtime, "LceDequantize", 1, &current, result, NULL, 0);
  fake_read_outside(runtime, result);

  const int kernels = next(&from) % 2;
  const LceDelegateOptions options = {sizeof options, 1, kernels == 0 ? NULL : "portable"};
  TfLiteDelegate* delegate = LceDelegateCreate(&options, NULL, NULL);
  if (fake_apply(runtime, delegate) > 0 && fake_prepare(runtime)) {
    fake_invoke(runtime);
    if (fake_prepare(runtime)) fake_invoke(runtime);  // as after a resize
  }
  fake_delete(runtime);
  LceDelegateDelete(delegate);
  return 0;
}
