#include "fake_runtime.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  TfLiteNode node;
  TfLiteRegistration registration;
  bool claimed;
} fake_node;

typedef struct {
  TfLiteNode node;
  TfLiteRegistration registration;
  TfLiteIntArray *nodes, *inputs, *outputs;
} fake_partition;

struct fake_runtime {
  TfLiteContext context;
  TfLiteTensor tensors[FAKE_MAX_TENSORS];
  char other_layout[FAKE_MAX_TENSORS * (sizeof(TfLiteTensor) + 16)];
  bool outside[FAKE_MAX_TENSORS];
  fake_node nodes[FAKE_MAX_NODES];
  fake_partition partitions[FAKE_MAX_NODES];
  int node_count, partition_count, claimed;
  TfLiteIntArray* plan;
  char messages[4096];
};

static TfLiteIntArray* int_array(int size, const int* values) {
  TfLiteIntArray* array = malloc(sizeof *array + (size_t)size * sizeof array->data[0]);
  array->size = size;
  for (int i = 0; i < size; ++i) array->data[i] = values[i];
  return array;
}

static size_t element_size(TfLiteType type) {
  return type == kTfLiteFloat32 || type == kTfLiteInt32 ? 4 : 1;
}

static size_t needed_bytes(const TfLiteTensor* tensor) {
  size_t bytes = element_size(tensor->type);
  for (int i = 0; i < tensor->dims->size; ++i) {
    const int dim = tensor->dims->data[i];
    bytes = dim > 0 && bytes < ((size_t)1 << 30) / (size_t)dim ? bytes * (size_t)dim : 0;
  }
  return bytes;
}

static void report(TfLiteContext* context, const char* format, ...) {
  fake_runtime* runtime = context->impl_;
  const size_t used = strlen(runtime->messages), room = sizeof runtime->messages - used;
  va_list arguments;
  va_start(arguments, format);
  const int written = vsnprintf(runtime->messages + used, room, format, arguments);
  va_end(arguments);
  if (written >= 0 && (size_t)written + 2 < room) strcat(runtime->messages, "\n");
}

static TfLiteStatus get_plan(TfLiteContext* context, TfLiteIntArray** plan) {
  *plan = ((fake_runtime*)context->impl_)->plan;
  return kTfLiteOk;
}

static TfLiteStatus get_node(TfLiteContext* context, int index, TfLiteNode** node,
                             TfLiteRegistration** registration) {
  fake_runtime* runtime = context->impl_;
  if (index < 0 || index >= runtime->node_count) return kTfLiteError;
  *node = &runtime->nodes[index].node;
  *registration = &runtime->nodes[index].registration;
  return kTfLiteOk;
}

static void allocate(TfLiteTensor* tensor) {
  free(tensor->data);
  tensor->bytes = needed_bytes(tensor);
  tensor->data = tensor->bytes == 0 ? NULL : calloc(1, tensor->bytes);
}

static TfLiteStatus resize(TfLiteContext* context, TfLiteTensor* tensor, TfLiteIntArray* dims) {
  (void)context;
  free(tensor->dims);
  tensor->dims = dims;
  allocate(tensor);
  return kTfLiteOk;
}

static bool writes(const fake_runtime* runtime, const TfLiteIntArray* nodes, int tensor) {
  for (int i = 0; i < nodes->size; ++i) {
    if (runtime->nodes[nodes->data[i]].node.outputs->data[0] == tensor) return true;
  }
  return false;
}

static bool reads(const TfLiteNode* node, int tensor) {
  for (int i = 0; i < node->inputs->size; ++i) {
    if (node->inputs->data[i] == tensor) return true;
  }
  return false;
}

