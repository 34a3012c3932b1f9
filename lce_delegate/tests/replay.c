// Runs operators that were recorded in LCE's interpreter, with every kernel of this processor, and
// compares their outputs bit by bit: so generated operators are compared with LCE also where it does
// not run, as under an emulator.
//
//   replay FILE      written by `python tests/native/test_delegate.py --record FILE`
//
// A file is a sequence of operators. Each has its name, its options (a FlexBuffer), the number of its
// inputs, these, and its output. Texts and data come after their length; numbers are of 32 bits,
// little-endian. A tensor is: 0 absent, 1 constant or 2 computed; and unless it is absent, its type as
// in TfLiteType, its rank, its dimensions, scale, zero point and data.
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "fake_runtime.h"
#include "lce_delegate.h"

enum { ABSENT = 0, CONSTANT = 1, COMPUTED = 2 };

typedef struct {
  int32_t kind, type, rank, dims[FAKE_MAX_RANK], zero_point;
  float scale;
  uint32_t bytes;
  void* data;
} tensor;

typedef struct {
  uint32_t name_bytes, option_bytes, inputs;
  char* name;
  uint8_t* options;
  tensor input[FAKE_MAX_INPUTS], output;
} operator;

static FILE* file;

static void read_bytes(void* to, size_t bytes) {
  if (bytes > 0 && fread(to, 1, bytes, file) != bytes) {
    fprintf(stderr, "the file ends within an operator\n");
    exit(2);
  }
}

static void* read_sized(uint32_t* bytes) {
  read_bytes(bytes, sizeof *bytes);
  void* data = calloc(1, (size_t)*bytes + 1);
  read_bytes(data, *bytes);
  return data;
}

static void read_tensor(tensor* t) {
  memset(t, 0, sizeof *t);
  read_bytes(&t->kind, sizeof t->kind);
  if (t->kind == ABSENT) return;
  read_bytes(&t->type, sizeof t->type);
  read_bytes(&t->rank, sizeof t->rank);
  if (t->rank < 0 || t->rank > FAKE_MAX_RANK) exit(2);
  read_bytes(t->dims, (size_t)t->rank * sizeof t->dims[0]);
  read_bytes(&t->scale, sizeof t->scale);
  read_bytes(&t->zero_point, sizeof t->zero_point);
  t->data = read_sized(&t->bytes);
}

static bool read_operator(operator* op) {
  const int next = fgetc(file);
  if (next == EOF) return false;
  ungetc(next, file);
  op->name = read_sized(&op->name_bytes);
  op->options = read_sized(&op->option_bytes);
  read_bytes(&op->inputs, sizeof op->inputs);
  if (op->inputs > FAKE_MAX_INPUTS) exit(2);
  for (uint32_t i = 0; i < op->inputs; ++i) read_tensor(&op->input[i]);
  read_tensor(&op->output);
  return true;
}

static void free_operator(operator* op) {
  free(op->name);
  free(op->options);
  for (uint32_t i = 0; i < op->inputs; ++i) free(op->input[i].data);
  free(op->output.data);
}

static int add_tensor(fake_runtime* runtime, const tensor* t) {
  const int index = fake_tensor(runtime, (TfLiteType)t->type, t->rank, (const int*)t->dims,
                                t->kind == CONSTANT ? t->data : NULL);
  if (t->scale != 0.0f) fake_quantize(runtime, index, t->scale, t->zero_point);
  return index;
}

static void run(const operator* op, int number, const char* kernel, int threads) {
  fake_runtime* runtime = fake_create();
  int inputs[FAKE_MAX_INPUTS];
  for (uint32_t i = 0; i < op->inputs; ++i) {
    inputs[i] = op->input[i].kind == ABSENT ? -1 : add_tensor(runtime, &op->input[i]);
  }
  const int output = add_tensor(runtime, &op->output);
  fake_custom_bytes(runtime, op->name, (int)op->inputs, inputs, output, op->options,
                    op->option_bytes);
  fake_read_outside(runtime, output);
  const LceDelegateOptions options = {sizeof options, threads, kernel};
  TfLiteDelegate* delegate = LceDelegateCreate(&options, NULL, NULL);
  bool ready = fake_apply(runtime, delegate) == 1 && fake_prepare(runtime);
  for (uint32_t i = 0; i < op->inputs; ++i) {
    if (ready && op->input[i].kind == COMPUTED) {
      memcpy(fake_tensor_at(runtime, inputs[i])->data, op->input[i].data, op->input[i].bytes);
    }
  }
  ready = ready && fake_invoke(runtime);
  CHECK(ready, "%s %d, kernel %s: %s", op->name, number, kernel, fake_messages(runtime));
  if (ready) {
    const TfLiteTensor* result = fake_tensor_at(runtime, output);
    const bool equal = result->bytes == op->output.bytes &&
                       memcmp(result->data, op->output.data, result->bytes) == 0;
    CHECK(equal, "%s %d, kernel %s, %d threads: other bits than LCE's", op->name, number, kernel,
          threads);
  }
  fake_delete(runtime);
  LceDelegateDelete(delegate);
}

int main(int argc, char** argv) {
  if (argc != 2 || (file = fopen(argv[1], "rb")) == NULL) {
    fprintf(stderr, "usage: replay FILE, written by `python tests/native/test_delegate.py --record FILE`\n");
    return 2;
  }
  operator op;
  int number = 0;
  for (; read_operator(&op); ++number) {
    for (int k = 0; LceKernelName(k) != NULL; ++k) run(&op, number, LceKernelName(k), 1 + number % 2);
    free_operator(&op);
  }
  fclose(file);
  printf("%d operators, kernels", number);
  for (int k = 0; LceKernelName(k) != NULL; ++k) printf(" %s", LceKernelName(k));
  printf(": ");
  return check_result();
}
