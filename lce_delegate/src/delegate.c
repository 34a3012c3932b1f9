// The delegate: claims the nodes that it can run, and runs each connected part of them ("partition")
// as one node of the runtime. Tensors between the nodes of a partition get no memory from the
// runtime, so a partition owns theirs.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lce_delegate.h"
#include "operator.h"
#include "subnormals.h"

typedef struct {
  TfLiteDelegate base;  // base.data_ points to this
  const lce_kernel* kernel;
  int num_threads;  // 0: that of the first interpreter
  lce_thread_pool* pool;
} lce_delegate;

// ---- Which nodes.

// A node's operator type; NULL if it is none of ours.
static const lce_operator_type* type_of(const TfLiteRegistration* registration) {
  static const lce_operator_type* const CUSTOM[] = {&lce_quantize_type, &lce_dequantize_type,
                                                    &lce_bconv2d_type, &lce_bmaxpool2d_type};
  if (registration->custom_name != NULL) {
    for (size_t i = 0; i < sizeof CUSTOM / sizeof CUSTOM[0]; ++i) {
      if (strcmp(registration->custom_name, CUSTOM[i]->name) == 0) return CUSTOM[i];
    }
    return NULL;
  }
  if (registration->builtin_code == kTfLiteBuiltinConcatenation) return &lce_concatenation_type;
  if (registration->builtin_code == kTfLiteBuiltinReshape) return &lce_reshape_type;
  return NULL;
}

static bool is_builtin(const lce_operator_type* type) {
  return type == &lce_concatenation_type || type == &lce_reshape_type;
}

// Reads a node into an operator. With `kernel` NULL it is only checked.
static bool read_operator(TfLiteContext* context, const TfLiteNode* node,
                          const lce_operator_type* type, const lce_kernel* kernel,
                          lce_operator* op, lce_reason* why) {
  const lce_node view = {context, node};
  memset(op, 0, sizeof *op);
  op->type = type;
  if (!type->init(op, &view, kernel, why)) return false;
  // From here on the numbers of inputs and outputs are known to be right.
  op->input_count = type->data_inputs > 0 ? type->data_inputs : node->inputs->size;
  for (int i = 0; i < op->input_count; ++i) op->inputs[i] = node->inputs->data[i];
  op->output = node->outputs->data[0];
  op->output_type = context->tensors[op->output].type;
  for (int i = 0; i < op->input_count; ++i) {
    if (op->inputs[i] == op->output) return lce_refuse(why, "its output is also its input");
  }
  return true;
}

// Built-in operators are claimed if what they work on is packed: made by nodes that are claimed.
static bool works_on_packed(const lce_operator* op, const bool* packed) {
  for (int i = 0; i < op->input_count; ++i) {
    if (!packed[op->inputs[i]]) return false;
  }
  return true;
}

static void release_operator(lce_operator* op) {
  if (op->type != NULL && op->type->destroy != NULL) {
    op->type->destroy(op);
  } else {
    free(op->state);
  }
  op->state = NULL;
}

// ---- A partition: one node of the runtime.

typedef struct {
  lce_delegate* delegate;
  lce_reason failure;  // why `init` failed; empty if it did not
  int operator_count;
  lce_operator* operators;
  size_t tensor_count;
  lce_shape* shapes;   // [tensor_count], those of the last `prepare`
  bool* produced;      // [tensor_count]: an operator here writes it
  bool* known;         // [tensor_count]: its shape is known, while preparing
  bool* visible;       // [tensor_count]: read outside, so that the runtime has its memory
  void** memory;       // [tensor_count], for tensors that are produced and not visible
  void* scratch;
} lce_partition;

static size_t tensor_bytes(const lce_partition* partition, const TfLiteContext* context, int index) {
  return lce_elements(&partition->shapes[index]) * lce_type_size(context->tensors[index].type);
}

