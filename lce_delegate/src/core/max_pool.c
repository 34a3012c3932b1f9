// Max pool of bits: the largest of values that are +1 (bit 0) or -1 (bit 1) is the and of their bits.
#include <string.h>

#include "operator.h"

typedef struct {
  lce_operator base;
  lce_axis y, x;
  lce_padding padding;
  int32_t batch, words;
} max_pool;

static bool prepare(lce_operator* op, const lce_shape* inputs, int input_count, int workers,
                    lce_shape* output, size_t* scratch_bytes, lce_reason* why) {
  (void)input_count;
  (void)workers;
  (void)scratch_bytes;
  max_pool* s = (max_pool*)op;
  if (inputs->rank != 4) return lce_refuse(why, "its input has %d dimensions, expected 4", inputs->rank);
  s->batch = inputs->dims[0];
  s->y.input = inputs->dims[1];
  s->x.input = inputs->dims[2];
  s->words = inputs->dims[3];
  if (!lce_prepare_axis(&s->y, s->padding, "height", why) ||
      !lce_prepare_axis(&s->x, s->padding, "width", why)) {
    return false;
  }
  *output = (lce_shape){4, {s->batch, s->y.output, s->x.output, s->words}};
  return true;
}

typedef struct {
  const max_pool* op;
  const uint32_t* input;
  uint32_t* output;
  size_t pitch;
} pool_job;

// The positions [*begin, *end) of the input that window number `i` covers; there is at least one.
static void covered(const lce_axis* axis, int32_t i, int32_t* begin, int32_t* end) {
  const int64_t first = (int64_t)i * axis->stride - axis->before;
  const int64_t past = first + axis->filter;
  *begin = first < 0 ? 0 : (int32_t)first;
  *end = past > axis->input ? axis->input : (int32_t)past;
}

// A row of windows of any size.
static void pool_row(const pool_job* job, const uint32_t* image, int32_t y, uint32_t* to) {
  const max_pool* s = job->op;
  const size_t words = (size_t)s->words, width = (size_t)s->x.input;
  int32_t top, bottom, left, right;
  covered(&s->y, y, &top, &bottom);
  for (int32_t x = 0; x < s->x.output; ++x, to += job->pitch) {
    covered(&s->x, x, &left, &right);
    memset(to, 0xff, words * sizeof *to);
    for (int32_t v = top; v < bottom; ++v) {
      for (int32_t u = left; u < right; ++u) {
        const uint32_t* from = image + ((size_t)v * width + (size_t)u) * words;
        for (size_t k = 0; k < words; ++k) to[k] &= from[k];
      }
    }
  }
}

// A row of windows of two by two, the usual ones, all inside the image.
static void pool_row_2x2(const pool_job* job, const uint32_t* image, int32_t y, uint32_t* to) {
  const max_pool* s = job->op;
  const size_t words = (size_t)s->words, row = (size_t)s->x.input * words;
  const uint32_t* from = image + (size_t)y * (size_t)s->y.stride * row;
  const size_t step = (size_t)s->x.stride * words;
  if (words == 2) {  // 64 channels: a loop over two words costs more than they do
    for (int32_t x = 0; x < s->x.output; ++x, to += job->pitch, from += step) {
      to[0] = from[0] & from[2] & from[row] & from[row + 2];
      to[1] = from[1] & from[3] & from[row + 1] & from[row + 3];
    }
    return;
  }
  for (int32_t x = 0; x < s->x.output; ++x, to += job->pitch, from += step) {
    for (size_t k = 0; k < words; ++k) {
      to[k] = from[k] & from[k + words] & from[k + row] & from[k + row + words];
    }
  }
}

static void pool_rows(void* argument, int worker, size_t begin, size_t end) {
  (void)worker;
  const pool_job* job = argument;
  const max_pool* s = job->op;
  const bool plain = s->padding == LCE_VALID && s->y.filter == 2 && s->x.filter == 2;
  const size_t image_words = (size_t)s->y.input * (size_t)s->x.input * (size_t)s->words;
  for (size_t row = begin; row < end; ++row) {
    const uint32_t* image = job->input + row / (size_t)s->y.output * image_words;
    const int32_t y = (int32_t)(row % (size_t)s->y.output);
    uint32_t* to = job->output + row * (size_t)s->x.output * job->pitch;
    if (plain) {
      pool_row_2x2(job, image, y, to);
    } else {
      pool_row(job, image, y, to);
    }
  }
}

static void run(const lce_operator* op, const lce_run* run) {
  const max_pool* s = (const max_pool*)op;
  pool_job job = {s, run->inputs[0], run->output, run->pitch != 0 ? run->pitch : (size_t)s->words};
  lce_execute(run->executor, pool_rows, &job, (size_t)s->batch * (size_t)s->y.output);
}

static const lce_operator_type TYPE = {.name = "LceBMaxPool2d", .prepare = prepare, .run = run};

lce_operator* lce_max_pool2d_create(const lce_window2d* window, lce_reason* why) {
  max_pool s = {.padding = window->padding};
  if (!lce_read_window(window, &s.y, &s.x, why)) return NULL;
  if (s.y.dilation != 1 || s.x.dilation != 1) {
    lce_refuse(why, "its dilation is %d x %d, expected 1 x 1", (int)s.y.dilation, (int)s.x.dilation);
    return NULL;
  }
  return lce_operator_new(&TYPE, &s, sizeof s, why);
}
