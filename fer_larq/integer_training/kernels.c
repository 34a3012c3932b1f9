// The kernels of kernels.py, which describes their layouts and arithmetic, for AVX2.
//
// The convolution is lce_delegate's; the gradients rest on the matrix product of unsigned by signed
// bytes of tile.h. Every function does the share of its work that a range names, so that the
// caller's threads divide it among them.

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/kernel.h"
#include "tile.h"

// Noise in [0, 1) for stochastic rounding: a hash of the rounded value and its place, so that a
// training repeats bit for bit.
static inline float noise(float value, uint32_t place) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  bits = (bits ^ (place * 0x9E3779B1u)) * 0x85EBCA6Bu;
  bits = (bits ^ (bits >> 15)) * 0xC2B2AE35u;
  return (float)(bits >> 8) * 0x1p-24f;
}

// value * inverse_scale is in [-127, 127]; the result is it, rounded up or down, plus 128.
static inline uint8_t rounded(float value, float inverse_scale, uint32_t place) {
  return (uint8_t)(int32_t)(value * inverse_scale + 128.0f + noise(value, place));
}

static const lce_kernel *sign_kernel(void) { return lce_find_kernel(NULL); }

// ---- The convolution. A bit 1 means -1, and 32 channels make a word.

// Activations float [images][height][width][channels] to the bits of their signs, with a border of
// one pixel of +1, [images][height + 2][width + 2][channels / 32].
API void integer_signs(const float *activations, int first, int last, int height, int width,
                       int channels, uint32_t *signs) {
  const size_t words = (size_t)channels / 32, line = (size_t)(width + 2) * words;
  const lce_kernel *kernel = sign_kernel();
  for (int image = first; image < last; ++image) {
    uint32_t *to = signs + (size_t)image * (height + 2) * line;
    memset(to, 0, sizeof(uint32_t) * line);
    memset(to + (height + 1) * line, 0, sizeof(uint32_t) * line);
    for (int y = 0; y < height; ++y) {
      uint32_t *row = to + (y + 1) * line;
      memset(row, 0, sizeof(uint32_t) * words);
      memset(row + line - words, 0, sizeof(uint32_t) * words);
      kernel->pack_float(activations + ((size_t)image * height + y) * width * channels,
                         line - 2 * words, row + words);
    }
  }
}

// Words of the packed kernel of so many channels.
API size_t integer_packed_words(int inputs, int outputs) {
  return lce_packed_weights_words(sign_kernel(), (size_t)outputs, (size_t)inputs / 32 * 9);
}

// Packs the signs of a kernel float [3][3][inputs][outputs], for a range of blocks of 64 outputs.
// Returns 0, or -1 if there is no memory.
API int integer_pack(const float *kernel, int first, int last, int inputs, int outputs,
                     uint32_t *packed) {
  const size_t words = (size_t)inputs / 32 * 9;
  uint32_t *bits = malloc(sizeof(uint32_t) * LCE_BLOCK_CHANNELS * words);
  if (!bits) return -1;
  for (int block = first; block < last; ++block) {
    const int start = block * LCE_BLOCK_CHANNELS;
    const int count = outputs - start < LCE_BLOCK_CHANNELS ? outputs - start : LCE_BLOCK_CHANNELS;
    memset(bits, 0, sizeof(uint32_t) * (size_t)count * words);
    for (int row = 0; row < 9 * inputs; ++row) {
      const float *weights = kernel + (size_t)row * outputs + start;
      for (int c = 0; c < count; ++c)
        bits[(size_t)c * words + row / 32] |= (uint32_t)(weights[c] < 0) << (row % 32);
    }
    lce_pack_weights(sign_kernel(), bits, (size_t)count, words,
                     packed + lce_packed_weights_words(sign_kernel(), (size_t)start, words));
  }
  free(bits);
  return 0;
}

