#include "layout.h"

#include <string.h>

enum {
  MOST_TENSORS = 1 << 24,
  MOST_THREADS = 1 << 16,
  LAST_TYPE = 31,  // there are 20 or so
  LAST_ALLOCATION = 15,
  MOST_DIMENSIONS = 64,
};

static bool is_flag(const bool* flag) {
  unsigned char byte;
  memcpy(&byte, flag, sizeof byte);
  return byte <= 1;
}

static bool is_aligned(const void* pointer) { return (uintptr_t)pointer % sizeof(int) == 0; }

// If the tensors had another size, these would be parts of addresses and sizes. Pointers are followed
// only if all else is as it should be.
static bool looks_like_a_tensor(const TfLiteTensor* tensor) {
  if ((unsigned)tensor->type > LAST_TYPE || (unsigned)tensor->allocation_type > LAST_ALLOCATION ||
      (unsigned)tensor->quantization.type > kTfLiteAffineQuantization ||
      !is_flag(&tensor->data_is_stale) || !is_flag(&tensor->is_variable) ||
      !is_aligned(tensor->dims) || !is_aligned(tensor->dims_signature)) {
    return false;
  }
  const uintptr_t first_page = 4096;  // a size or a number where an address should be
  if (tensor->dims == NULL) return true;
  if ((uintptr_t)tensor->dims < first_page) return false;
  return tensor->dims->size >= 0 && tensor->dims->size <= MOST_DIMENSIONS;
}

bool lce_check_layout(const TfLiteContext* context, lce_reason* why) {
  static const char UNKNOWN[] =
      "this runtime's memory is not laid out as that of TensorFlow Lite 2.12 to 2.21 or LiteRT 1.0 to "
      "2.3: %s; use one of these, or a newer lce_delegate";
  if (context->GetExecutionPlan == NULL || context->GetNodeAndRegistration == NULL ||
      context->ReplaceNodeSubsetsWithDelegateKernels == NULL || context->ResizeTensor == NULL) {
    return lce_refuse(why, UNKNOWN, "a function is missing");
  }
  if (context->tensors_size > MOST_TENSORS ||
      (context->tensors_size > 0 && context->tensors == NULL) ||
      context->recommended_num_threads < -1 || context->recommended_num_threads > MOST_THREADS) {
    return lce_refuse(why, UNKNOWN, "its context holds absurd numbers");
  }
  for (size_t i = 0; i < context->tensors_size; ++i) {
    const TfLiteTensor* tensor = &context->tensors[i];
    if (!looks_like_a_tensor(tensor)) {
      return lce_refuse(why, UNKNOWN, "what should be a tensor is none");
    }
  }
  return true;
}
