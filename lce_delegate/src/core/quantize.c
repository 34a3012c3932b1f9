// Real values to bits along the last dimension.
#include <string.h>

#include "operator.h"

typedef struct {
  lce_operator base;
  const lce_kernel* kernel;
  lce_type real_type;
  int32_t zero_point;  // int8 and bool: values below it are bit 1
  int32_t channels;
  size_t rows;
} quantize;

static bool prepare(lce_operator* op, const lce_shape* inputs, int input_count, int workers,
                    lce_shape* output, size_t* scratch_bytes, lce_reason* why) {
  (void)input_count;
  (void)workers;
  (void)scratch_bytes;
  quantize* s = (quantize*)op;
  if (inputs->rank < 1) return lce_refuse(why, "its input has no dimensions");
  const int last = inputs->rank - 1;
  s->channels = inputs->dims[last];
  s->rows = lce_elements(inputs) / (size_t)s->channels;
  *output = *inputs;
  output->dims[last] = lce_words(s->channels);
  return true;
}

// Packs `words` full words of values of any type.
static void pack_words(const quantize* s, const void* values, size_t words, uint32_t* packed) {
  if (s->real_type == LCE_FLOAT32) {
    s->kernel->pack_float(values, words, packed);
  } else if (s->zero_point <= INT8_MIN) {
    memset(packed, 0, words * sizeof *packed);  // nothing is below it
  } else if (s->zero_point > INT8_MAX) {
    memset(packed, 0xff, words * sizeof *packed);  // everything is
  } else {
    s->kernel->pack_int8(values, (int8_t)s->zero_point, words, packed);
  }
}

// Packs the last, unfilled word of a row; bits past the last channel are 0.
static uint32_t pack_rest(const quantize* s, const void* values, size_t rest) {
  union {
    float reals[32];
    int8_t bytes[32];
  } padded;
  memset(&padded, 0, sizeof padded);
  memcpy(&padded, values, rest * lce_type_size(s->real_type));
  uint32_t packed;
  pack_words(s, &padded, 1, &packed);
  return packed & (((uint32_t)1 << rest) - 1);
}

typedef struct {
  const quantize* op;
  const void* input;
  uint32_t* output;
  size_t pitch;
} quantize_job;

static void quantize_rows(void* argument, int worker, size_t begin, size_t end) {
  (void)worker;
  const quantize_job* job = argument;
  const quantize* s = job->op;
  const size_t size = lce_type_size(s->real_type);
  const size_t full = (size_t)s->channels / 32, rest = (size_t)s->channels % 32;
  const char* input = (const char*)job->input + begin * (size_t)s->channels * size;
  uint32_t* output = job->output + begin * job->pitch;
  if (rest == 0 && job->pitch == full) {
    pack_words(s, input, (end - begin) * full, output);
    return;
  }
  for (size_t row = begin; row < end; ++row) {
    if (full > 0) pack_words(s, input, full, output);
    if (rest > 0) output[full] = pack_rest(s, input + full * 32 * size, rest);
    input += (size_t)s->channels * size;
    output += job->pitch;
  }
}

static void run(const lce_operator* op, const lce_run* run) {
  const quantize* s = (const quantize*)op;
  const size_t pitch = run->pitch != 0 ? run->pitch : (size_t)lce_words(s->channels);
  quantize_job job = {s, run->inputs[0], run->output, pitch};
  lce_execute(run->executor, quantize_rows, &job, s->rows);
}

static const lce_operator_type TYPE = {.name = "LceQuantize", .prepare = prepare, .run = run};

lce_operator* lce_quantize_create(lce_type input, int32_t zero_point, const lce_kernel* kernel,
                                  lce_reason* why) {
  if (input != LCE_FLOAT32 && input != LCE_INT8 && input != LCE_BOOL) {
    lce_refuse(why, "its input is of type %s, expected float32, int8 or bool", lce_type_name(input));
    return NULL;
  }
  // A bool is 0 or 1, and false stands for -1.
  const quantize s = {.kernel = kernel, .real_type = input,
                      .zero_point = input == LCE_BOOL ? 1 : zero_point};
  return lce_operator_new(&TYPE, &s, sizeof s, why);
}
