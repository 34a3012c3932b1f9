// A plan for one shape: the padded buffer, the window in it, and tiles.
#include "bconv2d.h"

static bool find_window(lce_bconv2d* s, lce_reason* why) {
  const size_t pixel_bytes = s->pixel_words * sizeof(uint32_t);
  const size_t row_bytes = s->buffer_width * pixel_bytes;
  const bool whole_rows = s->x.dilation == 1 && s->groups == 1 && !lce_multiplies_bits(s);
  const bool whole_window =
      whole_rows && s->y.dilation == 1 && s->buffer_width == (size_t)s->x.filter;
  s->window.runs = whole_window ? 1 : whole_rows ? (size_t)s->y.filter : lce_taps(s);
  s->window.run_words = s->window_words / s->window.runs;

  lce_free(s->offsets);
  s->offsets = lce_allocate(s->window.runs * sizeof *s->offsets);
  if (s->offsets == NULL) return lce_refuse(why, "out of memory");
  for (size_t r = 0; r < s->window.runs; ++r) {
    const size_t v = whole_rows ? r : r / (size_t)s->x.filter;
    const size_t u = whole_rows ? 0 : r % (size_t)s->x.filter;
    s->offsets[r] = v * (size_t)s->y.dilation * row_bytes + u * (size_t)s->x.dilation * pixel_bytes;
  }
  s->window.offsets = s->offsets;
  return true;
}

bool lce_bconv2d_prepare(lce_operator* op, const lce_shape* inputs, int input_count, int workers,
                         lce_shape* output, size_t* scratch_bytes, lce_reason* why) {
  (void)input_count;
  lce_bconv2d* s = (lce_bconv2d*)op;
  const lce_shape* input = &inputs[0];
  if (input->rank != 4) return lce_refuse(why, "its input has %d dimensions, expected 4", input->rank);
  if (input->dims[3] != lce_words(s->channels_in)) {
    return lce_refuse(why, "its input has %d words of channels, %d channels need %d",
                      (int)input->dims[3], (int)s->channels_in, (int)lce_words(s->channels_in));
  }
  s->batch = input->dims[0];
  s->y.input = input->dims[1];
  s->x.input = input->dims[2];
  if (!lce_prepare_axis(&s->y, s->padding, "height", why) ||
      !lce_prepare_axis(&s->x, s->padding, "width", why)) {
    return false;
  }
  *output = (lce_shape){4, {s->batch, s->y.output, s->x.output, s->channels_out}};
  if (s->output_type == LCE_BITS) output->dims[3] = lce_words(s->channels_out);
  if (!lce_check_shape(output, "its output", why)) return false;

  // Rows and columns that windows touch; the buffer ends with the last window.
  const int64_t height = (int64_t)(s->y.output - 1) * s->y.stride + lce_window_span(&s->y);
  const int64_t width = (int64_t)(s->x.output - 1) * s->x.stride + lce_window_span(&s->x);
  const bool pads = height > s->y.input || width > s->x.input || s->y.before > 0 || s->x.before > 0;
  s->multiplies = lce_bconv2d_prefers_matrix(s, &s->y, &s->x);
  s->expand = s->multiplies ? s->kernel->matrix->expand : s->kernel->expand;
  s->planes = lce_multiplies_bits(s) ? (size_t)lce_words(s->channels_in) : 1;
  s->copies = pads || s->multiplies || s->expand != NULL;
  s->pixel_words = (size_t)lce_words(s->channels_in) / s->planes;
  s->buffer_height = (size_t)s->y.input;
  s->buffer_width = (size_t)s->x.input;
  *scratch_bytes = 0;
  if (s->copies) {
    const int expansion = s->multiplies ? s->kernel->matrix->bits : s->kernel->activation_words;
    s->pixel_words *= (size_t)expansion;
    // A real network's padding makes its activations a few times larger at most; a window that is
    // spread far beyond its input would take all memory.
    const int64_t input_words = (int64_t)lce_elements(input) * expansion;
    int64_t limit = 64 * input_words + (1 << 22);
    if (limit > LCE_MAX_ELEMENTS) limit = LCE_MAX_ELEMENTS;
    if (height > limit || width > limit || height * width > limit ||
        height * width * s->batch > limit / (int64_t)(s->planes * s->pixel_words)) {
      return lce_refuse(why, "its padded input of %d x %lld x %lld pixels is too large",
                        (int)s->batch, (long long)height, (long long)width);
    }
    s->buffer_height = (size_t)height;
    s->buffer_width = (size_t)width;
    s->plane_words = (size_t)s->batch * s->buffer_height * s->buffer_width * s->pixel_words;
    *scratch_bytes = s->planes * s->plane_words * sizeof(uint32_t);
  }
  const size_t pixels = (size_t)s->batch * (size_t)s->y.output * (size_t)s->x.output;
  const size_t tile = (size_t)s->kernel->tile_pixels;
  s->tiles = (pixels + tile - 1) / tile;
  if (s->multiplies) lce_bconv2d_plan_matrix(s, workers, scratch_bytes);
  return find_window(s, why);
}

