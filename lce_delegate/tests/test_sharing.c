// One delegate for several interpreters: on threads that prepare it and run at the same time, with
// other shapes between calls, and in a child process.
#include <dirent.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "fake_runtime.h"
#include "lce_delegate.h"

#if defined(__SANITIZE_THREAD__)
enum { KNOWS_CHILDREN = 0 };
#else
enum { KNOWS_CHILDREN = 1 };
#endif

enum { SIZE = 9, WORDS = 2, CHANNELS = 70, OUT_WORDS = 3 };

typedef struct {
  fake_runtime* runtime;
  int input, output;
} model;

// A convolution and a pool of 64 packed channels.
static model make_model(void) {
  uint32_t weights[CHANNELS * 9 * WORDS];
  int32_t thresholds[CHANNELS];
  uint64_t seed = 3;
  for (size_t i = 0; i < sizeof weights / sizeof weights[0]; ++i) {
    weights[i] = (uint32_t)(check_random(&seed) >> 32);
  }
  for (int i = 0; i < CHANNELS; ++i) thresholds[i] = 288;
  model m = {.runtime = fake_create()};
  m.input = fake_tensor(m.runtime, kTfLiteInt32, 4, (int[]){1, SIZE, SIZE, WORDS}, NULL);
  const int filter = fake_tensor(m.runtime, kTfLiteInt32, 4, (int[]){CHANNELS, 3, 3, WORDS}, weights);
  const int limits = fake_tensor(m.runtime, kTfLiteInt32, 1, (int[]){CHANNELS}, thresholds);
  const int middle = fake_tensor(m.runtime, kTfLiteInt32, 4, (int[]){1, 1, 1, OUT_WORDS}, NULL);
  m.output = fake_tensor(m.runtime, kTfLiteInt32, 4, (int[]){1, 1, 1, OUT_WORDS}, NULL);
  const fake_option convolution[] = {
      {"channels_in", 64},  {"dilation_height_factor", 1}, {"dilation_width_factor", 1},
      {"fused_activation_function", 0}, {"pad_values", 1}, {"padding", 0},
      {"stride_height", 1}, {"stride_width", 1}};
  const fake_option pool[] = {{"filter_height", 2}, {"filter_width", 2}, {"padding", 1},
                              {"stride_height", 2}, {"stride_width", 2}};
  fake_custom(m.runtime, "LceBconv2d", 5, (int[]){m.input, filter, -1, -1, limits}, middle,
              convolution, 8);
  fake_custom(m.runtime, "LceBMaxPool2d", 1, &middle, m.output, pool, 5);
  fake_read_outside(m.runtime, m.output);
  return m;
}

// Runs a batch; a sum over the output's words stands for it.
static uint64_t run(model* m, int batch) {
  fake_resize(m->runtime, m->input, 4, (int[]){batch, SIZE, SIZE, WORDS});
  if (!fake_prepare(m->runtime)) return 0;
  uint64_t seed = 5, sum = 0;
  TfLiteTensor* input = fake_tensor_at(m->runtime, m->input);
  for (size_t i = 0; i < input->bytes / 4; ++i) {
    ((uint32_t*)input->data)[i] = (uint32_t)(check_random(&seed) >> 32);
  }
  if (!fake_invoke(m->runtime)) return 0;
  const TfLiteTensor* output = fake_tensor_at(m->runtime, m->output);
  for (size_t i = 0; i < output->bytes / 4; ++i) sum = 31 * sum + ((uint32_t*)output->data)[i];
  return sum;
}

enum { BATCHES = 4 };
static uint64_t expected[BATCHES + 1];

static int wrong_runs(TfLiteDelegate* delegate) {
  model m = make_model();
  int wrong = fake_apply(m.runtime, delegate) != 2;
  for (int i = 0; wrong == 0 && i < 3 * BATCHES; ++i) {
    const int batch = 1 + i * 3 % BATCHES;
    wrong += run(&m, batch) != expected[batch];
  }
  fake_delete(m.runtime);
  return wrong;
}

static pthread_barrier_t barrier;

static void* use(void* delegate) {
  pthread_barrier_wait(&barrier);
  return wrong_runs(delegate) == 0 ? NULL : delegate;
}

static int thread_count(void) {
  int count = 0;
  DIR* folder = opendir("/proc/self/task");
  if (folder == NULL) return -1;
  while (readdir(folder) != NULL) ++count;
  closedir(folder);
  return count;
}

static TfLiteDelegate* make_delegate(int threads) {
  LceDelegateOptions options = LceDelegateOptionsDefault();
  options.num_threads = threads;
  return LceDelegateCreate(&options, NULL, NULL);
}

static void test_interpreters_at_once(int interpreters, int rounds) {
  int before = 0;
  pthread_barrier_init(&barrier, NULL, (unsigned)interpreters);
  for (int round = 0; round < rounds; ++round) {
    TfLiteDelegate* delegate = make_delegate(3);
    pthread_t threads[10];
    int failed = 0;
    for (int i = 0; i < interpreters; ++i) pthread_create(&threads[i], NULL, use, delegate);
    for (int i = 0; i < interpreters; ++i) {
      void* result;
      pthread_join(threads[i], &result);
      failed += result != NULL;
    }
    CHECK(failed == 0, "%d of %d interpreters", failed, interpreters);
    LceDelegateDelete(delegate);
    if (round == 0) {  // a sanitizer starts threads of its own with the first
      usleep(50000);
      before = thread_count();
    }
  }
  pthread_barrier_destroy(&barrier);
  for (int i = 0; i < 200 && thread_count() > before; ++i) usleep(10000);  // until they are gone
  CHECK(thread_count() <= before, "%d threads are left", thread_count() - before);
}

static void test_fork(void) {
  TfLiteDelegate* delegate = make_delegate(3);
  CHECK(wrong_runs(delegate) == 0, "the parent before");
  const pid_t child = fork();
  if (child == 0) {
    alarm(20);
    const int wrong = wrong_runs(delegate);
    LceDelegateDelete(delegate);
    _exit(wrong == 0 ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child ends with %d", status);
  CHECK(wrong_runs(delegate) == 0, "the parent after");
  LceDelegateDelete(delegate);
}

int main(void) {
  TfLiteDelegate* delegate = make_delegate(1);
  model m = make_model();
  CHECK(fake_apply(m.runtime, delegate) == 2, "%s", fake_messages(m.runtime));
  for (int batch = 1; batch <= BATCHES; ++batch) expected[batch] = run(&m, batch);
  fake_delete(m.runtime);
  LceDelegateDelete(delegate);
  CHECK(expected[1] != 0 && expected[1] != expected[2], "nothing runs");
  test_interpreters_at_once(2, 50);
  test_interpreters_at_once(10, 5);
  if (KNOWS_CHILDREN && getenv("LCE_TEST_WITHOUT_CHILDREN") == NULL) test_fork();
  else puts("not run: a child process, whose threads ThreadSanitizer and qemu do not know");
  return check_result();
}
