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

// Gradient float [images][height][width][channels] to bytes with offset 128 and a border of one
// pixel, [images][height + 2][width + 2][channels]; inverse_scales float [images].
API void KERNEL(gradient_rows)(const float *gradient, int first, int last, int height, int width,
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
        row[channels + i] = (uint8_t)rounded(from[i], inverse_scale, (uint32_t)start + i);
    }
  }
}

// Gradient float [images][pixels][channels], for a range of pixels, to panels of signed bytes
// [channels / 32][pixels][lanes / 4][32][4]: a step holds four images; those beyond the last are
// zero. inverse_scales float [channels]; sums int32 [pixels][channels] over the images.
API void KERNEL(gradient_panels)(const float *gradient, int first, int last, int images, int pixels,
                            int channels, const float *inverse_scales, int lanes, int8_t *panels,
                            int32_t *sums) {
  enum { SOME = 8 };  // pixels at once, whose channels lie side by side
  static const float none[COLUMNS];
  for (int start = first; start < last; start += SOME) {
    const int end = last - start < SOME ? last : start + SOME;
    memset(sums + (size_t)start * channels, 0, sizeof *sums * (size_t)(end - start) * channels);
    for (int image = 0; image < lanes; image += 4) {
      for (int pixel = start; pixel < end; ++pixel) {
        for (int block = 0; block < channels; block += COLUMNS) {
          int32_t *restrict sum = sums + (size_t)pixel * channels + block;
          uint32_t step[COLUMNS] = {0};
          for (int i = 0; i < 4; ++i) {
            const size_t place = ((size_t)(image + i) * pixels + pixel) * channels + block;
            const float *from = image + i < images ? gradient + place : none;
            for (int c = 0; c < COLUMNS; ++c) {
              const uint32_t value =
                  rounded(from[c], inverse_scales[block + c], ~(uint32_t)(place + c));
              step[c] |= value << (8 * i);
              sum[c] += (int32_t)value - 128;
            }
          }
          for (int c = 0; c < COLUMNS; ++c) step[c] ^= 0x80808080u;
          memcpy(panels + (((size_t)block * pixels + pixel * COLUMNS) * lanes + image * COLUMNS),
                 step, sizeof step);
        }
      }
    }
  }
}

// Signs of integer_signs, [images][pixels][channels / 32], for a range of pixels, to bytes 0 for
// -1 and 2 for +1, [channels][pitch] with [pixels][lanes] in a pitch.
API void KERNEL(planes)(const uint32_t *signs, int first, int last, int images, int pixels, int channels,
                   int lanes, ptrdiff_t pitch, uint8_t *planes) {
  enum { SOME = 64 };  // images at once
  const int words = channels / 32;
  for (int pixel = first; pixel < last; ++pixel) {
    for (int word = 0; word < words; ++word) {
      for (int start = 0; start < lanes; start += SOME) {
        const int some = lanes - start < SOME ? lanes - start : SOME;
        uint32_t bits[SOME] = {0};
        for (int i = 0; i < some && start + i < images; ++i)
          bits[i] = ~signs[((size_t)(start + i) * pixels + pixel) * words + word];
        uint8_t *to = planes + 32 * word * pitch + (size_t)pixel * lanes + start;
        for (int c = 0; c < 32; ++c, to += pitch) {
          uint8_t bytes[SOME];
          for (int i = 0; i < SOME; ++i) bytes[i] = (uint8_t)(bits[i] >> c & 1) << 1;
          if (some == SOME) memcpy(to, bytes, SOME);
          else memcpy(to, bytes, (size_t)some);
        }
      }
    }
  }
}

// Signs of a kernel float [3][3][inputs][outputs] to panels [inputs / 32][9][outputs / 4][32][4],
// taps in reverse, for a range of blocks of 32 inputs; sums int32 [inputs] over all else.
API void KERNEL(kernel_panels)(const float *kernel, int first, int last, int inputs, int outputs,
                          int8_t *panels, int32_t *sums) {
  for (int block = first; block < last; ++block) {
    int32_t block_sums[COLUMNS] = {0};
    int8_t *to = panels + (size_t)block * 9 * outputs * COLUMNS;
    for (int tap = 8; tap >= 0; --tap) {
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
