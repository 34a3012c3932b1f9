// The kernels of kernels.py, which describes their layouts and arithmetic, for AVX2.
//
// All of them rest on one matrix product of unsigned by signed bytes, tile(). Every function does
// the share of its work that a range names, so that the caller's threads divide it among them.

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define API __attribute__((visibility("default")))

enum {
  ROWS = 6,      // of a tile, at most
  COLUMNS = 16,  // of a tile, and of a panel of the right operand: [steps][COLUMNS][4] bytes
  // Steps of four bytes whose products one 16-bit lane can sum up: 2 x 255 each, at most.
  NARROW_STEPS = 64,
};

// One tile: sums[r][c] = sum over segments s, steps k and i < 4 of
//   a[r][segments[s] + 4 k + i] * b[s][k][c][i]
// where a pair of neighbouring products is at most 510 in size.
typedef struct {
  const uint8_t *a[ROWS];
  const ptrdiff_t *segments;
  int segment_count;
  int steps;  // in each segment
  const int8_t *b;
} Tile;

static inline __attribute__((always_inline)) void widen(const int rows, __m256i wide[ROWS][2],
                                                        __m256i narrow[ROWS][2]) {
  const __m256i ones = _mm256_set1_epi16(1);
  for (int r = 0; r < rows; ++r) {
    for (int half = 0; half < 2; ++half) {
      wide[r][half] = _mm256_add_epi32(wide[r][half], _mm256_madd_epi16(narrow[r][half], ones));
      narrow[r][half] = _mm256_setzero_si256();
    }
  }
}

static inline __attribute__((always_inline)) void tile_of(const int rows, const Tile *tile,
                                                          int32_t sums[ROWS][COLUMNS]) {
  __m256i wide[ROWS][2], narrow[ROWS][2];
  for (int r = 0; r < rows; ++r)
    for (int half = 0; half < 2; ++half) wide[r][half] = narrow[r][half] = _mm256_setzero_si256();

  const int8_t *b = tile->b;
  int pending = 0;  // steps in the narrow sums
  for (int s = 0; s < tile->segment_count; ++s) {
    for (int first = 0; first < tile->steps; first += NARROW_STEPS) {
      const int left = tile->steps - first;
      const int steps = left < NARROW_STEPS ? left : NARROW_STEPS;
      if (pending + steps > NARROW_STEPS) {
        widen(rows, wide, narrow);
        pending = 0;
      }
      pending += steps;
      const ptrdiff_t offset = tile->segments[s] + 4 * (ptrdiff_t)first;
      for (int k = 0; k < steps; ++k, b += 4 * COLUMNS) {
        const __m256i left_columns = _mm256_loadu_si256((const __m256i *)b);
        const __m256i right_columns = _mm256_loadu_si256((const __m256i *)(b + 2 * COLUMNS));
        for (int r = 0; r < rows; ++r) {
          int32_t four;
          memcpy(&four, tile->a[r] + offset + 4 * k, sizeof four);
          const __m256i row = _mm256_set1_epi32(four);
          narrow[r][0] = _mm256_add_epi16(narrow[r][0], _mm256_maddubs_epi16(row, left_columns));
          narrow[r][1] = _mm256_add_epi16(narrow[r][1], _mm256_maddubs_epi16(row, right_columns));
        }
      }
    }
  }
  widen(rows, wide, narrow);
  for (int r = 0; r < rows; ++r)
    for (int half = 0; half < 2; ++half)
      _mm256_storeu_si256((__m256i *)(sums[r] + 8 * half), wide[r][half]);
}

static void run_tile(int rows, const Tile *tile, int32_t sums[ROWS][COLUMNS]) {
  switch (rows) {
    case 6: tile_of(6, tile, sums); break;
    case 5: tile_of(5, tile, sums); break;
    case 4: tile_of(4, tile, sums); break;
    case 3: tile_of(3, tile, sums); break;
    case 2: tile_of(2, tile, sums); break;
    default: tile_of(1, tile, sums);
  }
}

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

API int integer_supported(void) { return __builtin_cpu_supports("avx2"); }

// Kernel float [3][3][inputs][outputs] of -1 and +1 to panels: [columns / 16][9][k / 4][16][4] for
// the convolution (columns: outputs, k: inputs), or for its gradient (columns: inputs, k: outputs,
// taps in reverse), for a range of blocks of 16 columns. column_sums int32 [columns].
API void integer_weights(const float *kernel, int first, int last, int inputs, int outputs,
                         int of_gradient, int8_t *panels, int32_t *column_sums) {
  const int depth = of_gradient ? outputs : inputs;
  const size_t along_depth = of_gradient ? 1 : outputs, along_columns = of_gradient ? outputs : 1;
  for (int block = first; block < last; ++block) {
    int32_t sums[COLUMNS] = {0};
    int8_t *to = panels + (size_t)block * 9 * depth * COLUMNS;
    for (int tap = 0; tap < 9; ++tap) {
      const float *from = kernel + (size_t)(of_gradient ? 8 - tap : tap) * inputs * outputs +
                          (size_t)block * COLUMNS * along_columns;
      for (int k = 0; k < depth; k += 4, to += 4 * COLUMNS) {
        for (int c = 0; c < COLUMNS; ++c) {
          for (int i = 0; i < 4; ++i) {
            const int8_t sign = from[(k + i) * along_depth + c * along_columns] > 0 ? 1 : -1;
            to[4 * c + i] = sign;
            sums[c] += sign;
          }
        }
      }
    }
    memcpy(column_sums + block * COLUMNS, sums, sizeof sums);
  }
}

