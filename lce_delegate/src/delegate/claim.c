// Which nodes of the runtime's graph the delegate runs.
#include <stdlib.h>
#include <string.h>

#include "partition.h"

bool lce_read_step(const lce_node* node, const lce_node_type* type, const lce_kernel* kernel,
                   lce_step* step, lce_reason* why) {
  memset(step, 0, sizeof *step);
  step->type = type;
  if (!type->read(node, kernel, kernel == NULL ? NULL : &step->op, why)) return false;
  // From here on the numbers of inputs and outputs are known to be right.
  step->input_count = type->data_inputs > 0 ? type->data_inputs : node->node->inputs->size;
  for (int i = 0; i < step->input_count; ++i) step->inputs[i] = node->node->inputs->data[i];
  step->output = node->node->outputs->data[0];
  for (int i = 0; i < step->input_count; ++i) {
    if (step->inputs[i] == step->output) return lce_refuse(why, "its output is also its input");
  }
  return true;
}

static bool get_node(TfLiteContext* context, int index, lce_node* node,
                     const lce_node_type** type) {
  TfLiteNode* found;
  TfLiteRegistration* registration;
  if (context->GetNodeAndRegistration(context, index, &found, &registration) != kTfLiteOk) {
    return false;
  }
  *node = (lce_node){context, found, false};
  *type = lce_node_type_of(registration);
  return true;
}

static bool reads(const TfLiteNode* node, int tensor) {
  for (int i = 0; node->inputs != NULL && i < node->inputs->size; ++i) {
    if (node->inputs->data[i] == tensor) return true;
  }
  return false;
}

// Is the tensor read, and only to be packed?
static bool only_packed(TfLiteContext* context, const TfLiteIntArray* plan, int tensor) {
  int readers = 0;
  for (int i = 0; i < plan->size; ++i) {
    lce_node node;
    const lce_node_type* type;
    lce_step step;
    lce_reason why;
    if (!get_node(context, plan->data[i], &node, &type)) return false;
    if (!reads(node.node, tensor)) continue;
    ++readers;
    if (type != &lce_node_quantize || !lce_read_step(&node, type, NULL, &step, &why)) return false;
  }
  return readers > 0;
}

// Built-in operators are claimed only where that keeps bits packed: if what they work on is packed,
// made by nodes that are claimed, or if what they make is.
static bool belongs(TfLiteContext* context, const TfLiteIntArray* plan, const lce_step* step,
                    const bool* packed) {
  if (step->type->builtin_code < 0) return true;
  if (step->type == &lce_node_conv2d) return only_packed(context, plan, step->output);
  for (int i = 0; i < step->input_count; ++i) {
    if (!packed[step->inputs[i]]) return false;
  }
  return true;
}

static bool claim(TfLiteContext* context, const TfLiteIntArray* plan, bool* packed,
                  TfLiteIntArray* claimed) {
  for (int i = 0; i < plan->size; ++i) {
    lce_node node;
    const lce_node_type* type;
    lce_step step;
    lce_reason why;
    if (!get_node(context, plan->data[i], &node, &type)) return false;
    if (type == NULL) continue;
    const bool runs = lce_read_step(&node, type, NULL, &step, &why);
    if (!runs && type->builtin_code < 0) {
      context->ReportError(context, "lce_delegate: %s (node %d) is left to the runtime: %s",
                           type->name, plan->data[i], why.text);
    }
    if (!runs || !belongs(context, plan, &step, packed)) continue;
    claimed->data[claimed->size++] = plan->data[i];
    packed[step.output] = context->tensors[step.output].type == kTfLiteInt32;
  }
  return true;
}

bool lce_claim_nodes(TfLiteContext* context, const TfLiteIntArray* plan, TfLiteIntArray* claimed) {
  bool* packed = calloc(context->tensors_size + 1, sizeof *packed);
  claimed->size = 0;
  const bool done = packed != NULL && claim(context, plan, packed, claimed);
  if (packed == NULL) context->ReportError(context, "lce_delegate: out of memory");
  free(packed);
  return done;
}
