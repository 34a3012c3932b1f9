// Running a planned convolution: padding, tiles of pixels by blocks of channels, and what is written.
#include <string.h>

#include "bconv2d.h"

// Copies a row of the input into one of the buffer's planes, between padding of bits 0 (+1).
static void copy_row(const lce_bconv2d* s, const uint32_t* from, uint32_t* to) {
  const size_t input_words = (size_t)lce_words(s->channels_in);
  const size_t left = (size_t)s->x.before;
  size_t columns = s->buffer_width - left;
  if (columns > (size_t)s->x.input) columns = (size_t)s->x.input;
  memset(to, 0, left * s->pixel_words * sizeof *to);
  to += left * s->pixel_words;
  if (s->planes > 1) {
    for (size_t x = 0; x < columns; ++x) to[x] = from[x * input_words];
  } else if (s->expand != NULL) {
    s->expand(from, columns * input_words, to);
  } else {
    memcpy(to, from, columns * input_words * sizeof *to);
  }
  to += columns * s->pixel_words;
  memset(to, 0, (s->buffer_width - left - columns) * s->pixel_words * sizeof *to);
}

static void copy_rows(void* argument, int worker, size_t begin, size_t end) {
  (void)worker;
  const lce_bconv2d_job* job = argument;
  const lce_bconv2d* s = job->op;
  const size_t input_row = (size_t)s->x.input * (size_t)lce_words(s->channels_in);
  const size_t row_words = s->buffer_width * s->pixel_words;
  for (size_t row = begin; row < end; ++row) {
    const size_t image = row / s->buffer_height;
    const int64_t y = (int64_t)(row % s->buffer_height) - s->y.before;
    const bool padding = y < 0 || y >= s->y.input;
    for (size_t plane = 0; plane < s->planes; ++plane) {
      uint32_t* to = job->buffer + plane * s->plane_words + row * row_words;
      if (padding) {
        memset(to, 0, row_words * sizeof *to);
      } else {
        copy_row(s, job->input + (image * (size_t)s->y.input + (size_t)y) * input_row + plane, to);
      }
    }
  }
}

// What the padded taps of the window at output (y, x) amount to, for `count` channels: the sum over
// these taps of C - 2 popcount, C being the channels of a tap. False if no tap is padded.
static bool padded_sum(const lce_bconv2d* s, int32_t y, int32_t x, size_t first_padded, int count,
                       int32_t sum[LCE_BLOCK_CHANNELS]) {
  int32_t top, bottom, left, right;
  lce_taps_inside(&s->y, y, &top, &bottom);
  lce_taps_inside(&s->x, x, &left, &right);
  if (top == 0 && bottom == s->y.filter && left == 0 && right == s->x.filter) return false;
  const int32_t channels = s->channels_in / s->groups;
  memset(sum, 0, (size_t)count * sizeof *sum);
  for (int32_t v = 0; v < s->y.filter; ++v) {
    for (int32_t u = 0; u < s->x.filter; ++u) {
      if (v >= top && v < bottom && u >= left && u < right) continue;
      const size_t tap = (size_t)v * (size_t)s->x.filter + (size_t)u;
      const int32_t* popcounts = s->tap_popcount + tap * s->padded_channels + first_padded;
      for (int c = 0; c < count; ++c) sum[c] += channels - 2 * popcounts[c];
    }
  }
  return true;
}

// Sets bits of a packed output row one by one, where groups do not begin at words.
static void merge_bits(const uint32_t bits[2], size_t first_channel, int count, uint32_t* row) {
  for (int c = 0; c < count; ++c) {
    const size_t channel = first_channel + (size_t)c;
    row[channel / 32] |= (bits[c / 32] >> (c % 32) & 1) << (channel % 32);
  }
}