static void add_partition(fake_runtime* runtime, const TfLiteRegistration* registration,
                          int first, int past, TfLiteDelegate* delegate) {
  fake_partition* partition = &runtime->partitions[runtime->partition_count++];
  partition->nodes = int_array(past - first, &runtime->plan->data[first]);
  partition->registration = *registration;
  partition->inputs = int_array(0, NULL);
  partition->outputs = malloc(sizeof(TfLiteIntArray) + FAKE_MAX_TENSORS * sizeof(int));
  partition->outputs->size = 0;
  for (int t = 0; t < (int)runtime->context.tensors_size; ++t) {
    if (!writes(runtime, partition->nodes, t)) continue;
    bool visible = runtime->outside[t];
    for (int n = 0; n < runtime->node_count; ++n) {
      const bool in_partition = n >= first && n < past;
      if (!in_partition && reads(&runtime->nodes[n].node, t)) visible = true;
    }
    if (visible) partition->outputs->data[partition->outputs->size++] = t;
  }
  const TfLiteDelegateParams params = {delegate, partition->nodes, partition->inputs,
                                       partition->outputs};
  partition->node.inputs = partition->inputs;
  partition->node.outputs = partition->outputs;
  partition->node.user_data =
      registration->init(&runtime->context, (const char*)&params, sizeof params);
}

static TfLiteStatus replace(TfLiteContext* context, TfLiteRegistration registration,
                            const TfLiteIntArray* nodes, TfLiteDelegate* delegate) {
  fake_runtime* runtime = context->impl_;
  for (int i = 0; i < nodes->size; ++i) runtime->nodes[nodes->data[i]].claimed = true;
  runtime->claimed = nodes->size;
  for (int n = 0; n < runtime->node_count;) {
    int past = n;
    while (past < runtime->node_count && runtime->nodes[past].claimed) ++past;
    if (past > n) add_partition(runtime, &registration, n, past, delegate);
    n = past > n ? past : n + 1;
  }
  return kTfLiteOk;
}

fake_runtime* fake_create(void) {
  fake_runtime* runtime = calloc(1, sizeof *runtime);
  runtime->context = (TfLiteContext){
      .GetExecutionPlan = get_plan,
      .tensors = runtime->tensors,
      .impl_ = runtime,
      .ResizeTensor = resize,
      .ReportError = report,
      .GetNodeAndRegistration = get_node,
      .ReplaceNodeSubsetsWithDelegateKernels = replace,
      .recommended_num_threads = -1,
  };
  return runtime;
}

void fake_delete(fake_runtime* runtime) {
  for (int i = 0; i < runtime->partition_count; ++i) {
    fake_partition* partition = &runtime->partitions[i];
    partition->registration.free(&runtime->context, partition->node.user_data);
    free(partition->nodes);
    free(partition->inputs);
    free(partition->outputs);
  }
  for (int i = 0; i < runtime->node_count; ++i) {
    free(runtime->nodes[i].node.inputs);
    free(runtime->nodes[i].node.outputs);
    free((void*)runtime->nodes[i].node.custom_initial_data);
  }
  for (size_t i = 0; i < runtime->context.tensors_size; ++i) {
    free(runtime->tensors[i].dims);
    free(runtime->tensors[i].data);
  }
  free(runtime->plan);
  free(runtime);
}

int fake_tensor(fake_runtime* runtime, TfLiteType type, int rank, const int* dims,
                const void* constant) {
  const int index = (int)runtime->context.tensors_size++;
  TfLiteTensor* tensor = &runtime->tensors[index];
  tensor->type = type;
  tensor->dims = int_array(rank, dims);
  allocate(tensor);
  if (constant != NULL) {
    tensor->allocation_type = kTfLiteMmapRo;
    if (tensor->bytes > 0) memcpy(tensor->data, constant, tensor->bytes);
  }
  return index;
}

void fake_resize(fake_runtime* runtime, int tensor, int rank, const int* dims) {
  resize(&runtime->context, &runtime->tensors[tensor], int_array(rank, dims));
}

TfLiteTensor* fake_tensor_at(fake_runtime* runtime, int index) { return &runtime->tensors[index]; }

void fake_quantize(fake_runtime* runtime, int tensor, float scale, int zero_point) {
  runtime->tensors[tensor].params.scale = scale;
  runtime->tensors[tensor].params.zero_point = zero_point;
  runtime->tensors[tensor].quantization.type = kTfLiteAffineQuantization;
}

static fake_node* add_node(fake_runtime* runtime, int inputs, const int* input_tensors,
                           int output) {
  fake_node* added = &runtime->nodes[runtime->node_count++];
  added->node.inputs = int_array(inputs, input_tensors);
  added->node.outputs = int_array(1, &output);
  return added;
}

