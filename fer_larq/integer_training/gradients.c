// The gradients of kernels.py: products of matrices of unsigned by signed bytes, tile by tile.
//
// Every function does the share of its work that a range names, so that the caller's threads divide
// it among them.
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "packing.h"
#include "tile.h"

API void integer_maxima(const float *gradient, int first, int last, int pixels, int channels,
                        float *maxima) {
  packing->maxima(gradient, first, last, pixels, channels, maxima);
}

API void integer_gradient_rows(const float *gradient, int first, int last, int height, int width,
                               int channels, const float *inverse_scales, uint8_t *rows) {
  packing->gradient_rows(gradient, first, last, height, width, channels, inverse_scales, rows);
}

API void integer_gradient_panels(const float *gradient, int first, int last, int images, int pixels,
                                 int channels, const float *inverse_scales, int lanes,
                                 int8_t *panels, int32_t *sums) {
  packing->gradient_panels(gradient, first, last, images, pixels, channels, inverse_scales, lanes,
                           panels, sums);
}

API void integer_planes(const uint32_t *signs, int first, int last, int images, int pixels,
                        int channels, int lanes, ptrdiff_t pitch, uint8_t *planes) {
  packing->planes(signs, first, last, images, pixels, channels, lanes, pitch, planes);
}

API void integer_kernel_panels(const float *kernel, int first, int last, int inputs, int outputs,
                               int8_t *panels, int32_t *sums) {
  packing->kernel_panels(kernel, first, last, inputs, outputs, panels, sums);
}

// Memory for bytes, aligned to a cache line, or NULL.
static void *cache_lines(size_t bytes) {
  void *memory;
  return posix_memalign(&memory, 64, bytes) == 0 ? memory : NULL;
}

// Gradient for the activations, float [images][height][width][inputs]: the convolution of bytes with
// offset 128, [images][height + 2][width + 2][outputs], by panels of integer_kernel_panels,
//   scales[image] * (sum - 128 * kernel_sum),
// and zero where the size of an activation is above 1. For a range of blocks of 32 pixels, counted
// over all images. Returns 0, or -1 if there is no memory.
API int integer_activation_gradient(const uint8_t *bytes, int first, int last, int images,
                                    int height, int width, int outputs, const int8_t *panels,
                                    int inputs, const int32_t *kernel_sums, const float *scales,
                                    const float *activations, float *result) {
  const size_t line = (size_t)(width + 2) * outputs, run = (size_t)3 * outputs;
  // An odd number of cache lines: rows of a tile do not compete for the same places in the cache.
  const size_t pitch = 64 * ((3 * run + 63) / 64 | 1);
  const size_t pixels = (size_t)height * width, count = pixels * images;
  uint8_t *windows = cache_lines(ROWS * pitch);
  if (!windows) return -1;
  memset(windows, 0, ROWS * pitch);

  const ptrdiff_t start = 0;
  Tile tile = {
      .a = windows,
      .pitch = (ptrdiff_t)pitch,
      .segments = &start,
      .segment_count = 1,
      .steps = 9 * outputs / 4,
  };
  tile_kernel->begin();
  for (size_t pixel = (size_t)first * ROWS; pixel < (size_t)last * ROWS && pixel < count;
       pixel += ROWS) {
    const int rows = count - pixel < ROWS ? (int)(count - pixel) : ROWS;
    float row_scales[ROWS];
    for (int r = 0; r < rows; ++r) {
      const size_t image = (pixel + r) / pixels, y = (pixel + r) % pixels / width;
      const size_t x = (pixel + r) % width;
      const uint8_t *from = bytes + (image * (height + 2) + y) * line + x * outputs;
      for (int dy = 0; dy < 3; ++dy)
        memcpy(windows + r * pitch + dy * run, from + dy * line, run);
      row_scales[r] = scales[image];
    }
    for (int block = 0; block < inputs / COLUMNS; ++block) {
      TileSums sums = {{0}};
      tile.b = panels + (size_t)block * 9 * outputs * COLUMNS;
      tile_kernel->run(&tile, sums);
      for (int r = 0; r < rows; ++r) {
        const size_t at = (pixel + r) * inputs + (size_t)block * COLUMNS;
        const float *restrict before = activations + at;
        float *restrict to = result + at;
        for (int c = 0; c < COLUMNS; ++c) {
          const int32_t sum = sums[r][c] - 128 * kernel_sums[block * COLUMNS + c];
          const float value = row_scales[r] * (float)sum;
          to[c] = fabsf(before[c]) <= 1 ? value : 0;
        }
      }
    }
  }
  tile_kernel->end();
  free(windows);
  return 0;
}

// Gradient for the kernel, float [9][inputs][outputs], from planes of activations
// [inputs][pitch] with [height + 2][width + 2][lanes] in a pitch, and panels of
// integer_gradient_panels:
//   result = scales[output] * (sum - column_sums[output])
// For a range of squares of 32 inputs by 32 outputs, those of the same outputs side by side.
API void integer_kernel_gradient(const uint8_t *planes, int first, int last, int height, int width,
                                 int lanes, int inputs, ptrdiff_t pitch, const int8_t *panels,
                                 int outputs, const int32_t *column_sums, const float *scales,
                                 float *result) {
  // A stretch of the sum, several lines of pixels, keeps its part of the planes and of the panel in
  // the second cache while the taps pass over it.
  enum { STRETCH = 512, MOST = 64 };
  const int steps = width * lanes / 4;  // of a line
  int together = STRETCH / steps;
  if (together < 1) together = 1;
  if (together > MOST) together = MOST;
  const ptrdiff_t line = (ptrdiff_t)(width + 2) * lanes;
  ptrdiff_t segments[MOST];
  for (int s = 0; s < together; ++s) segments[s] = s * line;

  tile_kernel->begin();
  for (int square = first; square < last; ++square) {
    const int output = square / (inputs / ROWS) * COLUMNS, input = square % (inputs / ROWS) * ROWS;
    TileSums sums[9];
    memset(sums, 0, sizeof sums);
    for (int y = 0; y < height; y += together) {
      Tile tile = {
          .pitch = pitch,
          .segments = segments,
          .segment_count = height - y < together ? height - y : together,
          .steps = steps,
          .b = panels + ((size_t)output * height + (size_t)y * COLUMNS) * width * lanes,
      };
      for (int tap = 0; tap < 9; ++tap) {
        tile.a = planes + input * pitch + (y + tap / 3) * line + tap % 3 * lanes;
        tile_kernel->run(&tile, sums[tap]);
      }
    }
    for (int tap = 0; tap < 9; ++tap) {
      for (int r = 0; r < ROWS; ++r) {
        float *to = result + ((size_t)tap * inputs + input + r) * outputs + output;
        for (int c = 0; c < COLUMNS; ++c)
          to[c] = scales[output + c] * (float)(sums[tap][r][c] - column_sums[output + c]);
      }
    }
  }
  tile_kernel->end();
}
