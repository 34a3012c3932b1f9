// Concatenation of bits, in whole words.
#include <string.h>

#include "operator.h"

typedef struct {
  lce_operator base;
  int32_t axis;
  int inputs;
  size_t rows;                       // product of the dimensions before the axis
  size_t row_words[LCE_MAX_INPUTS];  // of each input: words from one row to the next
} concatenation;

static bool prepare(lce_operator* op, const lce_shape* inputs, int input_count, int workers,
                    lce_shape* output, size_t* scratch_bytes, lce_reason* why) {
  (void)workers;
  (void)scratch_bytes;
  concatenation* s = (concatenation*)op;
  const int rank = inputs[0].rank;
  const int64_t axis = s->axis < 0 ? (int64_t)s->axis + rank : s->axis;
  if (axis < 0 || axis >= rank) {
    return lce_refuse(why, "its axis is %d, its inputs have %d dimensions", (int)s->axis, rank);
  }
  *output = inputs[0];
  int64_t along = 0;
  for (int i = 0; i < input_count; ++i) {
    if (inputs[i].rank != rank) return lce_refuse(why, "its inputs differ in dimensions");
    for (int d = 0; d < rank; ++d) {
      if (d != axis && inputs[i].dims[d] != output->dims[d]) {
        return lce_refuse(why, "its inputs differ in dimension %d (%d and %d)", d,
                          (int)output->dims[d], (int)inputs[i].dims[d]);
      }
    }
    along += inputs[i].dims[axis];
  }
  if (along > INT32_MAX) return lce_refuse(why, "its output is too large");
  output->dims[axis] = (int32_t)along;

  s->inputs = input_count;
  s->rows = 1;
  for (int d = 0; d < axis; ++d) s->rows *= (size_t)output->dims[d];
  for (int i = 0; i < input_count; ++i) s->row_words[i] = lce_elements(&inputs[i]) / s->rows;
  return true;
}

static void run(const lce_operator* op, const lce_run* run) {
  const concatenation* s = (const concatenation*)op;
  size_t pitch = 0;
  for (int i = 0; i < s->inputs; ++i) pitch += s->row_words[i];
  uint32_t* column = run->output;
  for (int i = 0; i < s->inputs; column += s->row_words[i++]) {
    const uint32_t* from = run->inputs[i];
    if (from == NULL) continue;
    for (size_t row = 0; row < s->rows; ++row, from += s->row_words[i]) {
      memcpy(column + row * pitch, from, s->row_words[i] * sizeof *from);
    }
  }
}

static const lce_operator_type TYPE = {.name = "CONCATENATION", .prepare = prepare, .run = run};

lce_operator* lce_concatenation_create(int32_t axis, lce_reason* why) {
  concatenation s = {.axis = axis};
  return lce_operator_new(&TYPE, &s, sizeof s, why);
}
