// Whole graphs on the fake runtime: what the delegate claims, what it computes, and how it refuses.
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "fake_runtime.h"
#include "lce_delegate.h"

// A convolution with 3x3 filters on an image of 4x5 pixels, one of whose parts a test may spoil.
typedef struct {
  fake_runtime* runtime;
  int input, filter, multiplier, bias, output;
  fake_option options[8];
  int option_count, inputs;
} convolution;

static convolution make_convolution(void) {
  convolution c = {.runtime = fake_create(), .option_count = 8, .inputs = 5};
  const fake_option options[] = {
      {"channels_in", 40},  {"dilation_height_factor", 1},    {"dilation_width_factor", 1},
      {"fused_activation_function", 0}, {"pad_values", 1},    {"padding", 0},
      {"stride_height", 1}, {"stride_width", 1}};
  memcpy(c.options, options, sizeof options);
  uint32_t weights[6 * 9 * 2];
  float values[6];
  for (size_t i = 0; i < sizeof weights / sizeof weights[0]; ++i) weights[i] = i % 2 ? 0x5a : 0x1234567;
  for (int i = 0; i < 6; ++i) values[i] = (float)i;
  c.input = fake_tensor(c.runtime, kTfLiteInt32, 4, (int[]){1, 4, 5, 2}, NULL);
  c.filter = fake_tensor(c.runtime, kTfLiteInt32, 4, (int[]){6, 3, 3, 2}, weights);
  c.multiplier = fake_tensor(c.runtime, kTfLiteFloat32, 1, (int[]){6}, values);
  c.bias = fake_tensor(c.runtime, kTfLiteFloat32, 1, (int[]){6}, values);
  c.output = fake_tensor(c.runtime, kTfLiteFloat32, 4, (int[]){1, 1, 1, 6}, NULL);
  fake_read_outside(c.runtime, c.output);
  return c;
}

static void set_option(convolution* c, const char* key, int32_t value) {
  for (int i = 0; i < c->option_count; ++i) {
    if (strcmp(c->options[i].key, key) == 0) c->options[i].value = value;
  }
}

static void remove_option(convolution* c, const char* key) {
  int kept = 0;
  for (int i = 0; i < c->option_count; ++i) {
    if (strcmp(c->options[i].key, key) != 0) c->options[kept++] = c->options[i];
  }
  c->option_count = kept;
}

typedef enum { REFUSED_AT_CLAIM, REFUSED_AT_PREPARE, RUNS } outcome;

// Applies, prepares and runs; the delegate must end as expected and, if it refuses, say why.
static void expect(convolution* c, outcome expected, const char* words) {
  const int inputs[5] = {c->input, c->filter, c->multiplier, c->bias, -1};
  fake_custom(c->runtime, "LceBconv2d", c->inputs, inputs, c->output, c->options, c->option_count);
  TfLiteDelegate* delegate = LceDelegateCreate(NULL, NULL, NULL);
  const int claimed = fake_apply(c->runtime, delegate);
  CHECK(claimed == (expected != REFUSED_AT_CLAIM), "%s: %d claimed, %s", words, claimed,
        fake_messages(c->runtime));
  if (claimed == 1) {
    const bool prepared = fake_prepare(c->runtime);
    CHECK(prepared == (expected == RUNS), "%s: %s", words, fake_messages(c->runtime));
    if (prepared) CHECK(fake_invoke(c->runtime), "%s: %s", words, fake_messages(c->runtime));
  }
  CHECK(strstr(fake_messages(c->runtime), words) != NULL, "\"%s\" is not in \"%s\"", words,
        fake_messages(c->runtime));
  fake_delete(c->runtime);
  LceDelegateDelete(delegate);
}