static void write_merged_bits(const lce_bconv2d_job* job, const int32_t* accumulators,
                              size_t pixel, size_t first_channel, size_t first_padded, int count) {
  const lce_bconv2d* s = job->op;
  uint32_t bits[2];
  s->kernel->compare((const int32_t(*)[LCE_BLOCK_CHANNELS])accumulators, 1,
                     s->thresholds + first_padded, 2, bits, 2);
  merge_bits(bits, first_channel, count, (uint32_t*)job->output + pixel * job->pitch);
}

static void write_reals(const lce_bconv2d_job* job, const int32_t* accumulators, size_t at,
                        size_t first_padded, int count, const int32_t* result_correction) {
  const lce_bconv2d* s = job->op;
  const lce_output_transform transform = {s->clamp_min, s->clamp_max,
                                          s->multiplier + first_padded, s->bias + first_padded};
  if (s->output_type == LCE_INT8) {
    s->kernel->to_int8(accumulators, &transform, count, (int8_t*)job->output + at);
    return;
  }
  float* output = (float*)job->output + at;
  s->kernel->to_float(accumulators, &transform, count, output);
  if (result_correction == NULL) return;
  for (int c = 0; c < count; ++c) {
    const float part = transform.multiplier[c] * (float)result_correction[c];
    output[c] += part;
  }
}

// One pixel, where there is more to do than to compare.
static void write_pixel(const lce_bconv2d_job* job, int32_t* accumulators, const lce_position* at,
                        size_t first_channel, size_t first_padded, int count) {
  const lce_bconv2d* s = job->op;
  int32_t sum[LCE_BLOCK_CHANNELS];
  const bool corrects = s->correction != CORRECT_NOTHING &&
                        padded_sum(s, (int32_t)at->y, (int32_t)at->x, first_padded, count, sum);
  if (corrects && s->correction == CORRECT_ACCUMULATOR) {
    for (int c = 0; c < count; ++c) accumulators[c] += sum[c] / 2;
  }
  if (lce_groups_share_words(s)) {
    write_merged_bits(job, accumulators, at->pixel, first_channel, first_padded, count);
  } else if (s->output_type == LCE_BITS) {
    s->kernel->compare((const int32_t(*)[LCE_BLOCK_CHANNELS])accumulators, 1,
                       s->thresholds + first_padded, count > 32 ? 2 : 1,
                       (uint32_t*)job->output + at->pixel * job->pitch + first_channel / 32, 0);
  } else {
    write_reals(job, accumulators, at->pixel * job->pitch + first_channel, first_padded, count,
                corrects && s->correction == CORRECT_RESULT ? sum : NULL);
  }
}

void lce_bconv2d_write(const lce_bconv2d_job* job, int32_t (*accumulators)[LCE_BLOCK_CHANNELS],
                       const lce_position* at, int pixels, size_t block, int count) {
  const lce_bconv2d* s = job->op;
  const size_t first_padded = block * LCE_BLOCK_CHANNELS;
  const size_t first_channel =
      block / s->blocks * s->group_channels + block % s->blocks * LCE_BLOCK_CHANNELS;
  if (s->output_type == LCE_BITS && s->correction == CORRECT_NOTHING && !lce_groups_share_words(s)) {
    s->kernel->compare((const int32_t(*)[LCE_BLOCK_CHANNELS])accumulators, pixels,
                       s->thresholds + first_padded, count > 32 ? 2 : 1,
                       (uint32_t*)job->output + at->pixel * job->pitch + first_channel / 32,
                       job->pitch);
    return;
  }
  lce_position place = *at;
  for (int p = 0; p < pixels; ++p) {
    write_pixel(job, accumulators[p], &place, first_channel, first_padded, count);
    lce_next_position(s, &place);
  }
}

