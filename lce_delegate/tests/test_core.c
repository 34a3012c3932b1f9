// The core through its public header: operators on the caller's memory, compared with sums that go
// value by value, for every kernel that this processor runs.
#include "lce_core.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "kernels/kernel.h"  // for the list of kernels

static uint64_t seed = 7;
static int bit(const uint32_t* words, size_t i) { return words[i / 32] >> (i % 32) & 1; }

// Random bits of so many pixels; those past the last channel are 0.
static uint32_t* random_bits(size_t pixels, int channels) {
  const size_t words = (size_t)lce_words(channels);
  uint32_t* bits = malloc(pixels * words * sizeof *bits);
  for (size_t i = 0; i < pixels * words; ++i) bits[i] = (uint32_t)(check_random(&seed) >> 32);
  if (channels % 32 != 0) {
    for (size_t p = 0; p < pixels; ++p) {
      bits[p * words + words - 1] &= ((uint32_t)1 << (channels % 32)) - 1;
    }
  }
  return bits;
}

// Prepares and runs an operator with one input; returns its output, of `pitch` words a pixel if that
// is not 0.
static void* run(lce_operator* op, const lce_shape* shape, const void* input, lce_shape* output,
                 size_t pitch) {
  lce_reason why = {""};
  size_t scratch_bytes;
  const bool prepared = lce_operator_prepare(op, shape, 1, 1, output, &scratch_bytes, &why);
  CHECK(prepared, "%s", why.text);
  if (!prepared) exit(1);
  size_t pixels = 1;
  for (int i = 0; i < output->rank - 1; ++i) pixels *= (size_t)output->dims[i];
  const size_t row = pitch != 0 ? pitch : (size_t)output->dims[output->rank - 1];
  void* scratch = malloc(scratch_bytes + 1);
  uint32_t* data = malloc(pixels * row * sizeof *data);
  memset(data, 0xa5, pixels * row * sizeof *data);
  lce_operator_run(op, &input, data, pitch, scratch, NULL);
  free(scratch);
  return data;
}

// ---- The first layer.

typedef struct {
  int batch, height, width, channels;
  lce_window2d window;
  bool whole;  // numbers
} sign_case;

static int32_t output_size(int32_t input, int32_t filter, int32_t stride, lce_padding padding,
                           int32_t* before) {
  *before = 0;
  if (padding == LCE_VALID) return (input - filter) / stride + 1;
  const int32_t output = (input + stride - 1) / stride;
  const int32_t outside = (output - 1) * stride + filter - input;
  if (outside > 0) *before = outside / 2;
  return output;
}

static void test_sign_case(const sign_case* t, const lce_kernel* kernel) {
  const lce_window2d* w = &t->window;
  const int taps = w->filter_height * w->filter_width;
  float* image = malloc((size_t)(t->batch * t->height * t->width) * sizeof *image);
  float* weights = malloc((size_t)(t->channels * taps) * sizeof *weights);
  float* bias = malloc((size_t)t->channels * sizeof *bias);
  for (int i = 0; i < t->batch * t->height * t->width; ++i) {
    image[i] = (float)check_between(&seed, -255, 255);
    if (!t->whole) image[i] = image[i] / 251.0f;
  }
  for (int i = 0; i < t->channels * taps; ++i) weights[i] = check_between(&seed, 0, 1) ? 1.0f : -1.0f;
  for (int c = 0; c < t->channels; ++c) {
    bias[c] = t->whole ? (float)check_between(&seed, -600, 600) / 2 : (float)check_between(&seed, -9, 9) / 256;
  }
  const lce_shape input = {4, {t->batch, t->height, t->width, 1}};
  lce_shape shape;
  lce_reason why = {""};
  lce_sign_conv2d_attributes a = {*w, t->channels, weights, bias, LCE_BITS};
  lce_operator* op = lce_sign_conv2d_create(&a, kernel, &why);
  CHECK(op != NULL, "%s", why.text);
  const size_t words = (size_t)lce_words(t->channels), pitch = words + 3;
  uint32_t* bits = run(op, &input, image, &shape, pitch);
  lce_operator_delete(op);
  a.output = LCE_FLOAT32;
  op = lce_sign_conv2d_create(&a, kernel, &why);
  float* reals = run(op, &input, image, &shape, 0);
  lce_operator_delete(op);

  int32_t top, left;
  const int32_t rows = output_size(t->height, w->filter_height, w->stride_height, w->padding, &top);
  const int32_t columns = output_size(t->width, w->filter_width, w->stride_width, w->padding, &left);
  CHECK(shape.dims[1] == rows && shape.dims[2] == columns, "%d x %d", shape.dims[1], shape.dims[2]);
  int wrong = 0;
  for (int p = 0; p < t->batch * rows * columns; ++p) {
    const int y = p / columns % rows * w->stride_height - top;
    const int x = p % columns * w->stride_width - left;
    const float* from = image + p / (rows * columns) * t->height * t->width;
    for (int c = 0; c < t->channels; ++c) {
      float sum = bias[c];
      for (int k = 0; k < taps; ++k) {
        const int v = y + k / w->filter_width, u = x + k % w->filter_width;
        if (v < 0 || v >= t->height || u < 0 || u >= t->width) continue;
        sum += weights[c * taps + k] * from[v * t->width + u];
      }
      wrong += bit(bits + (size_t)p * pitch, (size_t)c) != (sum < 0.0f);
      wrong += reals[p * t->channels + c] != sum;
    }
    for (size_t k = words; k < pitch; ++k) wrong += bits[(size_t)p * pitch + k] != 0xa5a5a5a5u;
    const int rest = t->channels % 32;
    if (rest != 0) wrong += bits[(size_t)p * pitch + words - 1] >> rest != 0;
  }
  CHECK(wrong == 0, "%s: %d wrong of %d x %d x %d x %d, filter %d x %d", lce_kernel_name(kernel),
        wrong, t->batch, t->height, t->width, t->channels, w->filter_height, w->filter_width);
  free(image);
  free(weights);
  free(bias);
  free(bits);
  free(reals);
}

