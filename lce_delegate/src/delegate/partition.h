// A partition: connected nodes that the delegate claimed, which the runtime sees as one node.
#ifndef LCE_DELEGATE_PARTITION_H_
#define LCE_DELEGATE_PARTITION_H_

#include "node.h"
#include "thread_pool.h"
#include "threads.h"

// The delegate, as its parts see it.
typedef struct {
  TfLiteDelegate base;  // base.data_ points to this
  const lce_kernel* kernel;
  int num_threads;  // 0: that of the first interpreter
  lce_mutex starting;     // guards `pool`
  lce_thread_pool* pool;  // from the first preparation on
} lce_delegate;

typedef struct {
  const lce_node_type* type;
  lce_operator* op;
  int input_count;
  int inputs[LCE_MAX_INPUTS];  // indices of tensors
  int output;
} lce_step;

// A tensor of the runtime's graph, in a partition.
typedef struct {
  lce_shape shape;  // of the last `prepare`
  bool produced;    // a step writes it
  bool visible;     // read outside, so that the runtime has its memory
  bool known;       // its shape is known, while preparing
  int readers;      // steps that read it, once for each time
  void* memory;     // if it is produced and neither visible nor in place
  int whole;        // the output of the concatenation that alone reads it; -1 if there is none
  // While prepared: it lies in `whole`, from that word of each pixel on.
  bool in_place;
  size_t first_word;
} lce_tensor;

typedef struct {
  lce_delegate* delegate;
  lce_reason failure;  // why it could not be built; empty if it was
  int step_count;
  lce_step* steps;
  size_t tensor_count;
  lce_tensor* tensors;
  void* scratch;
} lce_partition;

// Marks in `claimed` (as large as `plan`) the nodes that the delegate runs. False if the runtime does
// not tell its nodes, or memory is short.
bool lce_claim_nodes(TfLiteContext* context, const TfLiteIntArray* plan, TfLiteIntArray* claimed);

// A node's inputs and output as a step, with its operator. With `kernel` NULL it is only checked.
bool lce_read_step(const lce_node* node, const lce_node_type* type, const lce_kernel* kernel,
                   lce_step* step, lce_reason* why);

// Builds a partition; NULL if there is no memory for it at all.
lce_partition* lce_partition_create(TfLiteContext* context, const TfLiteDelegateParams* params);
void lce_partition_delete(lce_partition* partition);

// Works out shapes, resizes the runtime's tensors and allocates the others.
bool lce_partition_prepare(lce_partition* partition, TfLiteContext* context);

bool lce_partition_run(const lce_partition* partition, TfLiteContext* context);

#endif  // LCE_DELEGATE_PARTITION_H_