// 3x3 convolution of the signs of integer_signs by the kernel of integer_pack, float
// [images][height][width][outputs]. Returns 0, or -1 if there is no memory.
API int integer_convolution(const uint32_t *signs, int first, int last, int height, int width,
                            int inputs, const uint32_t *packed, int outputs, float *result) {
  const lce_kernel *kernel = sign_kernel();
  const size_t words = (size_t)inputs / 32, image_words = (size_t)(height + 2) * (width + 2) * words;
  const size_t pixel_bytes =
      sizeof(uint32_t) * words * (kernel->expand ? (size_t)kernel->activation_words : 1);
  uint8_t *expanded = malloc(pixel_bytes * (size_t)(height + 2) * (size_t)(width + 2));
  if (!expanded) return -1;

  const size_t line = (size_t)(width + 2) * pixel_bytes, offsets[3] = {0, line, 2 * line};
  const lce_window window = {.runs = 3, .run_words = 3 * words, .offsets = offsets};
  const int pixels = height * width, products = 9 * inputs;
  lce_accumulators counts;
  memset(counts, 0, sizeof counts);
  for (int image = first; image < last; ++image) {
    const uint32_t *from = signs + (size_t)image * image_words;
    if (kernel->expand) kernel->expand(from, image_words, (uint32_t *)expanded);
    else memcpy(expanded, from, sizeof(uint32_t) * image_words);
    for (int start = 0; start < outputs; start += LCE_BLOCK_CHANNELS) {
      const int count =
          outputs - start < LCE_BLOCK_CHANNELS ? outputs - start : LCE_BLOCK_CHANNELS;
      const uint32_t *weights =
          packed + lce_packed_weights_words(kernel, (size_t)start, 9 * words);
      float *to = result + (size_t)image * pixels * outputs + start;
      int y = 0, x = 0;
      for (int pixel = 0; pixel < pixels; pixel += kernel->tile_pixels) {
        const int left = pixels - pixel;
        const int some = left < kernel->tile_pixels ? left : kernel->tile_pixels;
        const uint8_t *windows[LCE_MAX_TILE_PIXELS];
        for (int p = 0; p < some; ++p) {
          windows[p] = expanded + y * line + x * pixel_bytes;
          if (++x == width) {
            x = 0;
            ++y;
          }
        }
        kernel->accumulate(&window, windows, some, weights, count, counts);
        for (int p = 0; p < some; ++p, to += outputs)
          for (int c = 0; c < count; ++c) to[c] = (float)(products - 2 * counts[p][c]);
      }
    }
  }
  free(expanded);
  return 0;
}

// ---- The gradients.

// Signs of integer_signs, [images][pixels][channels / 32], to bytes 0 for -1 and 2 for +1,
// [images][channels][pitch].
API void integer_planes(const uint32_t *signs, int first, int last, int pixels, int channels,
                        ptrdiff_t pitch, uint8_t *planes) {
  enum { SIDE = 16 };  // pixels that are transposed at once
  const int words = channels / 32;
  for (int image = first; image < last; ++image) {
    const uint32_t *from = signs + (size_t)image * pixels * words;
    uint8_t *to = planes + (size_t)image * channels * pitch;
    for (int pixel = 0; pixel < pixels; pixel += SIDE) {
      const int some = pixels - pixel < SIDE ? pixels - pixel : SIDE;
      for (int word = 0; word < words; ++word) {
        uint8_t block[32][SIDE] = {{0}};
        for (int p = 0; p < some; ++p) {
          const uint32_t bits = ~from[(size_t)(pixel + p) * words + word];
          for (int c = 0; c < 32; ++c) block[c][p] = (uint8_t)(2 * (bits >> c & 1));
        }
        for (int c = 0; c < 32; ++c)
          memcpy(to + (32 * word + c) * pitch + pixel, block[c], SIDE);
      }
    }
    for (int channel = 0; channel < channels; ++channel)
      memset(to + channel * pitch + pixels, 0, (size_t)(pitch - pixels));
  }
}

// Kernel float [3][3][inputs][outputs] of -1 and +1 to panels [inputs / 32][9][outputs / 4][32][4],
// taps in reverse, for a range of blocks of 32 inputs; sums int32 [inputs] over all else.
API void integer_kernel_panels(const float *kernel, int first, int last, int inputs, int outputs,
                               int8_t *panels, int32_t *sums) {
  for (int block = first; block < last; ++block) {
    int32_t block_sums[COLUMNS] = {0};
    int8_t *to = panels + (size_t)block * 9 * outputs * COLUMNS;
    for (int tap = 8; tap >= 0; --tap) {
      const float *from = kernel + ((size_t)tap * inputs + (size_t)block * COLUMNS) * outputs;
      for (int k = 0; k < outputs; k += 4, to += 4 * COLUMNS) {
        for (int c = 0; c < COLUMNS; ++c) {
          for (int i = 0; i < 4; ++i) {
            const int8_t sign = from[(size_t)c * outputs + k + i] > 0 ? 1 : -1;
            to[4 * c + i] = sign;
            block_sums[c] += sign;
          }
        }
      }
    }
    memcpy(sums + block * COLUMNS, block_sums, sizeof block_sums);
  }
}