static void test_sign_convolutions(const lce_kernel* kernel) {
  for (int round = 0; round < 60; ++round) {
    sign_case t = {check_between(&seed, 1, 3), check_between(&seed, 3, 12), check_between(&seed, 3, 12),
                   check_between(&seed, 1, 3) * 32 + check_between(&seed, -31, 40), {0}, round % 3 != 0};
    t.window = (lce_window2d){check_between(&seed, 1, 3), check_between(&seed, 1, 3),
                              check_between(&seed, 1, 2), check_between(&seed, 1, 2), 1, 1,
                              (lce_padding)check_between(&seed, 0, 1)};
    if (round == 0) t = (sign_case){1, 42, 42, 64, {3, 3, 1, 1, 1, 1, LCE_SAME}, true};
    test_sign_case(&t, kernel);
  }
  // The largest sums, and one number that is too large: then all are added as float32.
  float weights[9], image[9];
  for (int i = 0; i < 9; ++i) weights[i] = 1.0f, image[i] = 3640.0f;
  const float bias = -16384.0f;
  lce_reason why;
  const lce_sign_conv2d_attributes a = {{3, 3, 1, 1, 1, 1, LCE_VALID}, 1, weights, &bias, LCE_BITS};
  lce_operator* op = lce_sign_conv2d_create(&a, kernel, &why);
  CHECK(op == NULL && strstr(why.text, "bias 0") != NULL, "%s", why.text);
  const float good = -16383.5f;
  lce_sign_conv2d_attributes b = a;
  b.bias = &good;
  op = lce_sign_conv2d_create(&b, kernel, &why);
  const lce_shape input = {4, {1, 3, 3, 1}};
  lce_shape shape;
  static const float CENTRES[] = {3640.0f, -12736.0f, -12737.0f, 1e30f, -1e30f, 0.25f};
  for (size_t i = 0; i < sizeof CENTRES / sizeof CENTRES[0]; ++i) {
    image[4] = CENTRES[i];
    uint32_t* bits = run(op, &input, image, &shape, 0);
    CHECK(bits[0] == (8.0 * 3640.0 + (double)CENTRES[i] - 16383.5 < 0), "centre %g", (double)CENTRES[i]);
    free(bits);
  }
  lce_operator_delete(op);
}

// ---- Convolutions of bits.

static void test_convolution(const lce_kernel* kernel, int batch, int size, int channels_in,
                             int channels_out, int filter, lce_padding padding, int stride) {
  const int taps = filter * filter;
  uint32_t* weights = random_bits((size_t)(channels_out * taps), channels_in);
  uint32_t* image = random_bits((size_t)(batch * size * size), channels_in);
  int32_t* thresholds = malloc((size_t)channels_out * sizeof *thresholds);
  for (int c = 0; c < channels_out; ++c) {
    thresholds[c] = taps * channels_in / 2 + check_between(&seed, -9, 9);
  }
  const lce_bconv2d_attributes a = {
      .window = {filter, filter, stride, stride, 1, 1, padding},
      .channels_in = channels_in, .channels_out = channels_out, .groups = 1, .pad_value = 1,
      .weights = weights, .output = LCE_BITS, .thresholds = thresholds};
  lce_reason why = {""};
  lce_operator* op = lce_bconv2d_create(&a, kernel, &why);
  CHECK(op != NULL, "%s", why.text);
  const size_t words = (size_t)lce_words(channels_in), out_words = (size_t)lce_words(channels_out);
  const lce_shape input = {4, {batch, size, size, (int32_t)words}};
  lce_shape shape;
  const size_t pitch = out_words + 1;
  uint32_t* output = run(op, &input, image, &shape, pitch);
  int32_t before;
  const int32_t side = output_size(size, filter, stride, padding, &before);
  int wrong = 0;
  for (int p = 0; p < batch * side * side; ++p) {
    const int y = p / side % side * stride - before, x = p % side * stride - before;
    for (int c = 0; c < channels_out; ++c) {
      int32_t count = 0;
      for (int k = 0; k < taps; ++k) {
        const int v = y + k / filter, u = x + k % filter;
        const bool inside = v >= 0 && v < size && u >= 0 && u < size;
        const uint32_t* from =
            inside ? image + (size_t)((p / (side * side) * size + v) * size + u) * words : NULL;
        const uint32_t* weight = weights + (size_t)(c * taps + k) * words;
        for (size_t i = 0; i < (size_t)channels_in; ++i) {
          count += (inside ? bit(from, i) : 0) ^ bit(weight, i);
        }
      }
      wrong += bit(output + (size_t)p * pitch, (size_t)c) != (count > thresholds[c]);
    }
    wrong += output[(size_t)p * pitch + out_words] != 0xa5a5a5a5u;
  }
  CHECK(wrong == 0, "%s: %d wrong: batch %d, %d x %d, %d to %d channels, filter %d, stride %d",
        lce_kernel_name(kernel), wrong, batch, size, size, channels_in, channels_out, filter, stride);
  lce_operator_delete(op);
  free(weights);
  free(image);
  free(thresholds);
  free(output);
}