static bool build_partition(lce_partition* partition, TfLiteContext* context,
                            const TfLiteDelegateParams* params) {
  lce_reason* why = &partition->failure;
  const size_t tensors = partition->tensor_count = context->tensors_size;
  partition->operators = calloc((size_t)params->nodes_to_replace->size, sizeof(lce_operator));
  partition->shapes = calloc(tensors, sizeof *partition->shapes);
  partition->produced = calloc(tensors, sizeof *partition->produced);
  partition->known = calloc(tensors, sizeof *partition->known);
  partition->visible = calloc(tensors, sizeof *partition->visible);
  partition->memory = calloc(tensors, sizeof *partition->memory);
  if (partition->operators == NULL || partition->shapes == NULL || partition->produced == NULL ||
      partition->known == NULL || partition->visible == NULL || partition->memory == NULL) {
    return lce_refuse(why, "out of memory");
  }
  for (int i = 0; i < params->output_tensors->size; ++i) {
    const int tensor = params->output_tensors->data[i];
    if (tensor >= 0 && (size_t)tensor < tensors) partition->visible[tensor] = true;
  }
  for (int i = 0; i < params->nodes_to_replace->size; ++i) {
    TfLiteNode* node;
    TfLiteRegistration* registration;
    if (context->GetNodeAndRegistration(context, params->nodes_to_replace->data[i], &node,
                                        &registration) != kTfLiteOk) {
      return lce_refuse(why, "the runtime does not know node %d", params->nodes_to_replace->data[i]);
    }
    lce_operator* op = &partition->operators[partition->operator_count++];
    if (!read_operator(context, node, type_of(registration), partition->delegate->kernel, op, why)) {
      return false;
    }
    if (partition->produced[op->output]) {
      return lce_refuse(why, "tensor %d is the output of two operators", op->output);
    }
    partition->produced[op->output] = true;
  }
  return true;
}

static void* partition_init(TfLiteContext* context, const char* buffer, size_t length) {
  (void)length;
  const TfLiteDelegateParams* params = (const TfLiteDelegateParams*)(const void*)buffer;
  lce_partition* partition = calloc(1, sizeof *partition);
  if (partition == NULL) return NULL;
  partition->delegate = params->delegate->data_;
  build_partition(partition, context, params);  // `prepare` reports a failure
  return partition;
}

static void partition_free(TfLiteContext* context, void* argument) {
  (void)context;
  lce_partition* partition = argument;
  if (partition == NULL) return;
  for (int i = 0; i < partition->operator_count; ++i) release_operator(&partition->operators[i]);
  for (size_t i = 0; partition->memory != NULL && i < partition->tensor_count; ++i) {
    free(partition->memory[i]);
  }
  free(partition->operators);
  free(partition->shapes);
  free(partition->produced);
  free(partition->known);
  free(partition->visible);
  free(partition->memory);
  free(partition->scratch);
  free(partition);
}

static TfLiteStatus resize_output(TfLiteContext* context, int tensor, const lce_shape* shape) {
  TfLiteIntArray* dims = malloc(sizeof *dims + (size_t)shape->rank * sizeof dims->data[0]);
  if (dims == NULL) return kTfLiteError;
  dims->size = shape->rank;
  for (int i = 0; i < shape->rank; ++i) dims->data[i] = shape->dims[i];
  return context->ResizeTensor(context, &context->tensors[tensor], dims);
}

static bool prepare_operator(lce_partition* partition, TfLiteContext* context, lce_operator* op,
                             size_t* scratch_bytes, lce_reason* why) {
  const lce_shape* inputs[LCE_MAX_INPUTS];
  for (int i = 0; i < op->input_count; ++i) {
    const int tensor = op->inputs[i];
    if (!partition->known[tensor]) {
      if (partition->produced[tensor]) return lce_refuse(why, "its input is computed after it");
      if (!lce_shape_of(&context->tensors[tensor], &partition->shapes[tensor], "its input", why)) {
        return false;
      }
      partition->known[tensor] = true;
    }
    inputs[i] = &partition->shapes[tensor];
  }
  lce_shape* output = &partition->shapes[op->output];
  if (!op->type->prepare(op, inputs, output, scratch_bytes, why) ||
      !lce_check_shape(output, "its output", why)) {
    return false;
  }
  partition->known[op->output] = true;
  if (partition->visible[op->output]) {
    if (resize_output(context, op->output, output) == kTfLiteOk) return true;
    return lce_refuse(why, "the runtime could not resize its output");
  }
  free(partition->memory[op->output]);
  partition->memory[op->output] = lce_allocate(tensor_bytes(partition, context, op->output));
  return partition->memory[op->output] != NULL || lce_refuse(why, "out of memory");
}

