// Convolution by products of matrices, for kernels that have one and layers of many pixels.
//
// The pixels of a product are neighbours in the padded buffer, row after row, so that one address and
// one distance tell where they are. The few that straddle two rows have no output and are dropped.
#include "bconv2d.h"

// Halves of a block's channels: LCE_MATRIX_SIDE of them.
enum { HALVES = LCE_BLOCK_CHANNELS / LCE_MATRIX_SIDE };

// Words of the packed weights of so many channels, and bytes of them as they are multiplied.
static size_t side_words(const lce_bconv2d* s) { return s->window_words * LCE_MATRIX_SIDE; }
static size_t side_bytes(const lce_bconv2d* s) { return 4 * side_words(s) * (size_t)s->kernel->matrix->bits; }

bool lce_bconv2d_build_matrix(lce_bconv2d* s, const uint32_t* weights) {
  const lce_matrix* matrix = s->kernel->matrix;
  const bool fits = matrix != NULL && s->groups == 1 && s->y.stride == 1 && s->x.stride == 1 &&
                    s->group_words % (size_t)matrix->step_words == 0;
  if (!fits) return true;
  const size_t sides = s->padded_channels / LCE_MATRIX_SIDE;
  s->sides = lce_allocate_zeros(sides * side_words(s), sizeof *s->sides);
  s->counts = lce_allocate_zeros(s->padded_channels, sizeof *s->counts);
  if (s->sides == NULL || s->counts == NULL) return false;
  for (size_t c = 0; c < (size_t)s->channels_out; ++c) {
    const uint32_t* from = weights + c * s->window_words;
    for (size_t k = 0; k < s->window_words; ++k) s->counts[c] += __builtin_popcount(from[k]);
  }
  for (size_t c = 0; c < (size_t)s->channels_out; c += LCE_MATRIX_SIDE) {
    const size_t left = (size_t)s->channels_out - c;
    matrix->pack(weights + c * s->window_words, left < LCE_MATRIX_SIDE ? left : LCE_MATRIX_SIDE,
                 s->window_words, s->sides + c / LCE_MATRIX_SIDE * side_words(s));
  }
  return true;
}

// Positions of the buffer from the first pixel to the last.
static size_t positions(const lce_bconv2d* s, size_t height, size_t width) {
  const size_t last = ((size_t)s->batch - 1) * height + (size_t)s->y.output - 1;
  return last * width + (size_t)s->x.output;
}

bool lce_bconv2d_prefers_matrix(const lce_bconv2d* s, const lce_axis* y, const lce_axis* x) {
  if (s->sides == NULL) return false;
  const size_t height = (size_t)y->output + (size_t)lce_window_span(y) - 1;
  const size_t width = (size_t)x->output + (size_t)lce_window_span(x) - 1;
  if (height > 4 * (size_t)y->output + 8 || width > 4 * (size_t)x->output + 8) return false;
  const size_t pixels = (size_t)s->batch * (size_t)y->output * (size_t)x->output;
  const size_t tiles = (positions(s, height, width) + LCE_MATRIX_SIDE - 1) / LCE_MATRIX_SIDE;
  const lce_matrix* matrix = s->kernel->matrix;
  return pixels > (size_t)matrix->step_cost + (size_t)matrix->tile_cost * tiles;
}

void lce_bconv2d_plan_matrix(lce_bconv2d* s, int workers, size_t* scratch_bytes) {
  const size_t alignment = 64, pixel_bytes = s->pixel_words * sizeof(uint32_t);
  s->tiles = (positions(s, s->buffer_height, s->buffer_width) + LCE_MATRIX_SIDE - 1) / LCE_MATRIX_SIDE;
  // The last product reads past the last pixel; and weights that are expanded are aligned, whatever the
  // scratch is.
  const size_t buffer = *scratch_bytes + LCE_MATRIX_SIDE * pixel_bytes;
  s->matrix_offset = (buffer + alignment - 1) / alignment * alignment;
  s->matrix_bytes = s->kernel->matrix->expand_weights != NULL ? HALVES * side_bytes(s) : 0;
  *scratch_bytes = s->matrix_offset + alignment + (size_t)workers * s->matrix_bytes;
}