void fake_custom_bytes(fake_runtime* runtime, const char* name, int inputs,
                       const int* input_tensors, int output, const uint8_t* options, size_t size) {
  fake_node* added = add_node(runtime, inputs, input_tensors, output);
  added->registration.builtin_code = 32;  // CUSTOM
  added->registration.custom_name = name;
  uint8_t* copy = malloc(size);
  if (size > 0) memcpy(copy, options, size);
  added->node.custom_initial_data = copy;
  added->node.custom_initial_data_size = (int)size;
}

void fake_custom(fake_runtime* runtime, const char* name, int inputs, const int* input_tensors,
                 int output, const fake_option* options, int option_count) {
  uint8_t bytes[1024];
  const size_t size = fake_options(options, option_count, bytes, sizeof bytes);
  fake_custom_bytes(runtime, name, inputs, input_tensors, output, bytes, size);
}

void fake_builtin(fake_runtime* runtime, int code, int inputs, const int* input_tensors, int output,
                  void* parameters) {
  fake_node* added = add_node(runtime, inputs, input_tensors, output);
  added->registration.builtin_code = code;
  added->node.builtin_data = parameters;
}

void fake_read_outside(fake_runtime* runtime, int tensor) { runtime->outside[tensor] = true; }

void fake_other_layout(fake_runtime* runtime, int more_bytes) {
  for (size_t i = 0; i < runtime->context.tensors_size; ++i) {
    char* to = runtime->other_layout + i * (sizeof(TfLiteTensor) + (size_t)more_bytes);
    memcpy(to, &runtime->tensors[i], sizeof runtime->tensors[i]);
  }
  runtime->context.tensors = (TfLiteTensor*)(void*)runtime->other_layout;
}

static size_t put(uint8_t* bytes, size_t position, uint32_t value) {
  for (int i = 0; i < 4; ++i) bytes[position + (size_t)i] = (uint8_t)(value >> (8 * i));
  return position + 4;
}

size_t fake_options(const fake_option* options, int count, uint8_t* bytes, size_t capacity) {
  size_t names[32], at = 0;
  if (count > 32) abort();
  for (int i = 0; i < count; ++i) {
    const size_t length = strlen(options[i].key) + 1;
    if (at + length + 64 * (size_t)count > capacity) abort();
    names[i] = at;
    memcpy(bytes + at, options[i].key, length);
    at += length;
  }
  while (at % 4 != 0) bytes[at++] = 0;
  at = put(bytes, at, (uint32_t)count);
  const size_t keys = at;
  for (int i = 0; i < count; ++i) at = put(bytes, at, (uint32_t)(at - names[i]));
  at = put(bytes, at, (uint32_t)(at - keys));
  at = put(bytes, at, 4);
  at = put(bytes, at, (uint32_t)count);
  const size_t map = at;
  for (int i = 0; i < count; ++i) at = put(bytes, at, (uint32_t)options[i].value);
  for (int i = 0; i < count; ++i) bytes[at++] = 1 << 2 | 2;  // an integer of four bytes
  while (at % 4 != 0) bytes[at++] = 0;
  at = put(bytes, at, (uint32_t)(at - map));
  bytes[at++] = 9 << 2 | 2;  // a map with widths of four bytes
  bytes[at++] = 4;
  return at;
}

int fake_apply(fake_runtime* runtime, TfLiteDelegate* delegate) {
  int order[FAKE_MAX_NODES];
  for (int i = 0; i < runtime->node_count; ++i) order[i] = i;
  runtime->plan = int_array(runtime->node_count, order);
  return delegate->Prepare(&runtime->context, delegate) == kTfLiteOk ? runtime->claimed : -1;
}

bool fake_prepare(fake_runtime* runtime) {
  for (int i = 0; i < runtime->partition_count; ++i) {
    fake_partition* partition = &runtime->partitions[i];
    if (partition->registration.prepare(&runtime->context, &partition->node) != kTfLiteOk) {
      return false;
    }
  }
  return true;
}

bool fake_invoke(fake_runtime* runtime) {
  for (int i = 0; i < runtime->partition_count; ++i) {
    fake_partition* partition = &runtime->partitions[i];
    if (partition->registration.invoke(&runtime->context, &partition->node) != kTfLiteOk) {
      return false;
    }
  }
  return true;
}

const char* fake_messages(const fake_runtime* runtime) { return runtime->messages; }