// Largest sizes, float [images][channels], of a gradient float [images][pixels][channels].
API void integer_maxima(const float *gradient, int first, int last, int pixels, int channels,
                        float *maxima) {
  for (int image = first; image < last; ++image) {
    float *restrict largest = maxima + (size_t)image * channels;
    memset(largest, 0, sizeof(float) * (size_t)channels);
    for (int pixel = 0; pixel < pixels; ++pixel) {
      const float *restrict row = gradient + ((size_t)image * pixels + pixel) * channels;
      for (int c = 0; c < channels; ++c) {
        const float size = row[c] < 0 ? -row[c] : row[c];
        largest[c] = largest[c] > size ? largest[c] : size;
      }
    }
  }
}

// Gradient float [images][height][width][channels] to bytes with offset 128 and a border of one
// pixel, [images][height + 2][width + 2][channels]; inverse_scales float [images].
API void integer_gradient_rows(const float *gradient, int first, int last, int height, int width,
                               int channels, const float *inverse_scales, uint8_t *rows) {
  const size_t line = (size_t)(width + 2) * channels;
  for (int image = first; image < last; ++image) {
    const float inverse_scale = inverse_scales[image];
    uint8_t *to = rows + (size_t)image * (height + 2) * line;
    memset(to, 128, line);
    memset(to + (height + 1) * line, 128, line);
    for (int y = 0; y < height; ++y) {
      const size_t start = ((size_t)image * height + y) * width * channels;
      const float *restrict from = gradient + start;
      uint8_t *restrict row = to + (y + 1) * line;
      memset(row, 128, (size_t)channels);
      memset(row + line - channels, 128, (size_t)channels);
      for (int i = 0; i < width * channels; ++i)
        row[channels + i] = rounded(from[i], inverse_scale, (uint32_t)start + i);
    }
  }
}

// Gradient float [images][height][width][channels] to panels of signed bytes,
// [channels / 32][images][steps][32][4]. The k-th of an image's 4 * steps pixels is row
// k / (width + 2), column k % (width + 2); beyond the width and the height they are zero.
// inverse_scales float [channels]; sums int32 [images][channels] over the pixels.
API void integer_gradient_columns(const float *gradient, int first, int last, int images,
                                  int height, int width, int channels,
                                  const float *inverse_scales, int steps, int8_t *panels,
                                  int32_t *sums) {
  for (int image = first; image < last; ++image) {
    int32_t *image_sums = sums + (size_t)image * channels;
    memset(image_sums, 0, sizeof(int32_t) * (size_t)channels);
    for (int block = 0; block < channels / COLUMNS; ++block) {
      int8_t *panel = panels + ((size_t)block * images + image) * steps * (4 * COLUMNS);
      memset(panel, 0, (size_t)steps * (4 * COLUMNS));
      for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x) {
          const size_t start = (((size_t)image * height + y) * width + x) * channels +
                               (size_t)block * COLUMNS;
          const int k = y * (width + 2) + x;
          int8_t *step = panel + k / 4 * (4 * COLUMNS) + k % 4;
          int8_t values[COLUMNS];
          for (int c = 0; c < COLUMNS; ++c)
            values[c] = (int8_t)(rounded(gradient[start + c], inverse_scales[block * COLUMNS + c],
                                         ~(uint32_t)(start + c)) ^ 128);
          for (int c = 0; c < COLUMNS; ++c) {
            step[4 * c] = values[c];
            image_sums[block * COLUMNS + c] += values[c];
          }
        }
      }
    }
  }
}