static void test_convolutions(const lce_kernel* kernel) {
  test_convolution(kernel, 1, 42, 64, 64, 3, LCE_SAME, 1);  // BDNN4's shapes
  test_convolution(kernel, 1, 21, 128, 128, 3, LCE_SAME, 1);
  test_convolution(kernel, 5, 10, 256, 64, 3, LCE_SAME, 1);
  test_convolution(kernel, 5, 5, 512, 64, 3, LCE_SAME, 1);
  test_convolution(kernel, 5, 2, 1024, 64, 2, LCE_VALID, 1);
  for (int batch = 1; batch <= 9; ++batch) test_convolution(kernel, batch, 1, 512, 128, 1, LCE_VALID, 1);
  for (int round = 0; round < 60; ++round) {
    test_convolution(kernel, check_between(&seed, 1, 3), check_between(&seed, 3, 13),
                     check_between(&seed, 1, 150), check_between(&seed, 1, 140),
                     check_between(&seed, 1, 3), (lce_padding)check_between(&seed, 0, 1),
                     check_between(&seed, 1, 2));
  }
}

// ---- Pools, and what is written to its place in a concatenation.

static void test_pools(void) {
  for (int round = 0; round < 60; ++round) {
    const int height = check_between(&seed, 3, 9), width = check_between(&seed, 3, 9);
    const int words = check_between(&seed, 1, 4);
    lce_window2d w = {check_between(&seed, 1, 3), check_between(&seed, 1, 3), check_between(&seed, 1, 3),
                      check_between(&seed, 1, 3), 1, 1, (lce_padding)check_between(&seed, 0, 1)};
    if (round % 2 == 0) w = (lce_window2d){2, 2, 2, 2, 1, 1, LCE_VALID};
    uint32_t* image = random_bits((size_t)(2 * height * width), 32 * words);
    lce_reason why;
    lce_operator* op = lce_max_pool2d_create(&w, &why);
    const lce_shape input = {4, {2, height, width, words}};
    lce_shape shape;
    const size_t pitch = (size_t)words + 2;
    uint32_t* output = run(op, &input, image, &shape, pitch);
    int32_t top, left;
    const int rows = output_size(height, w.filter_height, w.stride_height, w.padding, &top);
    const int columns = output_size(width, w.filter_width, w.stride_width, w.padding, &left);
    int wrong = shape.dims[1] != rows || shape.dims[2] != columns;
    for (int p = 0; wrong == 0 && p < 2 * rows * columns; ++p) {
      for (int k = 0; k < words; ++k) {
        uint32_t expected = 0xffffffffu;
        for (int i = 0; i < w.filter_height * w.filter_width; ++i) {
          const int v = p / columns % rows * w.stride_height - top + i / w.filter_width;
          const int u = p % columns * w.stride_width - left + i % w.filter_width;
          if (v < 0 || v >= height || u < 0 || u >= width) continue;
          expected &= image[((p / (rows * columns) * height + v) * width + u) * words + k];
        }
        wrong += output[(size_t)p * pitch + (size_t)k] != expected;
      }
    }
    CHECK(wrong == 0, "%d wrong of a pool", wrong);
    lce_operator_delete(op);
    free(image);
    free(output);
  }
  lce_reason why = {""};
  CHECK(lce_max_pool2d_create(&(lce_window2d){2, 2, 0, 2, 1, 1, LCE_VALID}, &why) == NULL &&
            strstr(why.text, "stride") != NULL, "%s", why.text);
  CHECK(lce_quantize_create(LCE_BITS, 0, lce_find_kernel("portable"), &why) == NULL, "bits to bits");
  CHECK(lce_find_kernel("mmx") == NULL, "no such kernel");
}

int main(void) {
  test_pools();
  for (const lce_kernel* const* kernel = lce_kernels; *kernel != NULL; ++kernel) {
    if (!(*kernel)->supported()) continue;
    test_sign_convolutions(*kernel);
    test_convolutions(*kernel);
    printf("%s ", lce_kernel_name(*kernel));
  }
  return check_result();
}
