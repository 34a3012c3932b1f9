// The gradients of kernels.py: products of matrices of unsigned by signed bytes, tile by tile.
//
// Every function does the share of its work that a range names, so that the caller's threads divide
// it among them.
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tile.h"

// Memory for bytes, aligned to a cache line, or NULL.
static void *cache_lines(size_t bytes) {
  void *memory;
  return posix_memalign(&memory, 64, bytes) == 0 ? memory : NULL;
}

// Copies bytes whose number is a multiple of 32.
static inline void copy(uint8_t *restrict to, const uint8_t *restrict from, size_t bytes) {
  size_t i = 0;
  for (; i + 64 <= bytes; i += 64) memcpy(to + i, from + i, 64);
  if (i < bytes) memcpy(to + i, from + i, 32);
}

// Gradient for the activations, float [images][height][width][inputs]: the convolution of bytes
// with offset 128, [images][height + 2 border][width + 2 border][outputs], by panels of
// integer_kernel_panels,
//   scales[image] * (sum - 128 * kernel_sum),
// and zero where the size of an activation is above 1. For a range of blocks of 32 pixels, counted
// over all images. Returns 0, or -1 if there is no memory.
API int KERNEL(activation_gradient)(const uint8_t *bytes, int first, int last, int images,
                                    int height, int width, int size, int outputs,
                                    const int8_t *panels, int inputs, const int32_t *kernel_sums,
                                    const float *scales, const float *activations, float *result) {
  const int border = size / 2;
  const size_t line = (size_t)(width + 2 * border) * outputs, run = (size_t)size * outputs;
  // An odd number of cache lines: rows of a tile do not compete for the same places in the cache.
  const size_t pitch = 64 * ((size * run + 63) / 64 | 1);
  const size_t pixels = (size_t)height * width, count = pixels * images;
  uint8_t *windows = cache_lines(ROWS * pitch);
  if (!windows) return -1;
  memset(windows, 0, ROWS * pitch);

  const ptrdiff_t none = 0;
  Tile tile = {
      .a = windows,
      .pitch = (ptrdiff_t)pitch,
      .segments = &none,
      .segment_count = 1,
      .steps = size * size * outputs / 4,
  };
  tile_kernel->begin();
  const size_t end = (size_t)last * ROWS < count ? (size_t)last * ROWS : count;
  size_t pixel = (size_t)first * ROWS, image = pixel / pixels;
  int y = (int)(pixel % pixels) / width, x = (int)(pixel % pixels) % width;
  while (pixel < end) {
    const int rows = end - pixel < ROWS ? (int)(end - pixel) : ROWS;
    float row_scales[ROWS];
    for (int r = 0; r < rows; ++r) {
      const uint8_t *from =
          bytes + (image * (height + 2 * border) + y) * line + (size_t)x * outputs;
      for (int dy = 0; dy < size; ++dy)
        copy(windows + r * pitch + dy * run, from + dy * line, run);
      row_scales[r] = scales[image];
      if (++x < width) continue;
      x = 0;
      if (++y < height) continue;
      y = 0;
      ++image;
    }
    for (int block = 0; block < inputs; block += COLUMNS) {
      tile.b = panels + (size_t)block * size * size * outputs;
      int32_t offset[COLUMNS];
      for (int c = 0; c < COLUMNS; ++c) offset[c] = 128 * kernel_sums[block + c];
      const size_t start = pixel * inputs + block;
      for (int r = 0; r < rows; ++r) {  // on its way while the tile is computed
        for (int c = 0; c < COLUMNS; c += 16) {
          __builtin_prefetch(activations + start + (size_t)r * inputs + c);
          __builtin_prefetch(result + start + (size_t)r * inputs + c, 1);
        }
      }
      TileSums sums = {{0}};
      tile_kernel->run(&tile, sums);
      for (int r = 0; r < rows; ++r) {
        const float *restrict before = activations + start + (size_t)r * inputs;
        float *restrict to = result + start + (size_t)r * inputs;
        for (int c = 0; c < COLUMNS; ++c) {
          const float value = row_scales[r] * (float)(sums[r][c] - offset[c]);
          to[c] = fabsf(before[c]) <= 1 ? value : 0;
        }
      }
    }
    pixel += rows;
  }
  tile_kernel->end();
  free(windows);
  return 0;
}

// Gradient for the kernel, float [size][size][inputs][outputs], from planes of activations,
// [inputs][pitch] with lines [padded_width][lanes] in a pitch, and panels of height x width pixels
// of integer_gradient_panels:
//   result = scales[output] * (sum - column_sums[output])
// and zero where the size of a weight is above the limit. For a range of squares of 32 inputs by 32
// outputs, those of the same inputs side by side.
API void KERNEL(kernel_gradient)(const uint8_t *planes, int first, int last, int size,
                                 int padded_width, int height, int width, int lanes, int inputs,
                                 ptrdiff_t pitch, const int8_t *panels, int outputs,
                                 const int32_t *column_sums,
                                 const float *scales, const float *kernel, float limit,
                                 float *result) {
  // A stretch of the sum, several lines of pixels, keeps its part of the planes and of the panel in
  // the second cache while the taps pass over it.
  enum { STRETCH = 512, MOST = 64 };
  const int steps = width * lanes / 4;  // of a line
  int together = STRETCH / steps;
  if (together < 1) together = 1;
  if (together > MOST) together = MOST;
  const ptrdiff_t line = (ptrdiff_t)padded_width * lanes;
  ptrdiff_t segments[MOST];
  for (int s = 0; s < together; ++s) segments[s] = s * line;

  tile_kernel->begin();
  for (int square = first; square < last; ++square) {
    const int across = outputs / COLUMNS;
    const int input = square / across * ROWS, output = square % across * COLUMNS;
    TileSums sums[9];
    memset(sums, 0, sizeof *sums * (size_t)(size * size));
    for (int y = 0; y < height; y += together) {
      Tile tile = {
          .pitch = pitch,
          .segments = segments,
          .segment_count = height - y < together ? height - y : together,
          .steps = steps,
          .b = panels + ((size_t)output * height + (size_t)y * COLUMNS) * width * lanes,
      };
      for (int tap = 0; tap < size * size; ++tap) {
        tile.a = planes + input * pitch + (y + tap / size) * line + tap % size * lanes;
        tile_kernel->run(&tile, sums[tap]);
      }
    }
    for (int tap = 0; tap < size * size; ++tap) {
      for (int r = 0; r < ROWS; ++r) {
        const size_t start = ((size_t)tap * inputs + input + r) * outputs + output;
        const float *restrict before = kernel + start;
        float *restrict to = result + start;
        for (int c = 0; c < COLUMNS; ++c) {
          const int32_t sum = sums[tap][r][c] - column_sums[output + c];
          const float value = scales[output + c] * (float)sum;
          to[c] = fabsf(before[c]) <= limit ? value : 0;
        }
      }
    }
  }
  tile_kernel->end();
}