// Activations float [images][height][width][channels] to the bytes of their signs, 0 and 2, with a
// border of one pixel of +1, [images][height + 2][width + 2][channels].
API void integer_activations(const float *activations, int first, int last, int height, int width,
                             int channels, uint8_t *bytes) {
  const size_t line = (size_t)(width + 2) * channels;
  for (int image = first; image < last; ++image) {
    uint8_t *to = bytes + (size_t)image * (height + 2) * line;
    memset(to, 2, line);
    memset(to + (height + 1) * line, 2, line);
    for (int y = 0; y < height; ++y) {
      const float *restrict from = activations + ((size_t)image * height + y) * width * channels;
      uint8_t *restrict row = to + (y + 1) * line;
      memset(row, 2, (size_t)channels);
      memset(row + line - channels, 2, (size_t)channels);
      for (int i = 0; i < width * channels; ++i) row[channels + i] = from[i] >= 0 ? 2 : 0;
    }
  }
}

// Bytes [images][pixels][channels] to [images][channels][pitch].
API void integer_planes(const uint8_t *bytes, int first, int last, int pixels, int channels,
                        ptrdiff_t pitch, uint8_t *planes) {
  enum { SIDE = 16 };
  for (int image = first; image < last; ++image) {
    const uint8_t *from = bytes + (size_t)image * pixels * channels;
    uint8_t *to = planes + (size_t)image * channels * pitch;
    for (int pixel = 0; pixel < pixels; pixel += SIDE) {
      const int some = pixels - pixel < SIDE ? pixels - pixel : SIDE;
      for (int channel = 0; channel < channels; channel += SIDE) {
        uint8_t block[SIDE][SIDE] = {{0}};
        for (int p = 0; p < some; ++p)
          for (int c = 0; c < SIDE; ++c)
            block[c][p] = from[(size_t)(pixel + p) * channels + channel + c];
        for (int c = 0; c < SIDE; ++c)
          memcpy(to + (channel + c) * pitch + pixel, block[c], SIDE);
      }
    }
    for (int channel = 0; channel < channels; ++channel)
      memset(to + channel * pitch + pixels, 0, (size_t)(pitch - pixels));
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
// [channels / 16][images][steps][16][4]. The k-th of an image's 4 * steps pixels is row
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

// 3x3 convolution of bytes [images][height + 2][width + 2][depth] by panels of integer_weights:
//   result = scales[image] * (sum - offset * column_sum), float [images][height][width][columns].
// With activations, of the result's shape, it is zero where their size is above 1.
API void integer_convolution(const uint8_t *bytes, int first, int last, int height, int width,
                             int depth, const int8_t *panels, int columns,
                             const int32_t *column_sums, int offset, const float *scales,
                             const float *activations, float *result) {
  ptrdiff_t taps[9];
  for (int tap = 0; tap < 9; ++tap)
    taps[tap] = (tap / 3 * (ptrdiff_t)(width + 2) + tap % 3) * depth;
  Tile tile = {.segments = taps, .segment_count = 9, .steps = depth / 4};
  const int pixels = height * width;
  for (int image = first; image < last; ++image) {
    const uint8_t *from = bytes + (size_t)image * (height + 2) * (width + 2) * depth;
    const float scale = scales[image];
    for (int block = 0; block < columns / COLUMNS; ++block) {
      tile.b = panels + (size_t)block * 9 * depth * COLUMNS;
      const int32_t *column = column_sums + block * COLUMNS;
      int y = 0, x = 0;
      for (int pixel = 0; pixel < pixels; pixel += ROWS) {
        const int rows = pixels - pixel < ROWS ? pixels - pixel : ROWS;
        for (int r = 0; r < rows; ++r) {
          tile.a[r] = from + ((size_t)y * (width + 2) + x) * depth;
          if (++x == width) {
            x = 0;
            ++y;
          }
        }
        int32_t sums[ROWS][COLUMNS];
        run_tile(rows, &tile, sums);
        const size_t start = ((size_t)image * pixels + pixel) * columns + (size_t)block * COLUMNS;
        for (int r = 0; r < rows; ++r) {
          float *restrict to = result + start + (size_t)r * columns;
          for (int c = 0; c < COLUMNS; ++c)
            to[c] = scale * (float)(sums[r][c] - offset * column[c]);
          if (activations) {
            const float *restrict before = activations + start + (size_t)r * columns;
            for (int c = 0; c < COLUMNS; ++c)
              to[c] = before[c] >= -1 && before[c] <= 1 ? to[c] : 0;
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
  // A stretch of the sum keeps one part of the planes and of the panel in the cache: several small
  // images, or a part of a large one.
  enum { STRETCH = 128 };
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
        for (int input = 0; input < inputs; input += ROWS) {
          const int rows = inputs - input < ROWS ? inputs - input : ROWS;
          for (int tap = 0; tap < 9; ++tap) {
            const uint8_t *from = planes + segments[image] + input * pitch + 4 * start +
                                  tap / 3 * (width + 2) + tap % 3;
            for (int r = 0; r < rows; ++r) tile.a[r] = from + r * pitch;
            int32_t sums[ROWS][COLUMNS];
            run_tile(rows, &tile, sums);
            int32_t *to = total + ((size_t)tap * inputs + input) * COLUMNS;
            for (int i = 0; i < rows * COLUMNS; ++i) to[i] += sums[i / COLUMNS][i % COLUMNS];
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
