// Preparing a partition for the shapes of its inputs, and running it.
#include <stdlib.h>
#include <string.h>

#include "partition.h"
#include "subnormals.h"

static size_t tensor_bytes(const lce_partition* partition, const TfLiteContext* context, int index) {
  return lce_elements(&partition->tensors[index].shape) *
         lce_tensor_type_size(context->tensors[index].type);
}

static bool same_shape(const lce_shape* shape, const TfLiteIntArray* dims) {
  if (dims == NULL || dims->size != shape->rank) return false;
  return memcmp(dims->data, shape->dims, (size_t)shape->rank * sizeof shape->dims[0]) == 0;
}

static TfLiteStatus resize_output(TfLiteContext* context, int index, const lce_shape* shape) {
  TfLiteTensor* tensor = &context->tensors[index];
  if (same_shape(shape, tensor->dims)) return kTfLiteOk;
  TfLiteIntArray* dims = malloc(sizeof *dims + (size_t)shape->rank * sizeof dims->data[0]);
  if (dims == NULL) return kTfLiteError;
  dims->size = shape->rank;
  for (int i = 0; i < shape->rank; ++i) dims->data[i] = shape->dims[i];
  return context->ResizeTensor(context, tensor, dims);
}

// The shapes of a step's inputs, and of its output.
static bool prepare_step(lce_partition* partition, TfLiteContext* context, lce_step* step,
                         size_t* scratch_bytes, lce_reason* why) {
  lce_shape inputs[LCE_MAX_INPUTS];
  for (int i = 0; i < step->input_count; ++i) {
    lce_tensor* tensor = &partition->tensors[step->inputs[i]];
    if (!tensor->known) {
      if (tensor->produced) {
        return lce_refuse(why, "it reads tensor %d, which is computed after it", step->inputs[i]);
      }
      const TfLiteTensor* outside = &context->tensors[step->inputs[i]];
      if (!lce_shape_of(outside, &tensor->shape, "its input", why)) return false;
      tensor->known = true;
    }
    inputs[i] = tensor->shape;
  }
  lce_tensor* output = &partition->tensors[step->output];
  const int workers = lce_thread_pool_threads(partition->delegate->pool);
  if (!lce_operator_prepare(step->op, inputs, step->input_count, workers, &output->shape,
                            scratch_bytes, why)) {
    return false;
  }
  output->known = true;
  if (!output->visible) return true;
  if (resize_output(context, step->output, &output->shape) == kTfLiteOk) return true;
  return lce_refuse(why, "the runtime could not resize its output");
}

// The places of parts in their wholes. A concatenation along another axis than the last, where parts
// would not be whole pixels, copies them.
static void place_parts(lce_partition* partition, const lce_step* joins) {
  const lce_shape* whole = &partition->tensors[joins->output].shape;
  const int last = whole->rank - 1;
  int64_t words = 0;
  for (int i = 0; i < joins->input_count; ++i) {
    words += partition->tensors[joins->inputs[i]].shape.dims[last];
  }
  size_t first_word = 0;
  for (int i = 0; i < joins->input_count; ++i) {
    lce_tensor* part = &partition->tensors[joins->inputs[i]];
    part->in_place = part->whole == joins->output && words == whole->dims[last];
    part->first_word = first_word;
    first_word += (size_t)part->shape.dims[last];
  }
}

static bool allocate(lce_partition* partition, const TfLiteContext* context, size_t scratch_bytes) {
  for (int i = 0; i < partition->step_count; ++i) {
    const int index = partition->steps[i].output;
    lce_tensor* tensor = &partition->tensors[index];
    lce_free(tensor->memory);
    tensor->memory = NULL;
    if (tensor->visible || tensor->in_place) continue;
    tensor->memory = lce_allocate(tensor_bytes(partition, context, index));
    if (tensor->memory == NULL) return false;
  }
  lce_free(partition->scratch);
  partition->scratch = lce_allocate(scratch_bytes);
  return partition->scratch != NULL;
}

bool lce_partition_prepare(lce_partition* partition, TfLiteContext* context) {
  size_t scratch_bytes = 0;
  for (size_t i = 0; i < partition->tensor_count; ++i) partition->tensors[i].known = false;
  for (int i = 0; i < partition->step_count; ++i) {
    lce_step* step = &partition->steps[i];
    lce_reason why;
    size_t needed;
    if (!prepare_step(partition, context, step, &needed, &why)) {
      context->ReportError(context, "lce_delegate: %s (writes tensor %d): %s", step->type->name,
                           step->output, why.text);
      return false;
    }
    if (needed > scratch_bytes) scratch_bytes = needed;
    if (step->type == &lce_node_concatenation) place_parts(partition, step);
  }
  if (allocate(partition, context, scratch_bytes)) return true;
  context->ReportError(context, "lce_delegate: out of memory");
  return false;
}

// A tensor's memory, or NULL if the runtime's is absent or too small for the shape prepared.
static void* data_of(const lce_partition* partition, TfLiteContext* context, int index) {
  if (partition->tensors[index].memory != NULL) return partition->tensors[index].memory;
  const TfLiteTensor* tensor = &context->tensors[index];
  return tensor->bytes < tensor_bytes(partition, context, index) ? NULL : tensor->data;
}

// Where a step writes to, and the words from one pixel to the next there; 0: they follow each other.
static void* output_of(const lce_partition* partition, TfLiteContext* context, int index,
                       size_t* pitch) {
  const lce_tensor* tensor = &partition->tensors[index];
  *pitch = 0;
  if (!tensor->in_place) return data_of(partition, context, index);
  const lce_shape* whole = &partition->tensors[tensor->whole].shape;
  *pitch = (size_t)whole->dims[whole->rank - 1];
  uint32_t* data = data_of(partition, context, tensor->whole);
  return data == NULL ? NULL : data + tensor->first_word;
}

static bool run_step(const lce_partition* partition, TfLiteContext* context, const lce_step* step,
                     const lce_executor* executor) {
  const void* inputs[LCE_MAX_INPUTS];
  size_t pitch;
  void* output = output_of(partition, context, step->output, &pitch);
  bool complete = output != NULL;
  for (int i = 0; i < step->input_count; ++i) {
    const bool there = partition->tensors[step->inputs[i]].in_place;  // for a concatenation
    inputs[i] = there ? NULL : data_of(partition, context, step->inputs[i]);
    complete = complete && (there || inputs[i] != NULL);
  }
  if (!complete) {
    context->ReportError(context, "lce_delegate: a tensor of %s (writes tensor %d) has no memory",
                         step->type->name, step->output);
    return false;
  }
  lce_operator_run(step->op, inputs, output, pitch, partition->scratch, executor);
  return true;
}

bool lce_partition_run(const lce_partition* partition, TfLiteContext* context) {
  const lce_executor executor = lce_thread_pool_executor(partition->delegate->pool);
  const lce_float_state before = lce_flush_subnormals();
  bool done = true;
  for (int i = 0; done && i < partition->step_count; ++i) {
    done = run_step(partition, context, &partition->steps[i], &executor);
  }
  lce_restore_subnormals(before);
  return done;
}