static void test_refusals(void) {
  convolution c = make_convolution();
  expect(&c, RUNS, "");

  static const struct { const char* key; int32_t value; const char* words; } BAD[] = {
      {"stride_height", 0, "option stride_height is 0"},
      {"stride_width", -1, "option stride_width is -1"},
      {"dilation_width_factor", 0, "option dilation_width_factor is 0"},
      {"padding", 2, "option padding is 2"},
      {"pad_values", -1, "option pad_values is -1"},
      {"fused_activation_function", 4, "option fused_activation_function is 4"},
      {"channels_in", 0, "option channels_in is 0"},
      {"channels_in", 32, "no multiple"},
      {"channels_in", 100, "do not divide"},
  };
  for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; ++i) {
    c = make_convolution();
    set_option(&c, BAD[i].key, BAD[i].value);
    expect(&c, REFUSED_AT_CLAIM, BAD[i].words);
  }
  for (int i = 0; i < 8; ++i) {
    c = make_convolution();
    char words[80];
    snprintf(words, sizeof words, "option %s is missing", c.options[i].key);
    remove_option(&c, c.options[i].key);
    expect(&c, REFUSED_AT_CLAIM, words);
  }

  c = make_convolution();
  set_option(&c, "dilation_height_factor", 1 << 30);
  expect(&c, REFUSED_AT_PREPARE, "too large");
  c = make_convolution();
  set_option(&c, "dilation_height_factor", INT32_MAX);
  expect(&c, REFUSED_AT_PREPARE, "too large");
  c = make_convolution();
  set_option(&c, "padding", 1);
  set_option(&c, "dilation_width_factor", 3);
  expect(&c, REFUSED_AT_PREPARE, "does not fit");
  c = make_convolution();
  set_option(&c, "stride_height", INT32_MAX);
  expect(&c, RUNS, "");
  c = make_convolution();
  c.inputs = 4;
  expect(&c, REFUSED_AT_CLAIM, "4 inputs");
  c = make_convolution();
  c.output = c.input;
  expect(&c, REFUSED_AT_CLAIM, "thresholds");
  c = make_convolution();
  c.multiplier = -1;
  expect(&c, REFUSED_AT_CLAIM, "its multiplier is missing");
  c = make_convolution();
  c.bias = 1000;
  expect(&c, REFUSED_AT_CLAIM, "its bias is missing");
  c = make_convolution();
  fake_tensor_at(c.runtime, c.bias)->dims->data[0] = 5;
  expect(&c, REFUSED_AT_CLAIM, "5 values for 6");
  c = make_convolution();
  fake_tensor_at(c.runtime, c.filter)->bytes = 100;
  expect(&c, REFUSED_AT_CLAIM, "its filter has 100 bytes");
  c = make_convolution();
  fake_tensor_at(c.runtime, c.filter)->dims->data[1] = -3;
  expect(&c, REFUSED_AT_CLAIM, "dimension 1 of its filter is -3");
  c = make_convolution();
  fake_tensor_at(c.runtime, c.filter)->dims->data[0] = INT32_MAX;
  expect(&c, REFUSED_AT_CLAIM, "2^29");
  c = make_convolution();
  fake_tensor_at(c.runtime, c.filter)->allocation_type = kTfLiteMemNone;
  expect(&c, REFUSED_AT_CLAIM, "not a constant");
  c = make_convolution();
  fake_tensor_at(c.runtime, c.input)->type = kTfLiteFloat32;
  expect(&c, REFUSED_AT_CLAIM, "float32, expected int32");
  c = make_convolution();
  fake_tensor_at(c.runtime, c.input)->dims->data[3] = 1;
  expect(&c, REFUSED_AT_PREPARE, "1 words of channels, 40 channels need 2");
  c = make_convolution();
  fake_tensor_at(c.runtime, c.output)->type = kTfLiteInt8;
  expect(&c, REFUSED_AT_CLAIM, "no valid quantization");
}

