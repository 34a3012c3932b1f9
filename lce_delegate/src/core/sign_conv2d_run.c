#include <string.h>

#include "sign_conv2d.h"
#include "subnormals.h"

typedef struct {
  const lce_sign_conv2d* op;
  const float* input;
  int16_t* buffer;
  uint8_t* whole;  // of each row of the buffer
  void* output;
  size_t pitch;
} sign_job;

// Copies rows of the image to the padded buffer, as int16.
static void copy_rows(void* argument, int worker, size_t begin, size_t end) {
  (void)worker;
  const sign_job* job = argument;
  const lce_sign_conv2d* s = job->op;
  const float limit = (float)(32767 / lce_sign_taps(s));
  const size_t left = (size_t)s->x.before;
  size_t columns = s->buffer_width - left;
  if (columns > (size_t)s->x.input) columns = (size_t)s->x.input;
  for (size_t row = begin; row < end; ++row) {
    int16_t* to = job->buffer + row * s->buffer_width;
    memset(to, 0, s->buffer_width * sizeof *to);
    const size_t image = row / s->buffer_height;
    const int64_t y = (int64_t)(row % s->buffer_height) - s->y.before;
    int whole = 1;
    if (y >= 0 && y < s->y.input) {
      const size_t from_row = image * (size_t)s->y.input + (size_t)y;
      const float* from = job->input + from_row * (size_t)s->x.input;
      for (size_t x = 0; x < columns; ++x) {
        float value = from[x] > -limit ? from[x] : -limit;  // also of NaN
        value = value < limit ? value : limit;
        to[left + x] = (int16_t)value;
        whole &= (float)(int16_t)value == from[x];
      }
    }
    job->whole[row] = (uint8_t)whole;
  }
}

static void convolve_whole_rows(void* argument, int worker, size_t begin, size_t end) {
  (void)worker;
  const sign_job* job = argument;
  const lce_sign_conv2d* s = job->op;
  const size_t height = (size_t)s->y.output, width = (size_t)s->x.output;
  const int taps = lce_sign_taps(s), words = lce_words(s->channels);
  for (size_t row = begin; row < end; ++row) {
    const size_t top = row / height * s->buffer_height + row % height * (size_t)s->y.stride;
    const int16_t* addresses[LCE_MAX_SIGN_TAPS];
    for (int t = 0; t < taps; ++t) {
      const size_t v = (size_t)(t / s->x.filter) * (size_t)s->y.dilation;
      const size_t u = (size_t)(t % s->x.filter) * (size_t)s->x.dilation;
      addresses[t] = job->buffer + (top + v) * s->buffer_width + u;
    }
    for (size_t block = 0; block < s->blocks; ++block) {
      const int left = words - 2 * (int)block;
      const lce_sign_block weights = {
          taps, s->weights + block * (size_t)taps * LCE_BLOCK_CHANNELS,
          s->limits + block * LCE_BLOCK_CHANNELS, left < 2 ? left : 2};
      s->kernel->convolve_signs(addresses, (size_t)s->x.stride, width, &weights,
                                (uint32_t*)job->output + row * width * job->pitch + 2 * block,
                                job->pitch);
    }
  }
}

// The sums of a block of channels for one pixel of numbers of any kind.
static void sum_reals(const lce_sign_conv2d* s, const float* image, int32_t y, int32_t x,
                      size_t block, float sums[LCE_BLOCK_CHANNELS]) {
  const int taps = lce_sign_taps(s);
  const int16_t* weights = s->weights + block * (size_t)taps * LCE_BLOCK_CHANNELS;
  memcpy(sums, s->bias + block * LCE_BLOCK_CHANNELS, LCE_BLOCK_CHANNELS * sizeof *sums);
  for (int t = 0; t < taps; ++t, weights += LCE_BLOCK_CHANNELS) {
    const int64_t v = (int64_t)y * s->y.stride - s->y.before +
                      (int64_t)(t / s->x.filter) * s->y.dilation;
    const int64_t u = (int64_t)x * s->x.stride - s->x.before +
                      (int64_t)(t % s->x.filter) * s->x.dilation;
    const bool inside = v >= 0 && v < s->y.input && u >= 0 && u < s->x.input;
    const float value = inside ? image[v * s->x.input + u] : 0.0f;
    for (int c = 0; c < LCE_BLOCK_CHANNELS; ++c) sums[c] += (float)weights[c] * value;
  }
}

static void write_sums(const sign_job* job, const float* sums, size_t pixel, size_t block) {
  const lce_sign_conv2d* s = job->op;
  const size_t first = block * LCE_BLOCK_CHANNELS, left = (size_t)s->channels - first;
  const size_t count = left < LCE_BLOCK_CHANNELS ? left : LCE_BLOCK_CHANNELS;
  if (s->output_type == LCE_FLOAT32) {
    memcpy((float*)job->output + pixel * job->pitch + first, sums, count * sizeof *sums);
    return;
  }
  const float smallest = 0x1p-126f;  // what is smaller counts as 0, subnormals.h
  uint32_t bits[2] = {0, 0};
  for (size_t c = 0; c < count; ++c) {
    bits[c / 32] |= (uint32_t)(sums[c] <= -smallest) << (c % 32);
  }
  memcpy((uint32_t*)job->output + pixel * job->pitch + 2 * block, bits,
         (size_t)(count > 32 ? 2 : 1) * sizeof *bits);
}

static void convolve_real_rows(void* argument, int worker, size_t begin, size_t end) {
  (void)worker;
  const sign_job* job = argument;
  const lce_sign_conv2d* s = job->op;
  const lce_float_state before = lce_keep_subnormals();  // as in the runtime's CONV_2D
  for (size_t row = begin; row < end; ++row) {
    const size_t image = row / (size_t)s->y.output;
    const int32_t y = (int32_t)(row % (size_t)s->y.output);
    const float* from = job->input + image * (size_t)s->y.input * (size_t)s->x.input;
    for (int32_t x = 0; x < s->x.output; ++x) {
      for (size_t block = 0; block < s->blocks; ++block) {
        float sums[LCE_BLOCK_CHANNELS];
        sum_reals(s, from, y, x, block, sums);
        write_sums(job, sums, row * (size_t)s->x.output + (size_t)x, block);
      }
    }
  }
  lce_restore_subnormals(before);
}

void lce_sign_conv2d_run(const lce_operator* op, const lce_run* run) {
  const lce_sign_conv2d* s = (const lce_sign_conv2d*)op;
  const bool packs = s->output_type == LCE_BITS;
  const size_t own = (size_t)(packs ? lce_words(s->channels) : s->channels);
  const size_t rows = (size_t)s->batch * s->buffer_height;
  sign_job job = {s, run->inputs[0], run->scratch, NULL, run->output,
                  packs && run->pitch != 0 ? run->pitch : own};
  bool whole = packs;
  if (packs) {
    job.whole = (uint8_t*)(job.buffer + rows * s->buffer_width);
    lce_execute(run->executor, copy_rows, &job, rows);
    for (size_t row = 0; row < rows; ++row) whole = whole && job.whole[row] != 0;
  }
  lce_execute(run->executor, whole ? convolve_whole_rows : convolve_real_rows, &job,
              (size_t)s->batch * (size_t)s->y.output);
}