// Gradient for the activations, float [images][height][width][inputs]: the convolution of bytes with
// offset 128, [images][height + 2][width + 2][outputs], by panels of integer_kernel_panels,
//   scales[image] * (sum - 128 * kernel_sum),
// and zero where the size of an activation is above 1.
API void integer_activation_gradient(const uint8_t *bytes, int first, int last, int height,
                                     int width, int outputs, const int8_t *panels, int inputs,
                                     const int32_t *kernel_sums, const float *scales,
                                     const float *activations, float *result) {
  // The three pixels that a row of the kernel meets are neighbours.
  const ptrdiff_t line = (ptrdiff_t)(width + 2) * outputs, lines[3] = {0, line, 2 * line};
  Tile tile = {.segments = lines, .segment_count = 3, .steps = 3 * outputs / 4};
  const int pixels = height * width;
  for (int image = first; image < last; ++image) {
    const uint8_t *from = bytes + (size_t)image * (height + 2) * (width + 2) * outputs;
    const float scale = scales[image];
    for (int block = 0; block < inputs / COLUMNS; ++block) {
      tile.b = panels + (size_t)block * 9 * outputs * COLUMNS;
      int32_t offset[COLUMNS];
      for (int c = 0; c < COLUMNS; ++c) offset[c] = 128 * kernel_sums[block * COLUMNS + c];
      int y = 0, x = 0;
      for (int pixel = 0; pixel < pixels; pixel += tile_kernel->rows) {
        const int left = pixels - pixel;
        const int rows = left < tile_kernel->rows ? left : tile_kernel->rows;
        for (int r = 0; r < rows; ++r) {
          tile.a[r] = from + ((size_t)y * (width + 2) + x) * outputs;
          if (++x == width) {
            x = 0;
            ++y;
          }
        }
        const size_t start = ((size_t)image * pixels + pixel) * inputs + (size_t)block * COLUMNS;
        for (int r = 0; r < rows; ++r) {  // on its way while the tile is computed
          for (int c = 0; c < COLUMNS; c += 16) {
            __builtin_prefetch(activations + start + (size_t)r * inputs + c);
            __builtin_prefetch(result + start + (size_t)r * inputs + c, 1);
          }
        }
        int32_t sums[MAX_ROWS][COLUMNS];
        tile_kernel->run(rows, &tile, sums);
        for (int r = 0; r < rows; ++r) {
          const float *restrict before = activations + start + (size_t)r * inputs;
          float *restrict to = result + start + (size_t)r * inputs;
          for (int c = 0; c < COLUMNS; ++c) {
            const float value = scale * (float)(sums[r][c] - offset[c]);
            to[c] = fabsf(before[c]) <= 1 ? value : 0;
          }
        }
      }
    }
  }
}

// Gradient for the kernel, float [9][inputs][columns], from planes of activations
// [images][inputs][pitch] and panels of integer_gradient_columns, for a range of column blocks:
//   result = scales[column] * (sum - column_sums[column])
// Returns 0, or -1 if there is no memory.
API int integer_kernel_gradient(const uint8_t *planes, int first, int last, int images, int width,
                                int inputs, ptrdiff_t pitch, const int8_t *panels, int steps,
                                int columns, const int32_t *column_sums, const float *scales,
                                float *result) {
  const size_t block_size = (size_t)9 * inputs * COLUMNS;
  int32_t *total = malloc(sizeof(int32_t) * block_size);
  ptrdiff_t *segments = malloc(sizeof(ptrdiff_t) * (size_t)images);
  if (!total || !segments) {
    free(total);
    free(segments);
    return -1;
  }
  // A stretch of the sum, several small images or a part of a large one, keeps its part of the planes
  // and of the panel, 64 KB, in the second cache.
  enum { STRETCH = 512 };
  const int together = steps < STRETCH ? STRETCH / steps : 1;
  const int part = steps < STRETCH ? steps : STRETCH;
  for (int image = 0; image < images; ++image) segments[image] = image * inputs * pitch;
  for (int block = first; block < last; ++block) {
    memset(total, 0, sizeof(int32_t) * block_size);
    for (int image = 0; image < images; image += together) {
      for (int start = 0; start < steps; start += part) {
        Tile tile = {
            .segments = segments,
            .segment_count = images - image < together ? images - image : together,
            .steps = steps - start < part ? steps - start : part,
            .b = panels + (((size_t)block * images + image) * steps + start) * (4 * COLUMNS),
        };
        for (int input = 0; input < inputs; input += tile_kernel->rows) {
          const int left = inputs - input;
          const int rows = left < tile_kernel->rows ? left : tile_kernel->rows;
          for (int tap = 0; tap < 9; ++tap) {
            const uint8_t *from = planes + segments[image] + input * pitch + 4 * start +
                                  tap / 3 * (width + 2) + tap % 3;
            for (int r = 0; r < rows; ++r) tile.a[r] = from + r * pitch;
            int32_t sums[MAX_ROWS][COLUMNS];
            tile_kernel->run(rows, &tile, sums);
            int32_t *restrict to = total + ((size_t)tap * inputs + input) * COLUMNS;
            for (int r = 0; r < rows; ++r, to += COLUMNS)
              for (int c = 0; c < COLUMNS; ++c) to[c] += sums[r][c];
          }
        }
      }
    }
    for (int row = 0; row < 9 * inputs; ++row) {
      for (int c = 0; c < COLUMNS; ++c) {
        const int column = block * COLUMNS + c;
        result[(size_t)row * columns + column] =
            scales[column] * (float)(total[row * COLUMNS + c] - column_sums[column]);
      }
    }
  }
  free(total);
  free(segments);
  return 0;
}