// LceQuantize, a concatenation and LceDequantize of packed tensors are one partition, and threads
// and kernels agree.
static void test_partition(void) {
  const float values[2 * 64] = {-1.0f, 2.0f, -0.0f, 0.0f, -3.0f};
  TfLiteConcatenationParams concatenation = {-1, 0};
  for (int k = 0; LceKernelName(k) != NULL; ++k) {
    const LceDelegateOptions options = {sizeof options, 3, LceKernelName(k)};
    TfLiteDelegate* delegate = LceDelegateCreate(&options, NULL, NULL);
    CHECK(strcmp(LceDelegateKernel(delegate), LceKernelName(k)) == 0, "%s", LceKernelName(k));
    fake_runtime* r = fake_create();
    const int real = fake_tensor(r, kTfLiteFloat32, 2, (int[]){2, 64}, NULL);
    const int packed = fake_tensor(r, kTfLiteInt32, 2, (int[]){1, 1}, NULL);
    const int joined = fake_tensor(r, kTfLiteInt32, 2, (int[]){1, 1}, NULL);
    const int result = fake_tensor(r, kTfLiteFloat32, 2, (int[]){2, 128}, NULL);
    const int other = fake_tensor(r, kTfLiteInt32, 2, (int[]){2, 2}, NULL);
    const int sum = fake_tensor(r, kTfLiteInt32, 2, (int[]){2, 2}, NULL);
    fake_custom_bytes(r, "LceQuantize", 1, (int[]){real}, packed, NULL, 0);
    fake_builtin(r, kTfLiteBuiltinConcatenation, 2, (int[]){packed, packed}, joined, &concatenation);
    fake_custom_bytes(r, "LceDequantize", 1, (int[]){joined}, result, NULL, 0);
    // Ordinary integers stay with the runtime.
    fake_builtin(r, kTfLiteBuiltinConcatenation, 2, (int[]){other, other}, sum, &concatenation);
    fake_read_outside(r, result);
    CHECK(fake_apply(r, delegate) == 3, "claims what is packed: %s", fake_messages(r));
    CHECK(fake_prepare(r), "%s", fake_messages(r));
    memcpy(fake_tensor_at(r, real)->data, values, sizeof values);
    CHECK(fake_invoke(r), "%s", fake_messages(r));
    const float* to = fake_tensor_at(r, result)->data;
    for (int c = 0; c < 128; ++c) {
      CHECK(to[c] == (values[c % 64] < 0.0f ? -1.0f : 1.0f), "channel %d is %g", c, (double)to[c]);
    }
    fake_delete(r);
    LceDelegateDelete(delegate);
  }
}

static void test_wrong_order(void) {
  TfLiteDelegate* delegate = LceDelegateCreate(NULL, NULL, NULL);
  fake_runtime* r = fake_create();
  const int a = fake_tensor(r, kTfLiteInt32, 4, (int[]){1, 2, 2, 1}, NULL);
  const int b = fake_tensor(r, kTfLiteInt32, 4, (int[]){1, 2, 2, 1}, NULL);
  const fake_option options[] = {{"filter_height", 2}, {"filter_width", 2}, {"padding", 0},
                                 {"stride_height", 1}, {"stride_width", 1}};
  fake_custom(r, "LceBMaxPool2d", 1, (int[]){a}, b, options, 5);
  fake_custom(r, "LceBMaxPool2d", 1, (int[]){b}, a, options, 5);
  fake_read_outside(r, a);
  CHECK(fake_apply(r, delegate) == 2, "%s", fake_messages(r));
  CHECK(!fake_prepare(r), "a cycle runs");
  CHECK(strstr(fake_messages(r), "computed after it") != NULL, "%s", fake_messages(r));
  fake_delete(r);

  r = fake_create();
  const int c = fake_tensor(r, kTfLiteInt32, 4, (int[]){1, 2, 2, 1}, NULL);
  const int d = fake_tensor(r, kTfLiteInt32, 4, (int[]){1, 2, 2, 1}, NULL);
  fake_custom(r, "LceBMaxPool2d", 1, (int[]){c}, d, options, 5);
  fake_custom(r, "LceBMaxPool2d", 1, (int[]){c}, d, options, 5);
  CHECK(fake_apply(r, delegate) == 2, "%s", fake_messages(r));
  CHECK(!fake_prepare(r), "two operators write one tensor");
  CHECK(strstr(fake_messages(r), "output of two operators") != NULL, "%s", fake_messages(r));
  fake_delete(r);
  LceDelegateDelete(delegate);
}

