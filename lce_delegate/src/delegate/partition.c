// Building a partition: its nodes become steps, some of them one with their neighbours.
#include "partition.h"

#include <stdlib.h>
#include <string.h>

static bool is_read_by(const lce_node* node, int tensor) {
  return lce_input(node, 0) == &node->context->tensors[tensor];
}

// The LceQuantize among the nodes that is all that reads `tensor`, by its place; -1 if there is none.
static int packer_of(const lce_partition* partition, const lce_node* nodes,
                     const lce_node_type* const* types, int count, int tensor) {
  int found = -1, readers = 0;
  if (partition->tensors[tensor].visible) return -1;
  for (int i = 0; i < count; ++i) {
    if (types[i] != &lce_node_quantize || !is_read_by(&nodes[i], tensor)) continue;
    found = i;
    ++readers;
  }
  return readers == 1 ? found : -1;
}

static bool add_step(lce_partition* partition, const lce_node* node, const lce_node_type* type,
                     int output) {
  lce_reason* why = &partition->failure;
  // Counted at once, so that a step that fails is released, too.
  lce_step* step = &partition->steps[partition->step_count++];
  if (!lce_read_step(node, type, partition->delegate->kernel, step, why)) return false;
  if (output >= 0) step->output = output;
  lce_tensor* written = &partition->tensors[step->output];
  if (written->produced) {
    return lce_refuse(why, "tensor %d is the output of two operators", step->output);
  }
  written->produced = true;
  for (int i = 0; i < step->input_count; ++i) ++partition->tensors[step->inputs[i]].readers;
  return true;
}

// Makes the steps. A CONV_2D that is packed at once takes the LceQuantize after it along.
static bool add_steps(lce_partition* partition, lce_node* nodes, const lce_node_type** types,
                      int count) {
  for (int i = 0; i < count; ++i) {
    if (types[i] == NULL) continue;  // taken along
    int output = -1;
    if (types[i] == &lce_node_conv2d) {
      lce_step step;
      if (!lce_read_step(&nodes[i], types[i], NULL, &step, &partition->failure)) return false;
      const int packer = packer_of(partition, nodes, types, count, step.output);
      if (packer > i) {
        nodes[i].packs = true;
        output = nodes[packer].node->outputs->data[0];
        types[packer] = NULL;
      }
    }
    if (!add_step(partition, &nodes[i], types[i], output)) return false;
  }
  return true;
}

static bool can_write_a_part(const lce_step* step, const TfLiteContext* context) {
  return step->type != &lce_node_concatenation && step->type != &lce_node_reshape &&
         context->tensors[step->output].type == kTfLiteInt32;
}

// What only a concatenation reads can be written to its place there at once.
static void find_parts(lce_partition* partition, const TfLiteContext* context) {
  for (int i = 0; i < partition->step_count; ++i) {
    const lce_step* joins = &partition->steps[i];
    if (joins->type != &lce_node_concatenation) continue;
    for (int j = 0; j < i; ++j) {
      const lce_step* step = &partition->steps[j];
      lce_tensor* part = &partition->tensors[step->output];
      if (part->visible || part->readers != 1 || !can_write_a_part(step, context)) continue;
      for (int k = 0; k < joins->input_count; ++k) {
        if (joins->inputs[k] == step->output) part->whole = joins->output;
      }
    }
  }
}

static bool build(lce_partition* partition, TfLiteContext* context,
                  const TfLiteDelegateParams* params, lce_node* nodes,
                  const lce_node_type** types) {
  const int count = params->nodes_to_replace->size;
  for (int i = 0; i < params->output_tensors->size; ++i) {
    const int tensor = params->output_tensors->data[i];
    if (tensor >= 0 && (size_t)tensor < partition->tensor_count) {
      partition->tensors[tensor].visible = true;
    }
  }
  for (int i = 0; i < count; ++i) {
    TfLiteNode* node;
    TfLiteRegistration* registration;
    const int index = params->nodes_to_replace->data[i];
    if (context->GetNodeAndRegistration(context, index, &node, &registration) != kTfLiteOk) {
      return lce_refuse(&partition->failure, "the runtime does not know node %d", index);
    }
    nodes[i] = (lce_node){context, node, false};
    types[i] = lce_node_type_of(registration);
    if (types[i] == NULL) {
      return lce_refuse(&partition->failure, "node %d is another one than before", index);
    }
  }
  if (!add_steps(partition, nodes, types, count)) return false;
  find_parts(partition, context);
  return true;
}

lce_partition* lce_partition_create(TfLiteContext* context, const TfLiteDelegateParams* params) {
  lce_partition* partition = calloc(1, sizeof *partition);
  if (partition == NULL) return NULL;
  const size_t count = (size_t)params->nodes_to_replace->size;
  partition->delegate = params->delegate->data_;
  partition->tensor_count = context->tensors_size;
  partition->steps = calloc(count + 1, sizeof *partition->steps);
  partition->tensors = calloc(partition->tensor_count + 1, sizeof *partition->tensors);
  lce_node* nodes = calloc(count + 1, sizeof *nodes);
  const lce_node_type** types = calloc(count + 1, sizeof *types);
  if (partition->steps == NULL || partition->tensors == NULL || nodes == NULL || types == NULL) {
    lce_refuse(&partition->failure, "out of memory");
  } else {
    for (size_t i = 0; i < partition->tensor_count; ++i) partition->tensors[i].whole = -1;
    build(partition, context, params, nodes, types);  // `prepare` reports a failure
  }
  free(nodes);
  free(types);
  return partition;
}

void lce_partition_delete(lce_partition* partition) {
  if (partition == NULL) return;
  for (int i = 0; i < partition->step_count; ++i) lce_operator_delete(partition->steps[i].op);
  for (size_t i = 0; partition->tensors != NULL && i < partition->tensor_count; ++i) {
    lce_free(partition->tensors[i].memory);
  }
  free(partition->steps);
  free(partition->tensors);
  lce_free(partition->scratch);
  free(partition);
}
