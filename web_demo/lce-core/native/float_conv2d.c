// Convolutions of float32 for the small ordinary networks beside a packed one, such as a face
// detector. Loops over output channels are innermost, where compilers make vectors of them.
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

// `weights` are [filter height][filter width][channels in][channels out].
void float_conv2d(const conv2d* c, const float* input, const float* weights, const float* bias,
                  float* restrict output) {
  const int32_t outputs = c->output_channels;
  for (int32_t y = 0; y < c->output_height; ++y) {
    for (int32_t x = 0; x < c->output_width; ++x, output += outputs) {
      for (int32_t o = 0; o < outputs; ++o) output[o] = bias[o];
      const float* w = weights;
      for (int32_t i = 0; i < c->filter_height; ++i) {
        for (int32_t j = 0; j < c->filter_width; ++j, w += (size_t)c->channels * outputs) {
          const float* in = pixel_at(c, input, y * c->stride_height - c->before_y + i,
                                     x * c->stride_width - c->before_x + j);
          if (in == NULL) continue;
          for (int32_t k = 0; k < c->channels; ++k) {
            const float value = in[k];
            const float* row = w + (size_t)k * outputs;
            for (int32_t o = 0; o < outputs; ++o) output[o] += value * row[o];
          }
        }
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