static char last_report[200];
static void keep_report(const char* message) {
  snprintf(last_report, sizeof last_report, "%s", message);
}

static void test_delegate_options(void) {
  char *threads = "num_threads", *kernel = "kernel", *unknown = "speed";
  static const struct { int key; const char* value; const char* words; } BAD[] = {
      {0, "65", "num_threads"}, {0, "-1", "num_threads"}, {0, "two", "num_threads"},
      {0, "", "num_threads"},   {1, "mmx", "no kernel mmx"}, {2, "9", "unknown option speed"}};
  char* keys[] = {threads, kernel, unknown};
  for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; ++i) {
    char value[16];
    snprintf(value, sizeof value, "%s", BAD[i].value);
    TfLiteDelegate* delegate =
        tflite_plugin_create_delegate(&keys[BAD[i].key], (char*[]){value}, 1, keep_report);
    CHECK(delegate == NULL, "%s is taken", value);
    CHECK(strstr(last_report, BAD[i].words) != NULL, "%s", last_report);
  }
  char two[] = "2", portable[] = "portable";
  TfLiteDelegate* delegate =
      tflite_plugin_create_delegate((char*[]){threads, kernel}, (char*[]){two, portable}, 2, NULL);
  CHECK(delegate != NULL && strcmp(LceDelegateKernel(delegate), "portable") == 0, "good options");
  tflite_plugin_destroy_delegate(delegate);
}

static void keep_message(void* to, const char* message) { snprintf(to, 200, "%s", message); }

static void test_public_functions(void) {
  char message[200] = "";
  CHECK(LceDelegateKernel(NULL) == NULL, "the kernel of nothing");
  LceDelegateDelete(NULL);
  CHECK(strcmp(LceDelegateVersion(), LCE_DELEGATE_VERSION) == 0, "%s", LceDelegateVersion());
  LceDelegateOptions options = {0};
  CHECK(LceDelegateCreate(&options, keep_message, message) == NULL &&
            strstr(message, "no size") != NULL, "%s", message);
  // A caller that knows only the first option, and one that knows more than there are.
  options = LceDelegateOptionsDefault();
  options.size = offsetof(LceDelegateOptions, kernel);
  options.kernel = "a name that nobody reads";
  TfLiteDelegate* delegate = LceDelegateCreate(&options, NULL, NULL);
  CHECK(delegate != NULL, "the options of an older caller");
  LceDelegateDelete(delegate);
  struct {
    LceDelegateOptions known;
    void* later[4];
  } more = {LceDelegateOptionsDefault(), {NULL}};
  more.known.size = sizeof more;
  delegate = LceDelegateCreate(&more.known, NULL, NULL);
  CHECK(delegate != NULL, "the options of a later caller");
  LceDelegateDelete(delegate);
  CHECK(tflite_plugin_create_delegate(NULL, NULL, 1, keep_report) == NULL &&
            strstr(last_report, "no name") != NULL, "%s", last_report);
  char* nothing = NULL;
  char* key = "kernel";
  CHECK(tflite_plugin_create_delegate(&key, &nothing, 1, NULL) == NULL, "an option without a value");
}

