// What turns floats and signs into the operands of tile.h.
#include <stdint.h>
#include <string.h>

#include "tile.h"

// Noise in [0, 1) for stochastic rounding: a hash of the rounded value and its place, so that a
// training repeats bit for bit.
static inline float noise(float value, uint32_t place) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  bits = (bits ^ (place * 0x9E3779B1u)) * 0x85EBCA6Bu;
  bits = (bits ^ (bits >> 15)) * 0xC2B2AE35u;
  return (float)(int32_t)(bits >> 8) * 0x1p-24f;
}

// value * inverse_scale is in [-127, 127]; the result is it, rounded up or down, plus 128.
static inline uint32_t rounded(float value, float inverse_scale, uint32_t place) {
  return (uint32_t)(int32_t)(value * inverse_scale + 128.0f + noise(value, place));
}

// Largest sizes, float [images][channels], of a gradient float [images][pixels][channels]; not
// finite where the gradient is not.
API void KERNEL(maxima)(const float *gradient, int first, int last, int pixels, int channels,
                        float *maxima) {
  // The sizes of floats are ordered as their bits are; infinity and then NaN are the largest.
  for (int image = first; image < last; ++image) {
    for (int block = 0; block < channels; block += COLUMNS) {
      const float *from = gradient + (size_t)image * pixels * channels + block;
      uint32_t largest[COLUMNS] = {0};
      for (int pixel = 0; pixel < pixels; ++pixel, from += channels) {
        uint32_t bits[COLUMNS];
        memcpy(bits, from, sizeof bits);
        for (int c = 0; c < COLUMNS; ++c) {
          bits[c] &= 0x7FFFFFFFu;
          largest[c] = largest[c] > bits[c] ? largest[c] : bits[c];
        }
      }
      memcpy(maxima + (size_t)image * channels + block, largest, sizeof largest);
    }
  }
}

// A gradient of values that are the largest of windows of side x side pixels, with their places in
// the windows; side is 1, without places, or 2.
typedef struct {
  const float *values;    // [images][height][width][channels]
  const uint8_t *places;  // of the same shape
  int images, height, width, channels;
} Gradient;

// 32 values rounded, at one of the area pixels of a window if it is theirs; otherwise 128, for 0.
static inline __attribute__((always_inline)) void at_pixel(const int area, int pixel,
                                                           const uint8_t *values,
                                                           const uint8_t *places,
                                                           uint8_t *restrict to) {
  for (int c = 0; c < COLUMNS; ++c) to[c] = area == 1 || places[c] == pixel ? values[c] : 128;
}

static inline __attribute__((always_inline)) void rows_of(const int side, const Gradient *gradient,
                                                          int first, int last, int height,
                                                          int width, int border,
                                                          const float *inverse_scales,
                                                          uint8_t *rows) {
  const size_t channels = (size_t)gradient->channels;
  const size_t line = (size_t)(width + 2 * border) * channels;
  for (int image = first; image < last; ++image) {
    uint8_t *to = rows + (size_t)image * (height + 2 * border) * line;
    memset(to, 128, (size_t)(height + 2 * border) * line);
    size_t start = (size_t)image * gradient->height * gradient->width * channels;
    for (int y = 0; y < gradient->height; ++y) {
      for (int x = 0; x < gradient->width; ++x) {
        uint8_t *window =
            to + (size_t)(side * y + border) * line + (size_t)(side * x + border) * channels;
        for (size_t block = 0; block < channels; block += COLUMNS, start += COLUMNS) {
          uint8_t values[COLUMNS];
          for (int c = 0; c < COLUMNS; ++c)
            values[c] = (uint8_t)rounded(gradient->values[start + c], inverse_scales[image],
                                         (uint32_t)(start + c));
          for (int p = 0; p < side * side; ++p)
            at_pixel(side * side, p, values, side == 1 ? NULL : gradient->places + start,
                     window + p / side * line + p % side * channels + block);
        }
      }
    }
  }
}

// The bytes of a step that belong to one of the area pixels of a window; 0 for the others.
static inline __attribute__((always_inline)) void only(const int area, int pixel,
                                                       const int8_t *step, const uint8_t *corners,
                                                       int8_t *restrict to) {
  for (int i = 0; i < 4 * COLUMNS; ++i) to[i] = area == 1 || corners[i] == pixel ? step[i] : 0;
}

static inline __attribute__((always_inline)) void panels_of(const int side,
                                                            const Gradient *gradient, int first,
                                                            int last, const float *inverse_scales,
                                                            int lanes, int8_t *panels,
                                                            int32_t *sums) {
  enum { SOME = 8 };  // windows at once, whose channels lie side by side
  const int windows = gradient->height * gradient->width, channels = gradient->channels;
  const size_t across = (size_t)side * gradient->width, pixels = (size_t)side * side * windows;
  for (int start = first; start < last; start += SOME) {
    const int end = last - start < SOME ? last : start + SOME;
    memset(sums + (size_t)start * channels, 0, sizeof *sums * (size_t)(end - start) * channels);
    for (int image = 0; image < lanes; image += 4) {
      for (int window = start; window < end; ++window) {
        const size_t y = (size_t)side * (window / gradient->width);
        const size_t x = (size_t)side * (window % gradient->width);
        for (int block = 0; block < channels; block += COLUMNS) {
          int32_t *restrict sum = sums + (size_t)window * channels + block;
          uint32_t step[COLUMNS] = {0}, corners[COLUMNS] = {0};  // a byte for each image
          for (int i = 0; i < 4 && image + i < gradient->images; ++i) {
            const size_t place = ((size_t)(image + i) * windows + window) * channels + block;
            const float *restrict from = gradient->values + place;
            for (int c = 0; c < COLUMNS; ++c) {
              const uint32_t value =
                  rounded(from[c], inverse_scales[block + c], ~(uint32_t)(place + c));
              step[c] |= (value ^ 128) << (8 * i);
              sum[c] += (int32_t)value - 128;
            }
            if (side == 1) continue;
            const uint8_t *restrict at = gradient->places + place;
            for (int c = 0; c < COLUMNS; ++c) corners[c] |= (uint32_t)at[c] << (8 * i);
          }
          for (int p = 0; p < side * side; ++p) {
            const size_t pixel = (y + p / side) * across + x + p % side;
            int8_t *to = panels + (block * pixels + pixel * COLUMNS) * lanes + image * COLUMNS;
            only(side * side, p, (const int8_t *)step, (const uint8_t *)corners, to);
          }
        }
      }
    }
  }
}

