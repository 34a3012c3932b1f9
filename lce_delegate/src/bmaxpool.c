// LceBMaxPool2d: the largest of values that are +1 (bit 0) or -1 (bit 1) is the and of their bits.
#include <stdlib.h>
#include <string.h>

#include "operator.h"

typedef struct {
  lce_axis y, x;
  int32_t padding;
  int32_t batch, words;
} pool_state;

static bool pool_init(lce_operator* op, const lce_node* node, const lce_kernel* kernel,
                      lce_reason* why) {
  if (!lce_check_arity(node, 1, 1, why)) return false;
  const TfLiteTensor* input = lce_input(node, 0);
  const TfLiteTensor* output = lce_output(node, 0);
  if (input == NULL || output == NULL) return lce_refuse(why, "its input or output is missing");
  if (input->type != kTfLiteInt32 || output->type != kTfLiteInt32) {
    return lce_refuse(why, "its input is of type %s and its output of type %s, expected int32",
                      lce_type_name(input->type), lce_type_name(output->type));
  }
  pool_state s = {.y = {.dilation = 1}, .x = {.dilation = 1}};
  if (!lce_read_option(node, "filter_height", 1, INT32_MAX, &s.y.filter, why) ||
      !lce_read_option(node, "filter_width", 1, INT32_MAX, &s.x.filter, why) ||
      !lce_read_option(node, "stride_height", 1, INT32_MAX, &s.y.stride, why) ||
      !lce_read_option(node, "stride_width", 1, INT32_MAX, &s.x.stride, why) ||
      !lce_read_option(node, "padding", LCE_PADDING_SAME, LCE_PADDING_VALID, &s.padding, why)) {
    return false;
  }
  if (kernel == NULL) return true;
  op->state = malloc(sizeof s);
  if (op->state == NULL) return lce_refuse(why, "out of memory");
  memcpy(op->state, &s, sizeof s);
  return true;
}

static bool pool_prepare(lce_operator* op, const lce_shape* const* inputs, lce_shape* output,
                         size_t* scratch_bytes, lce_reason* why) {
  pool_state* s = op->state;
  if (inputs[0]->rank != 4) {
    return lce_refuse(why, "its input has %d dimensions, expected 4", inputs[0]->rank);
  }
  s->batch = inputs[0]->dims[0];
  s->y.input = inputs[0]->dims[1];
  s->x.input = inputs[0]->dims[2];
  s->words = inputs[0]->dims[3];
  if (!lce_prepare_axis(&s->y, s->padding, "height", why) ||
      !lce_prepare_axis(&s->x, s->padding, "width", why)) {
    return false;
  }
  *output = (lce_shape){4, {s->batch, s->y.output, s->x.output, s->words}};
  *scratch_bytes = 0;
  return true;
}

typedef struct {
  const pool_state* state;
  const uint32_t* input;
  uint32_t* output;
} pool_job;

// The positions [*begin, *end) of the input that window number `i` covers; there is at least one.
static void covered(const lce_axis* axis, int32_t i, int32_t* begin, int32_t* end) {
  const int64_t first = (int64_t)i * axis->stride - axis->before;
  const int64_t past = first + axis->filter;
  *begin = first < 0 ? 0 : (int32_t)first;
  *end = past > axis->input ? axis->input : (int32_t)past;
}

static void pool_rows(void* argument, size_t begin, size_t end) {
  const pool_job* job = argument;
  const pool_state* s = job->state;
  const size_t words = (size_t)s->words, width = (size_t)s->x.input;
  for (size_t row = begin; row < end; ++row) {
    const size_t image = row / (size_t)s->y.output;
    int32_t top, bottom, left, right;
    covered(&s->y, (int32_t)(row % (size_t)s->y.output), &top, &bottom);
    for (int32_t x = 0; x < s->x.output; ++x) {
      covered(&s->x, x, &left, &right);
      uint32_t* to = job->output + (row * (size_t)s->x.output + (size_t)x) * words;
      memset(to, 0xff, words * sizeof *to);
      for (int32_t v = top; v < bottom; ++v) {
        for (int32_t u = left; u < right; ++u) {
          const size_t at = (image * (size_t)s->y.input + (size_t)v) * width + (size_t)u;
          const uint32_t* from = job->input + at * words;
          for (size_t k = 0; k < words; ++k) to[k] &= from[k];
        }
      }
    }
  }
}

static void pool_invoke(const lce_operator* op, const void* const* inputs, void* output,
                        void* scratch, lce_thread_pool* pool) {
  (void)scratch;
  pool_job job = {op->state, inputs[0], output};
  lce_thread_pool_run(pool, pool_rows, &job,
                      (size_t)job.state->batch * (size_t)job.state->y.output);
}

const lce_operator_type lce_bmaxpool2d_type = {
    .name = "LceBMaxPool2d",
    .data_inputs = 1,
    .init = pool_init,
    .prepare = pool_prepare,
    .invoke = pool_invoke,
};