static TfLiteStatus partition_prepare(TfLiteContext* context, TfLiteNode* node) {
  lce_partition* partition = node->user_data;
  if (partition == NULL || partition->failure.text[0] != '\0') {
    context->ReportError(context, "lce_delegate: %s",
                         partition == NULL ? "out of memory" : partition->failure.text);
    return kTfLiteError;
  }
  size_t scratch_bytes = 0;
  memset(partition->known, 0, partition->tensor_count * sizeof *partition->known);
  for (int i = 0; i < partition->operator_count; ++i) {
    lce_operator* op = &partition->operators[i];
    lce_reason why;
    size_t needed = 0;
    if (!prepare_operator(partition, context, op, &needed, &why)) {
      context->ReportError(context, "lce_delegate: %s (writes tensor %d): %s", op->type->name,
                           op->output, why.text);
      return kTfLiteError;
    }
    if (needed > scratch_bytes) scratch_bytes = needed;
  }
  free(partition->scratch);
  partition->scratch = lce_allocate(scratch_bytes);
  if (partition->scratch != NULL) return kTfLiteOk;
  context->ReportError(context, "lce_delegate: out of memory");
  return kTfLiteError;
}

// A tensor's memory, or NULL if the runtime's is absent or too small for the shape prepared.
static void* data_of(const lce_partition* partition, TfLiteContext* context, int index) {
  if (partition->memory[index] != NULL) return partition->memory[index];
  const TfLiteTensor* tensor = &context->tensors[index];
  return tensor->bytes < tensor_bytes(partition, context, index) ? NULL : tensor->data;
}

static TfLiteStatus run_operators(TfLiteContext* context, const lce_partition* partition) {
  for (int i = 0; i < partition->operator_count; ++i) {
    const lce_operator* op = &partition->operators[i];
    const void* inputs[LCE_MAX_INPUTS];
    void* output = data_of(partition, context, op->output);
    bool complete = output != NULL;
    for (int j = 0; j < op->input_count; ++j) {
      inputs[j] = data_of(partition, context, op->inputs[j]);
      complete = complete && inputs[j] != NULL;
    }
    if (!complete) {
      context->ReportError(context, "lce_delegate: a tensor of %s (writes tensor %d) has no memory",
                           op->type->name, op->output);
      return kTfLiteError;
    }
    op->type->invoke(op, inputs, output, partition->scratch, partition->delegate->pool);
  }
  return kTfLiteOk;
}

static TfLiteStatus partition_invoke(TfLiteContext* context, TfLiteNode* node) {
  const lce_float_state before = lce_flush_subnormals();
  const TfLiteStatus status = run_operators(context, node->user_data);
  lce_restore_subnormals(before);
  return status;
}

// ---- The delegate.

static bool claim_nodes(TfLiteContext* context, const TfLiteIntArray* plan, bool* packed,
                        TfLiteIntArray* claimed) {
  for (int i = 0; i < plan->size; ++i) {
    TfLiteNode* node;
    TfLiteRegistration* registration;
    if (context->GetNodeAndRegistration(context, plan->data[i], &node, &registration) != kTfLiteOk) {
      return false;
    }
    const lce_operator_type* type = type_of(registration);
    if (type == NULL) continue;
    lce_operator op;
    lce_reason why;
    const bool runs = read_operator(context, node, type, NULL, &op, &why);
    if (is_builtin(type)) {
      if (!runs || !works_on_packed(&op, packed)) continue;  // the runtime has its own
    } else if (!runs) {
      context->ReportError(context, "lce_delegate: %s (node %d) is left to the runtime: %s",
                           type->name, plan->data[i], why.text);
      continue;
    }
    claimed->data[claimed->size++] = plan->data[i];
    packed[op.output] = op.output_type == kTfLiteInt32;
  }
  return true;
}

static bool start_pool(lce_delegate* delegate, const TfLiteContext* context) {
  if (delegate->pool != NULL) return true;
  int threads = delegate->num_threads;
  if (threads == 0) threads = context->recommended_num_threads;
  if (threads < 1) threads = 1;
  if (threads > LCE_MAX_THREADS) threads = LCE_MAX_THREADS;
  delegate->pool = lce_thread_pool_create(threads);
  return delegate->pool != NULL;
}