// Gradient float [images][height / side][width / side][channels], with places of the same shape
// where side is 2, to bytes with offset 128 and a border,
// [images][height + 2 border][width + 2 border][channels]; inverse_scales float [images].
API void KERNEL(gradient_rows)(const float *values, const uint8_t *places, int side, int first,
                               int last, int height, int width, int border, int channels,
                               const float *inverse_scales, uint8_t *rows) {
  const Gradient gradient = {.values = values, .places = places, .height = height / side,
                             .width = width / side, .channels = channels};
  if (side == 1) rows_of(1, &gradient, first, last, height, width, border, inverse_scales, rows);
  else rows_of(2, &gradient, first, last, height, width, border, inverse_scales, rows);
}

// Gradient float [images][height][width][channels], with places of the same shape where side is 2,
// for a range of its pixels, to panels of signed bytes
// [channels / 32][side * height][side * width][lanes / 4][32][4]: a step holds four images; those
// beyond the last are zero. inverse_scales float [channels]; sums int32 [height * width][channels]
// over images and window.
API void KERNEL(gradient_panels)(const float *values, const uint8_t *places, int side, int first,
                                 int last, int images, int height, int width, int channels,
                                 const float *inverse_scales, int lanes, int8_t *panels,
                                 int32_t *sums) {
  const Gradient gradient = {values, places, images, height, width, channels};
  if (side == 1) panels_of(1, &gradient, first, last, inverse_scales, lanes, panels, sums);
  else panels_of(2, &gradient, first, last, inverse_scales, lanes, panels, sums);
}

// Signs of integer_signs, [images][pixels][channels / 32], for a range of pixels, to bytes 0 for
// -1 and 2 for +1, [channels][pitch] with [pixels][lanes] in a pitch.
API void KERNEL(planes)(const uint32_t *signs, int first, int last, int images, int pixels,
                        int channels, int lanes, ptrdiff_t pitch, uint8_t *planes) {
  enum { SOME = 64, TOGETHER = 8 };  // images and pixels at once
  const int words = channels / 32;
  for (int pixel = first; pixel < last; pixel += TOGETHER) {
    const int together = last - pixel < TOGETHER ? last - pixel : TOGETHER;
    for (int word = 0; word < words; ++word) {
      for (int start = 0; start < lanes; start += SOME) {
        const int some = lanes - start < SOME ? lanes - start : SOME;
        uint32_t bits[TOGETHER][SOME] = {{0}};
        for (int i = 0; i < some && start + i < images; ++i)
          for (int p = 0; p < together; ++p)
            bits[p][i] = ~signs[((size_t)(start + i) * pixels + pixel + p) * words + word];
        uint8_t *to = planes + 32 * word * pitch + (size_t)pixel * lanes + start;
        for (int c = 0; c < 32; ++c, to += pitch) {
          for (int p = 0; p < together; ++p) {
            uint8_t bytes[SOME];
            for (int i = 0; i < SOME; ++i) bytes[i] = (uint8_t)(bits[p][i] >> c & 1) << 1;
            if (some == SOME) memcpy(to + p * lanes, bytes, SOME);
            else memcpy(to + p * lanes, bytes, (size_t)some);
          }
        }
      }
    }
  }
}

// Signs of a kernel float [taps][inputs][outputs] to panels
// [inputs / 32][taps][outputs / 4][32][4], taps in reverse, for a range of blocks of 32 inputs; sums
// int32 [inputs] over all else.
API void KERNEL(kernel_panels)(const float *kernel, int first, int last, int taps, int inputs,
                               int outputs, int8_t *panels, int32_t *sums) {
  for (int block = first; block < last; ++block) {
    int32_t block_sums[COLUMNS] = {0};
    int8_t *to = panels + (size_t)block * taps * outputs * COLUMNS;
    for (int tap = taps - 1; tap >= 0; --tap) {
      const float *from = kernel + ((size_t)tap * inputs + (size_t)block * COLUMNS) * outputs;
      for (int k = 0; k < outputs; k += 4, to += 4 * COLUMNS) {
        for (int c = 0; c < COLUMNS; ++c) {
          for (int i = 0; i < 4; ++i) {
            const int8_t sign = from[(size_t)c * outputs + k + i] < 0 ? -1 : 1;
            to[4 * c + i] = sign;
            block_sums[c] += sign;
          }
        }
      }
    }
    memcpy(sums + block * COLUMNS, block_sums, sizeof block_sums);
  }
}
