// What turns floats and signs into the operands of tile.h. packing.c is compiled once for each
// instruction set; integer_select() picks among them.
#ifndef FER_LARQ_INTEGER_TRAINING_PACKING_H_
#define FER_LARQ_INTEGER_TRAINING_PACKING_H_

#include <stddef.h>
#include <stdint.h>

typedef struct {
  // Largest sizes, float [images][channels], of a gradient float [images][pixels][channels]; not
  // finite where the gradient is not.
  void (*maxima)(const float *gradient, int first, int last, int pixels, int channels,
                 float *maxima);

  // Gradient float [images][height][width][channels] to bytes with offset 128 and a border of one
  // pixel, [images][height + 2][width + 2][channels]; inverse_scales float [images].
  void (*gradient_rows)(const float *gradient, int first, int last, int height, int width,
                        int channels, const float *inverse_scales, uint8_t *rows);

  // Gradient float [images][pixels][channels], for a range of pixels, to panels of signed bytes
  // [channels / 32][pixels][lanes / 4][32][4]: a step holds four images; those beyond the last are
  // zero. inverse_scales float [channels]; sums int32 [pixels][channels] over the images.
  void (*gradient_panels)(const float *gradient, int first, int last, int images, int pixels,
                          int channels, const float *inverse_scales, int lanes, int8_t *panels,
                          int32_t *sums);

  // Signs of integer_signs, [images][pixels][channels / 32], for a range of pixels, to bytes 0 for
  // -1 and 2 for +1, [channels][pitch] with [pixels][lanes] in a pitch.
  void (*planes)(const uint32_t *signs, int first, int last, int images, int pixels, int channels,
                 int lanes, ptrdiff_t pitch, uint8_t *planes);

  // Kernel float [3][3][inputs][outputs] of -1 and +1 to panels [inputs / 32][9][outputs / 4][32][4],
  // taps in reverse, for a range of blocks of 32 inputs; sums int32 [inputs] over all else.
  void (*kernel_panels)(const float *kernel, int first, int last, int inputs, int outputs,
                        int8_t *panels, int32_t *sums);
} Packing;

extern const Packing packing__avx2, packing__avx512;

// That of the instruction set which was chosen; NULL before integer_select().
extern const Packing *packing;

#endif  // FER_LARQ_INTEGER_TRAINING_PACKING_H_