// CONV_2D of signs and LceQuantize are one step, and a pool, writing to its part of a concatenation,
// another; along another axis the parts are copied.
static void test_first_layer(int axis) {
  float weights[32 * 9], values[2 * 16];
  for (int i = 0; i < 32 * 9; ++i) weights[i] = i % 3 == 0 ? -1.0f : 1.0f;
  for (int i = 0; i < 2 * 16; ++i) values[i] = (float)(i * 7 % 23 - 11);
  TfLiteConvParams options = {kTfLitePaddingSame, 1, 1, 0, 1, 1};
  TfLiteConcatenationParams concatenation = {axis, 0};
  const fake_option pool[] = {{"filter_height", 1}, {"filter_width", 1}, {"padding", 1},
                              {"stride_height", 1}, {"stride_width", 1}};
  TfLiteDelegate* delegate = LceDelegateCreate(NULL, NULL, NULL);
  fake_runtime* r = fake_create();
  const int image = fake_tensor(r, kTfLiteFloat32, 4, (int[]){2, 4, 4, 1}, NULL);
  const int filter = fake_tensor(r, kTfLiteFloat32, 4, (int[]){32, 3, 3, 1}, weights);
  const int sums = fake_tensor(r, kTfLiteFloat32, 4, (int[]){2, 4, 4, 32}, NULL);
  const int bits = fake_tensor(r, kTfLiteInt32, 4, (int[]){1, 1, 1, 1}, NULL);
  const int a = fake_tensor(r, kTfLiteInt32, 4, (int[]){1, 1, 1, 1}, NULL);
  const int b = fake_tensor(r, kTfLiteInt32, 4, (int[]){1, 1, 1, 1}, NULL);
  const int both = fake_tensor(r, kTfLiteInt32, 4, (int[]){1, 1, 1, 1}, NULL);
  fake_builtin(r, kTfLiteBuiltinConv2d, 2, (int[]){image, filter}, sums, &options);
  fake_custom_bytes(r, "LceQuantize", 1, &sums, bits, NULL, 0);
  fake_custom(r, "LceBMaxPool2d", 1, &bits, a, pool, 5);
  fake_custom(r, "LceBMaxPool2d", 1, &bits, b, pool, 5);
  fake_builtin(r, kTfLiteBuiltinConcatenation, 2, (int[]){a, b}, both, &concatenation);
  fake_read_outside(r, both);
  CHECK(fake_apply(r, delegate) == 5 && fake_prepare(r), "%s", fake_messages(r));
  memcpy(fake_tensor_at(r, image)->data, values, sizeof values);
  CHECK(fake_invoke(r), "%s", fake_messages(r));
  const uint32_t* words = fake_tensor_at(r, both)->data;
  int wrong = 0;
  for (int p = 0; p < 32; ++p) {
    for (int c = 0; c < 32; ++c) {
      float sum = 0;
      for (int t = 0; t < 9; ++t) {
        const int y = p / 4 % 4 + t / 3 - 1, x = p % 4 + t % 3 - 1;
        if (y < 0 || y > 3 || x < 0 || x > 3) continue;
        sum += weights[9 * c + t] * values[p / 16 * 16 + 4 * y + x];
      }
      const uint32_t expected = sum < 0;
      const int first = axis == 0 ? p : 2 * p, second = axis == 0 ? 32 + p : 2 * p + 1;
      wrong += (words[first] >> c & 1) != expected || (words[second] >> c & 1) != expected;
    }
  }
  CHECK(wrong == 0, "%d bits of the first layer, axis %d", wrong, axis);
  fake_delete(r);
  LceDelegateDelete(delegate);
}

// A runtime whose tensors are larger or smaller than ours is refused, and its memory is not read.
static void test_other_layouts(void) {
  for (int more = -24; more <= 16; more += 8) {
    convolution c = make_convolution();
    const int inputs[5] = {c.input, c.filter, c.multiplier, c.bias, -1};
    fake_custom(c.runtime, "LceBconv2d", 5, inputs, c.output, c.options, c.option_count);
    TfLiteDelegate* delegate = LceDelegateCreate(NULL, NULL, NULL);
    fake_other_layout(c.runtime, more);
    const int claimed = fake_apply(c.runtime, delegate);
    CHECK(claimed == (more == 0 ? 1 : -1), "%d more bytes: %d claimed", more, claimed);
    const bool told = strstr(fake_messages(c.runtime), "not laid out") != NULL;
    CHECK(told == (more != 0), "%d more bytes: %s", more, fake_messages(c.runtime));
    fake_delete(c.runtime);
    LceDelegateDelete(delegate);
  }
}

int main(void) {
  test_other_layouts();
  test_public_functions();
  test_first_layer(3);
  test_first_layer(-1);
  test_first_layer(0);
  test_refusals();
  test_partition();
  test_wrong_order();
  test_delegate_options();
  return check_result();
}
