#include "operator.h"

#include <string.h>

void* lce_operator_new(const lce_operator_type* type, const void* from, size_t bytes,
                       lce_reason* why) {
  lce_operator* op = lce_allocate(bytes);
  if (op == NULL) {
    lce_refuse(why, "out of memory");
    return NULL;
  }
  memcpy(op, from, bytes);
  op->type = type;
  return op;
}

void lce_operator_delete(lce_operator* op) {
  if (op == NULL) return;
  if (op->type->release != NULL) op->type->release(op);
  lce_free(op);
}

bool lce_operator_prepare(lce_operator* op, const lce_shape* inputs, int input_count, int workers,
                          lce_shape* output, size_t* scratch_bytes, lce_reason* why) {
  *scratch_bytes = 0;
  if (input_count < 1 || input_count > LCE_MAX_INPUTS) {
    return lce_refuse(why, "it has %d inputs, expected 1 to %d", input_count, LCE_MAX_INPUTS);
  }
  if (workers < 1) return lce_refuse(why, "it has %d workers, expected at least 1", workers);
  for (int i = 0; i < input_count; ++i) {
    if (!lce_check_shape(&inputs[i], "its input", why)) return false;
  }
  return op->type->prepare(op, inputs, input_count, workers, output, scratch_bytes, why) &&
         lce_check_shape(output, "its output", why);
}

void lce_operator_run(const lce_operator* op, const void* const* inputs, void* output, size_t pitch,
                      void* scratch, const lce_executor* executor) {
  const lce_run run = {inputs, output, pitch, scratch, executor};
  op->type->run(op, &run);
}

void lce_execute(const lce_executor* executor, lce_task task, void* job, size_t count) {
  if (count == 0) return;
  if (executor == NULL) {
    task(job, 0, 0, count);
  } else {
    executor->run(executor->pool, task, job, count);
  }
}