// Tiles [begin, end) of all pixels, for one block of channels.
static void convolve_block(const lce_bconv2d_job* job, size_t block, size_t begin, size_t end) {
  const lce_bconv2d* s = job->op;
  const size_t group = block / s->blocks;
  const size_t in_group = block % s->blocks * LCE_BLOCK_CHANNELS;
  const size_t left = s->group_channels - in_group;
  const int count = left < LCE_BLOCK_CHANNELS ? (int)left : LCE_BLOCK_CHANNELS;
  const uint32_t* weights = s->weights + group * s->group_weight_words +
                            lce_packed_weights_words(s->kernel, in_group, s->window_words);

  const size_t pixel_bytes = s->pixel_words * sizeof(uint32_t);
  const size_t group_bytes = pixel_bytes / (size_t)lce_words(s->channels_in) * s->group_words;
  const size_t step = (size_t)s->x.stride * pixel_bytes;  // from a pixel to its right neighbour
  const uint8_t* activations = (const uint8_t*)(s->copies ? job->buffer : job->input);
  activations += group * group_bytes;

  const size_t height = (size_t)s->y.output, width = (size_t)s->x.output;
  const size_t tile_pixels = (size_t)s->kernel->tile_pixels;
  const size_t pixel = begin * tile_pixels;
  size_t pixel_end = end * tile_pixels;
  if (pixel_end > (size_t)s->batch * height * width) pixel_end = (size_t)s->batch * height * width;
  lce_position at = {pixel, pixel / (height * width), pixel / width % height, pixel % width};

  lce_accumulators accumulators;
  memset(accumulators, 0, sizeof accumulators);  // lanes past the last channel are read, not used
  while (at.pixel < pixel_end) {
    const size_t rest = pixel_end - at.pixel;
    const int pixels = rest < tile_pixels ? (int)rest : (int)tile_pixels;
    const uint8_t* addresses[LCE_MAX_TILE_PIXELS];
    const lce_position first = at;
    for (int p = 0; p < pixels; ++p) {
      const size_t row = at.image * s->buffer_height + at.y * (size_t)s->y.stride;
      addresses[p] = activations + row * s->buffer_width * pixel_bytes + at.x * step;
      lce_next_position(s, &at);
    }
    s->kernel->accumulate(&s->window, addresses, pixels, weights, count, accumulators);
    lce_bconv2d_write(job, accumulators, &first, pixels, block, count);
  }
}

// A unit of work is one tile of pixels for one block of channels; tiles of a block are neighbours,
// so that a thread's weights stay in its cache.
static void convolve_units(void* argument, int worker, size_t begin, size_t end) {
  (void)worker;
  const lce_bconv2d_job* job = argument;
  const size_t tiles = job->op->tiles;
  while (begin < end) {
    const size_t block = begin / tiles, first = begin % tiles;
    const size_t last = end - begin < tiles - first ? first + (end - begin) : tiles;
    convolve_block(job, block, first, last);
    begin += last - first;
  }
}

void lce_bconv2d_run(const lce_operator* op, const lce_run* run) {
  const lce_bconv2d* s = (const lce_bconv2d*)op;
  const bool packs = s->output_type == LCE_BITS;
  const size_t own = (size_t)(packs ? lce_words(s->channels_out) : s->channels_out);
  lce_bconv2d_job job = {s, run->inputs[0], run->scratch, run->output,
                   packs && run->pitch != 0 ? run->pitch : own};
  if (s->copies) {
    lce_execute(run->executor, copy_rows, &job, (size_t)s->batch * s->buffer_height);
  }
  const size_t units = s->tiles * s->blocks * (size_t)s->groups;
  if (lce_groups_share_words(s)) {  // threads must not write to one word
    const size_t pixels = (size_t)s->batch * (size_t)s->y.output * (size_t)s->x.output;
    for (size_t pixel = 0; pixel < pixels; ++pixel) {
      memset((uint32_t*)run->output + pixel * job.pitch, 0, own * sizeof(uint32_t));
    }
    convolve_units(&job, 0, 0, units);
  } else if (s->multiplies) {
    lce_execute(run->executor, lce_bconv2d_multiply_units, &job, units);
  } else {
    lce_execute(run->executor, convolve_units, &job, units);
  }
}
