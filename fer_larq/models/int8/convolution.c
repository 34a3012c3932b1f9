// The convolution of kernels.py, with lce_delegate's kernels. A bit 1 means -1, and 32 channels
// make a word. The kernel has size x size taps, 3x3 or 1x1, and the image a border of size / 2
// pixels.
//
// Every function does the share of its work that a range names, so that the caller's threads divide
// it among them.
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/kernel.h"
#include "tile.h"

static const lce_kernel *sign_kernel(void) { return lce_find_kernel(NULL); }

// Activations float [images][height][width][channels] to the bits of their signs, with a border of
// border pixels of +1, [images][height + 2 border][width + 2 border][channels / 32].
API void KERNEL(signs)(const float *activations, int first, int last, int height, int width,
                       int channels, int size, uint32_t *signs) {
  const int border = size / 2;
  const size_t words = (size_t)channels / 32, line = (size_t)(width + 2 * border) * words;
  const lce_kernel *kernel = sign_kernel();
  for (int image = first; image < last; ++image) {
    uint32_t *to = signs + (size_t)image * (height + 2 * border) * line;
    memset(to, 0, sizeof(uint32_t) * (height + 2 * border) * line);
    for (int y = 0; y < height; ++y)
      kernel->pack_float(activations + ((size_t)image * height + y) * width * channels,
                         width * words, to + (y + border) * line + border * words);
  }
}

// Words of the packed kernel of so many channels.
API size_t KERNEL(packed_words)(int size, int inputs, int outputs) {
  return lce_packed_weights_words(sign_kernel(), (size_t)outputs,
                                  (size_t)inputs / 32 * size * size);
}

// Packs the signs of a kernel float [size][size][inputs][outputs], for a range of blocks of 64
// outputs.
// Returns 0, or -1 if there is no memory.
API int KERNEL(pack)(const float *kernel, int first, int last, int size, int inputs, int outputs,
                     uint32_t *packed) {
  const size_t words = (size_t)inputs / 32 * size * size;
  uint32_t *bits = malloc(sizeof(uint32_t) * LCE_BLOCK_CHANNELS * words);
  if (!bits) return -1;
  for (int block = first; block < last; ++block) {
    const int start = block * LCE_BLOCK_CHANNELS;
    const int count = outputs - start < LCE_BLOCK_CHANNELS ? outputs - start : LCE_BLOCK_CHANNELS;
    for (size_t word = 0; word < words; ++word) {
      uint32_t signs[LCE_BLOCK_CHANNELS] = {0};
      for (size_t bit = 0; bit < 32; ++bit) {
        float weights[LCE_BLOCK_CHANNELS] = {0};
        const float *row = kernel + (32 * word + bit) * outputs + start;
        if (count == LCE_BLOCK_CHANNELS) memcpy(weights, row, sizeof weights);
        else memcpy(weights, row, sizeof *weights * (size_t)count);
        for (int c = 0; c < LCE_BLOCK_CHANNELS; ++c)
          signs[c] = signs[c] >> 1 | (weights[c] < 0 ? 0x80000000u : 0);
      }
      for (int c = 0; c < count; ++c) bits[(size_t)c * words + word] = signs[c];
    }
    lce_pack_weights(sign_kernel(), bits, (size_t)count, words,
                     packed + lce_packed_weights_words(sign_kernel(), (size_t)start, words));
  }
  free(bits);
  return 0;
}

// Largest sums of windows of 2x2 pixels, which stand one behind the other in counts, and which of
// the four pixels they come from: the first, if several.
static void pool(const int32_t (*counts)[LCE_BLOCK_CHANNELS], int channels, int products, float *to,
                 uint8_t *place) {
  for (int c = 0; c < channels; ++c) {
    int32_t least = counts[0][c], at = 0;
    for (int p = 1; p < 4; ++p) {
      at = counts[p][c] < least ? p : at;
      least = counts[p][c] < least ? counts[p][c] : least;
    }
    to[c] = (float)(products - 2 * least);
    place[c] = (uint8_t)at;
  }
}

// Convolution of the signs of integer_signs by the kernel of integer_pack, and where side is 2
// max pooling of its result by 2x2; float [images][height / side][width / side][outputs]. places,
// bytes of that shape, are those of pool(). Returns 0, or -1 if there is no memory.
API int KERNEL(convolution)(const uint32_t *signs, int first, int last, int height, int width,
                            int size, int inputs, const uint32_t *packed, int outputs, int side,
                            float *result, uint8_t *places) {
  const lce_kernel *kernel = sign_kernel();
  const int padded_width = width + size / 2 * 2;
  const size_t words = (size_t)inputs / 32;
  const size_t image_words = (size_t)(height + size / 2 * 2) * padded_width * words;
  const size_t pixel_bytes =
      sizeof(uint32_t) * words * (kernel->expand ? (size_t)kernel->activation_words : 1);
  uint8_t *expanded = malloc(pixel_bytes * (image_words / words));
  if (!expanded) return -1;

  const size_t line = (size_t)padded_width * pixel_bytes, offsets[3] = {0, line, 2 * line};
  const lce_window window = {.runs = (size_t)size, .run_words = size * words, .offsets = offsets};
  const int across = width / side, area = side * side, products = size * size * inputs;
  const int pixels = height / side * across * area;
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
          packed + lce_packed_weights_words(kernel, (size_t)start, size * size * words);
      size_t at = (size_t)image * (pixels / area) * outputs + start;
      int y = 0, x = 0, corner = 0;  // the next pixel is the corner-th of a window
      for (int pixel = 0; pixel < pixels; pixel += LCE_MAX_TILE_PIXELS) {
        const int left = pixels - pixel;
        const int some = left < LCE_MAX_TILE_PIXELS ? left : LCE_MAX_TILE_PIXELS;
        const uint8_t *windows[LCE_MAX_TILE_PIXELS];
        for (int p = 0; p < some; ++p) {
          windows[p] =
              expanded + (y + corner / side) * line + (x + corner % side) * pixel_bytes;
          if (++corner < area) continue;
          corner = 0;
          x += side;
          if (x < side * across) continue;
          x = 0;
          y += side;
        }
        for (int p = 0; p < some; p += kernel->tile_pixels) {
          const int rest = some - p < kernel->tile_pixels ? some - p : kernel->tile_pixels;
          kernel->accumulate(&window, windows + p, rest, weights, count, counts + p);
        }
        for (int p = 0; p < some; p += area, at += outputs) {
          if (side == 2) pool((const int32_t (*)[LCE_BLOCK_CHANNELS])(counts + p), count, products,
                              result + at, places + at);
          else
            for (int c = 0; c < count; ++c) result[at + c] = (float)(products - 2 * counts[p][c]);
        }
      }
    }
  }
  free(expanded);
  return 0;
}