static TfLiteStatus delegate_prepare(TfLiteContext* context, TfLiteDelegate* base) {
  lce_delegate* delegate = base->data_;
  if (!start_pool(delegate, context)) {
    context->ReportError(context, "lce_delegate: could not start its threads");
    return kTfLiteError;
  }
  TfLiteIntArray* plan;
  if (context->GetExecutionPlan(context, &plan) != kTfLiteOk) return kTfLiteError;
  TfLiteIntArray* claimed = malloc(sizeof *claimed + (size_t)plan->size * sizeof claimed->data[0]);
  bool* packed = calloc(context->tensors_size + 1, sizeof *packed);
  TfLiteStatus status = kTfLiteError;
  if (claimed == NULL || packed == NULL) {
    context->ReportError(context, "lce_delegate: out of memory");
  } else {
    claimed->size = 0;
    if (claim_nodes(context, plan, packed, claimed)) {
      const TfLiteRegistration registration = {
          .init = partition_init,
          .free = partition_free,
          .prepare = partition_prepare,
          .invoke = partition_invoke,
          .builtin_code = kTfLiteBuiltinDelegate,
          .custom_name = "LceDelegate",
          .version = 1,
      };
      status = context->ReplaceNodeSubsetsWithDelegateKernels(context, registration, claimed, base);
    }
  }
  free(claimed);
  free(packed);
  return status;
}

static void report_to(void (*report)(const char*), const char* format, const char* detail) {
  char message[160];
  if (report == NULL) return;
  snprintf(message, sizeof message, format, detail);
  report(message);
}

LceDelegateOptions LceDelegateOptionsDefault(void) { return (LceDelegateOptions){0, NULL}; }

struct TfLiteDelegate* LceDelegateCreate(const LceDelegateOptions* options,
                                         void (*report)(const char* message)) {
  const LceDelegateOptions chosen = options == NULL ? LceDelegateOptionsDefault() : *options;
  if (chosen.num_threads < 0 || chosen.num_threads > LCE_MAX_THREADS) {
    report_to(report, "lce_delegate: num_threads is out of range, expected 0 to 64%s", "");
    return NULL;
  }
  const lce_kernel* kernel = lce_find_kernel(chosen.kernel);
  if (kernel == NULL) {
    report_to(report, "lce_delegate: this processor or build has no kernel %.60s", chosen.kernel);
    return NULL;
  }
  lce_delegate* delegate = calloc(1, sizeof *delegate);
  if (delegate == NULL) {
    report_to(report, "lce_delegate: out of memory%s", "");
    return NULL;
  }
  delegate->kernel = kernel;
  delegate->num_threads = chosen.num_threads;
  delegate->base.data_ = delegate;
  delegate->base.Prepare = delegate_prepare;
  delegate->base.flags = kTfLiteDelegateFlagsAllowDynamicTensors;
  return &delegate->base;
}

void LceDelegateDelete(struct TfLiteDelegate* base) {
  if (base == NULL) return;
  lce_delegate* delegate = base->data_;
  lce_thread_pool_delete(delegate->pool);
  free(delegate);
}

const char* LceDelegateKernel(const struct TfLiteDelegate* base) {
  return ((const lce_delegate*)base->data_)->kernel->instruction_set;
}

const char* LceKernelName(int index) {
  for (const lce_kernel* const* kernel = lce_kernels; *kernel != NULL; ++kernel) {
    if ((*kernel)->supported() && index-- == 0) return (*kernel)->instruction_set;
  }
  return NULL;
}

// Reads a decimal number of at most four digits, nothing else; -1 if it is none.
static int read_number(const char* text) {
  int number = 0, digits = 0;
  for (; *text >= '0' && *text <= '9' && digits < 4; ++text, ++digits) {
    number = 10 * number + (*text - '0');
  }
  return digits > 0 && *text == '\0' ? number : -1;
}

struct TfLiteDelegate* tflite_plugin_create_delegate(char** keys, char** values, size_t count,
                                                     void (*report)(const char*)) {
  LceDelegateOptions options = LceDelegateOptionsDefault();
  for (size_t i = 0; i < count; ++i) {
    if (strcmp(keys[i], "num_threads") == 0) {
      options.num_threads = read_number(values[i]);
    } else if (strcmp(keys[i], "kernel") == 0) {
      options.kernel = values[i];
    } else {
      report_to(report, "lce_delegate: unknown option %.60s, expected num_threads or kernel",
                keys[i]);
      return NULL;
    }
  }
  return LceDelegateCreate(&options, report);
}

void tflite_plugin_destroy_delegate(struct TfLiteDelegate* delegate) { LceDelegateDelete(delegate); }
