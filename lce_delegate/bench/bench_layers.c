// Time of each binary layer of BDNN4 on one thread, for every kernel that this processor runs,
// beside two limits, measured in the same run: "of limit" is the part of the processor's own
// xor-and-popcount rate that the layer reaches; "reading" is the part of the layer's time that it
// takes merely to read its weights once, which a layer with one output pixel has to do for a single
// use of them.
//
//   bench_layers [repetitions]      the best of so many runs of each layer is printed; 200
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_runtime.h"
#include "kernels/kernel.h"
#include "lce_delegate.h"
#include "limit.h"

typedef struct {
  const char* name;
  int size, channels_in, channels_out, filter;
  int padding;  // 0 SAME, 1 VALID
} layer;

// Every convolution and dense layer of BDNN4 with binary activations, for one crop.
static const layer LAYERS[] = {
    {"block 1, second", 42, 64, 64, 3, 0},     {"block 2, first", 21, 128, 128, 3, 0},
    {"block 2, second", 21, 128, 128, 3, 0},   {"block 3, first", 10, 256, 256, 3, 0},
    {"block 3, second", 10, 256, 256, 3, 0},   {"block 4, first", 5, 512, 512, 3, 0},
    {"block 4, second", 5, 512, 512, 3, 0},    {"dense 1", 2, 1024, 1024, 2, 1},
    {"dense 2", 1, 1024, 1024, 1, 1},          {"output", 1, 1024, 7, 1, 1},
};
enum { LAYER_COUNT = sizeof LAYERS / sizeof LAYERS[0] };

static double products(const layer* l) {
  const double out = l->padding == 0 ? l->size : l->size - l->filter + 1;
  return out * out * l->filter * l->filter * (double)l->channels_in * (double)l->channels_out;
}

static size_t weight_bytes(const layer* l, const lce_kernel* kernel) {
  const size_t words = (size_t)(l->channels_in / 32 * l->filter * l->filter);
  return lce_packed_weights_words(kernel, (size_t)l->channels_out, words) * sizeof(uint32_t);
}

static fake_runtime* build(const layer* l, TfLiteDelegate* delegate) {
  const int words = l->channels_in / 32, count = l->channels_out * l->filter * l->filter * words;
  uint32_t* weights = malloc((size_t)count * sizeof *weights);
  int32_t* thresholds = malloc((size_t)l->channels_out * sizeof *thresholds);
  uint32_t x = 1;
  for (int i = 0; i < count; ++i) weights[i] = x = x * 1664525u + 1013904223u;
  for (int i = 0; i < l->channels_out; ++i) {
    thresholds[i] = l->filter * l->filter * l->channels_in / 2;
  }
  fake_runtime* r = fake_create();
  const int inputs[5] = {
      fake_tensor(r, kTfLiteInt32, 4, (int[]){1, l->size, l->size, words}, NULL),
      fake_tensor(r, kTfLiteInt32, 4, (int[]){l->channels_out, l->filter, l->filter, words}, weights),
      -1, -1, fake_tensor(r, kTfLiteInt32, 1, (int[]){l->channels_out}, thresholds)};
  const int output =
      fake_tensor(r, kTfLiteInt32, 4, (int[]){1, 1, 1, (l->channels_out + 31) / 32}, NULL);
  const fake_option options[] = {{"channels_in", l->channels_in},
                                 {"dilation_height_factor", 1},
                                 {"dilation_width_factor", 1},
                                 {"fused_activation_function", 0},
                                 {"pad_values", 1},
                                 {"padding", l->padding},
                                 {"stride_height", 1},
                                 {"stride_width", 1}};
  fake_custom(r, "LceBconv2d", 5, inputs, output, options, 8);
  fake_read_outside(r, output);
  if (fake_apply(r, delegate) != 1 || !fake_prepare(r)) {
    fprintf(stderr, "%s", fake_messages(r));
    exit(1);
  }
  uint32_t* activations = fake_tensor_at(r, inputs[0])->data;
  for (int i = 0; i < l->size * l->size * words; ++i) {
    activations[i] = x = x * 1664525u + 1013904223u;
  }
  free(weights);
  free(thresholds);
  return r;
}

int main(int argc, char** argv) {
  const int repetitions = argc > 1 ? atoi(argv[1]) : 200;
  for (int k = 0; LceKernelName(k) != NULL; ++k) {
    const char* name = LceKernelName(k);
    double limit = 0;
    for (const lce_limit* l = lce_limits; l->instruction_set != NULL; ++l) {
      if (strcmp(l->instruction_set, name) != 0) continue;
      const double rate = lce_measure_limit(l);
      printf("%-9s limit on registers (%s): %.1f G products/s\n", name, l->instructions, rate / 1e9);
      if (rate > limit) limit = rate;
    }
    const LceDelegateOptions options = {sizeof options, 1, name};
    TfLiteDelegate* delegate = LceDelegateCreate(&options, NULL, NULL);
    double total_seconds = 0, total_products = 0;
    printf("%-9s %-18s %12s %10s %14s %9s %9s\n", "kernel", "layer", "M products", "us",
           "G products/s", "of limit", "reading");
    const int runs = strcmp(name, "portable") == 0 ? (repetitions + 19) / 20 : repetitions;
    for (int i = 0; i < LAYER_COUNT; ++i) {
      fake_runtime* r = build(&LAYERS[i], delegate);
      double best = 1e9;
      for (int run = 0; run < runs; ++run) {
        const double start = lce_seconds();
        fake_invoke(r);
        const double seconds = lce_seconds() - start;
        if (seconds < best) best = seconds;
      }
      const double n = products(&LAYERS[i]);
      const double reading = lce_measure_reading(weight_bytes(&LAYERS[i], lce_find_kernel(name)));
      printf("%-9s %-18s %12.1f %10.1f %14.1f %8.0f%% %8.0f%%\n", name, LAYERS[i].name, n / 1e6,
             best * 1e6, n / best / 1e9, 100 * n / best / limit, 100 * reading / best);
      total_seconds += best;
      total_products += n;
      fake_delete(r);
    }
    printf("%-9s %-18s %12.1f %10.1f %14.1f %8.0f%%\n\n", name, "all", total_products / 1e6,
           total_seconds * 1e6, total_products / total_seconds / 1e9,
           100 * total_products / total_seconds / limit);
    LceDelegateDelete(delegate);
  }
  return 0;
}