// The weights of a block as they are multiplied.
static const void* weights_of(const lce_bconv2d_job* job, int worker, size_t block, int halves) {
  const lce_bconv2d* s = job->op;
  const uint32_t* packed = s->sides + block * HALVES * side_words(s);
  if (s->kernel->matrix->expand_weights == NULL) return packed;
  const uintptr_t first = (uintptr_t)job->buffer + s->matrix_offset;
  const size_t shift = (64 - first % 64) % 64;
  int8_t* weights =
      (int8_t*)job->buffer + s->matrix_offset + shift + (size_t)worker * s->matrix_bytes;
  s->kernel->matrix->expand_weights(packed, (size_t)halves * side_words(s), weights);
  return weights;
}

// Writes the pixels of a product that starts at a place of the buffer, row by row.
static void write_side(const lce_bconv2d_job* job, int32_t (*accumulators)[LCE_BLOCK_CHANNELS],
                       size_t place, size_t block, int count) {
  const lce_bconv2d* s = job->op;
  const size_t height = (size_t)s->y.output, width = (size_t)s->x.output;
  for (size_t p = 0; p < LCE_MATRIX_SIDE;) {
    const size_t x = (place + p) % s->buffer_width, row = (place + p) / s->buffer_width;
    const lce_position at = {0, row / s->buffer_height, row % s->buffer_height, x};
    const size_t rest = s->buffer_width - x, room = LCE_MATRIX_SIDE - p;
    if (at.image < (size_t)s->batch && at.y < height && x < width) {
      const size_t pixels = width - x < room ? width - x : room;
      lce_position first = at;
      first.pixel = (at.image * height + at.y) * width + x;
      lce_bconv2d_write(job, accumulators + p, &first, (int)pixels, block, count);
    }
    p += rest;
  }
}

// Tiles [begin, end) of all positions, for one block of channels.
static void multiply_block(const lce_bconv2d_job* job, int worker, size_t block, size_t begin,
                           size_t end) {
  const lce_bconv2d* s = job->op;
  const lce_matrix* matrix = s->kernel->matrix;
  const size_t left = (size_t)s->channels_out - block * LCE_BLOCK_CHANNELS;
  const int count = left < LCE_BLOCK_CHANNELS ? (int)left : LCE_BLOCK_CHANNELS;
  const int halves = (count + LCE_MATRIX_SIDE - 1) / LCE_MATRIX_SIDE;
  const uint8_t* weights = weights_of(job, worker, block, halves);

  const size_t pixel_bytes = s->pixel_words * sizeof(uint32_t);
  const size_t distance = lce_multiplies_bits(s) ? s->plane_words * sizeof(uint32_t) : pixel_bytes;
  int32_t accumulators[LCE_MATRIX_SIDE][LCE_BLOCK_CHANNELS];
  for (int p = 0; p < LCE_MATRIX_SIDE; ++p) {  // half a block that is not there is read, not used
    for (int c = 0; c < LCE_BLOCK_CHANNELS; ++c) accumulators[p][c] = 0;
  }
  for (size_t tile = begin; tile < end; ++tile) {
    const uint8_t* pixels = (const uint8_t*)job->buffer + tile * LCE_MATRIX_SIDE * pixel_bytes;
    for (int half = 0; half < halves; ++half) {
      const int first = half * LCE_MATRIX_SIDE;
      matrix->multiply(&s->window, pixels, distance, weights + (size_t)half * side_bytes(s),
                       s->counts + block * LCE_BLOCK_CHANNELS + first,
                       (int32_t(*)[LCE_BLOCK_CHANNELS])&accumulators[0][first]);
    }
    write_side(job, accumulators, tile * LCE_MATRIX_SIDE, block, count);
  }
}

void lce_bconv2d_multiply_units(void* argument, int worker, size_t begin, size_t end) {
  const lce_bconv2d_job* job = argument;
  const size_t tiles = job->op->tiles;
  job->op->kernel->matrix->begin();
  while (begin < end) {
    const size_t block = begin / tiles, first = begin % tiles;
    const size_t last = end - begin < tiles - first ? first + (end - begin) : tiles;
    multiply_block(job, worker, block, first, last);
    begin += last - first;
  }
  job->op->kernel->matrix->end();
}
