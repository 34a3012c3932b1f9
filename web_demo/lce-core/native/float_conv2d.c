// Convolutions of float32 for the small ordinary networks beside a packed one, such as a face
// detector. Loops over channels are innermost, where compilers make vectors of them.
#include <stddef.h>
#include <stdint.h>

// Everything in pixels and channels; images are [height][width][channels].
typedef struct {
  int32_t height, width, channels;
  int32_t output_height, output_width, output_channels;
  int32_t filter_height, filter_width;
  int32_t stride_height, stride_width;
  int32_t before_y, before_x;  // how far the first window sticks out
} conv2d;

// Called from src/core.ts.
void float_conv2d(const conv2d* c, const float* input, const float* weights, const float* bias,
                  float* restrict output);
void float_depthwise_conv2d(const conv2d* c, const float* input, const float* weights,
                            const float* bias, float* restrict output);

static const float* pixel_at(const conv2d* c, const float* input, int32_t y, int32_t x) {
  if (y < 0 || y >= c->height || x < 0 || x >= c->width) return NULL;
  return input + ((size_t)y * c->width + x) * c->channels;
}

// Some neighbouring output channels of a pixel; `count`, a constant at each call, is at most 8, so
// that the sums stay in registers.
static inline __attribute__((always_inline)) void sum_channels(
    const conv2d* c, const float* input, int32_t y, int32_t x, const float* weights,
    const float* bias, float* restrict output, int count) {
  float sums[8];
  for (int o = 0; o < count; ++o) sums[o] = bias[o];
  for (int32_t i = 0; i < c->filter_height; ++i) {
    for (int32_t j = 0; j < c->filter_width; ++j) {
      const float* in = pixel_at(c, input, y * c->stride_height - c->before_y + i,
                                 x * c->stride_width - c->before_x + j);
      if (in == NULL) continue;
      const float* w =
          weights + ((size_t)i * c->filter_width + j) * c->channels * c->output_channels;
      for (int32_t k = 0; k < c->channels; ++k, w += c->output_channels) {
        for (int o = 0; o < count; ++o) sums[o] += in[k] * w[o];
      }
    }
  }
  for (int o = 0; o < count; ++o) output[o] = sums[o];
}

// `weights` are [filter height][filter width][channels in][channels out].
void float_conv2d(const conv2d* c, const float* input, const float* weights, const float* bias,
                  float* restrict output) {
  const int32_t outputs = c->output_channels;
  for (int32_t y = 0; y < c->output_height; ++y) {
    for (int32_t x = 0; x < c->output_width; ++x, output += outputs) {
      int32_t o = 0;
      for (; o + 8 <= outputs; o += 8) {
        sum_channels(c, input, y, x, weights + o, bias + o, output + o, 8);
      }
      for (; o + 4 <= outputs; o += 4) {
        sum_channels(c, input, y, x, weights + o, bias + o, output + o, 4);
      }
      for (; o < outputs; ++o) {
        sum_channels(c, input, y, x, weights + o, bias + o, output + o, 1);
      }
    }
  }
}

// `weights` are [filter height][filter width][channels]; as many channels come out as go in.
void float_depthwise_conv2d(const conv2d* c, const float* input, const float* weights,
                            const float* bias, float* restrict output) {
  const int32_t channels = c->channels;
  for (int32_t y = 0; y < c->output_height; ++y) {
    for (int32_t x = 0; x < c->output_width; ++x, output += channels) {
      for (int32_t k = 0; k < channels; ++k) output[k] = bias[k];
      const float* w = weights;
      for (int32_t i = 0; i < c->filter_height; ++i) {
        for (int32_t j = 0; j < c->filter_width; ++j, w += channels) {
          const float* in = pixel_at(c, input, y * c->stride_height - c->before_y + i,
                                     x * c->stride_width - c->before_x + j);
          if (in == NULL) continue;
          for (int32_t k = 0; k < channels; ++k) output[k] += in[k] * w[k];
        }
      }
    }
  }
}
