// Runs a bit-packed network of fer_larq.convert, a .tflite file, on lce_core alone: no runtime, no
// threads, no files. It knows the operators that such a file has, and refuses all others.
#ifndef PACKED_NETWORK_H_
#define PACKED_NETWORK_H_

#include <stddef.h>
#include <stdint.h>

#include "lce_core.h"

typedef struct packed_network packed_network;

// Makes a network. `model` is aligned to 4 bytes, may hold anything, and is not needed afterwards.
// NULL, with the reason, if it is damaged, has operators that are unknown here, or memory is short.
packed_network* packed_network_open(const uint8_t* model, size_t size, lce_reason* why);

// Elements of the input, uint8, and of the output, float32.
size_t packed_network_input_size(const packed_network* network);
size_t packed_network_output_size(const packed_network* network);

// By one thread at a time.
void packed_network_run(packed_network* network, const uint8_t* input, float* output);

void packed_network_close(packed_network* network);  // or NULL

#endif  // PACKED_NETWORK_H_
