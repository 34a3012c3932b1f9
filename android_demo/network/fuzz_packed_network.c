// Damaged model files: whatever they hold, packed_network must refuse or run them without leaving its
// memory. tests/android/test_packed_network.py makes a small model to start from and runs it briefly.
#include <stdlib.h>
#include <string.h>

#include "packed_network.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t most);
size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t most, unsigned seed);

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  lce_reason why;
  // A copy of exactly `size` bytes, so that a read beyond them is seen.
  uint8_t* model = malloc(size == 0 ? 1 : size);
  if (model == NULL) return 0;
  memcpy(model, data, size);
  packed_network* network = packed_network_open(model, size, &why);
  free(model);
  if (network == NULL) return 0;
  uint8_t* face = calloc(packed_network_input_size(network), 1);
  float* scores = calloc(packed_network_output_size(network), sizeof *scores);
  if (face != NULL && scores != NULL) packed_network_run(network, face, scores);
  free(face);
  free(scores);
  packed_network_close(network);
  return 0;
}

static unsigned next(unsigned* state) { return *state = *state * 1664525u + 1013904223u, *state >> 8; }

// A place to change, mostly among small numbers: those are offsets, shapes and options; the rest, most
// of a file, are weights.
static uint8_t* choose_place(uint8_t* data, size_t size, unsigned* state) {
  uint8_t* at = data;
  for (int tries = 0; tries < 16; ++tries) {
    at = data + next(state) % (size - 7);
    int zeros = 0;
    for (int i = 0; i < 8; ++i) zeros += at[i] == 0;
    if (zeros >= 3) break;
  }
  return at;
}

// Changes some numbers in place. Bytes that are inserted or taken away, as libFuzzer does in one of
// four cases here, move all that follows, and most of such files end at the first offset.
size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t most, unsigned seed) {
  static const int32_t EXTREMES[] = {0, 1, -1, INT32_MAX, INT32_MIN, 65536, 1 << 29, 31, 32, 33};
  if (size < 16 || next(&seed) % 4 == 0) return LLVMFuzzerMutate(data, size, most);
  for (unsigned left = 1 + next(&seed) % 3; left > 0; --left) {
    uint8_t* at = choose_place(data, size, &seed);
    const unsigned how = next(&seed) % 4;
    if (how == 0) {
      at[0] = (uint8_t)next(&seed);
    } else if (how == 1) {
      at[0] = (uint8_t)(at[0] + next(&seed) % 9 - 4);
    } else {
      at -= (size_t)(at - data) % 4;
      int32_t number = EXTREMES[next(&seed) % (sizeof EXTREMES / sizeof *EXTREMES)];
      if (how == 2) memcpy(&number, data + next(&seed) % (size / 4) * 4, sizeof number);
      memcpy(at, &number, sizeof number);
    }
  }
  return size;
}
