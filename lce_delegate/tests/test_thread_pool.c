// The thread pool: every item is done once, whatever the numbers of items and threads are, also
// when two callers want the pool at the same time.
#include "thread_pool.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#if defined(__SANITIZE_THREAD__)
enum { KNOWS_CHILDREN = 0 };
#else
enum { KNOWS_CHILDREN = 1 };
#endif

enum { ITEMS = 1000 };

static void mark(void* job, int worker, size_t begin, size_t end) {
  (void)worker;
  atomic_int* done = job;
  for (size_t i = begin; i < end; ++i) atomic_fetch_add(&done[i], 1);
}

static int run_rounds(lce_thread_pool* pool, int rounds) {
  static const size_t COUNTS[] = {0, 1, 2, 3, 7, 64, ITEMS};
  atomic_int* done = calloc(ITEMS, sizeof *done);
  int wrong = 0;
  for (int round = 0; round < rounds; ++round) {
    const size_t count = COUNTS[(size_t)round % (sizeof COUNTS / sizeof COUNTS[0])];
    for (size_t i = 0; i < ITEMS; ++i) atomic_store(&done[i], 0);
    lce_thread_pool_run(pool, mark, done, count);
    for (size_t i = 0; i < ITEMS; ++i) wrong += atomic_load(&done[i]) != (i < count);
  }
  free(done);
  return wrong;
}

static void* run_beside(void* pool) {
  return run_rounds(pool, 300) == 0 ? NULL : pool;
}

// The linker sends the pool's calls of pthread_create here (--wrap): some of them fail.
int __real_pthread_create(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
int __wrap_pthread_create(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
static int threads_left = 1000;

int __wrap_pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                          void* (*work)(void*), void* argument) {
  if (threads_left == 0) return EAGAIN;
  --threads_left;
  return __real_pthread_create(thread, attributes, work, argument);
}

static void test_too_few_threads(void) {
  for (int left = 0; left < 4; ++left) {
    threads_left = left;
    lce_thread_pool* pool = lce_thread_pool_create(5);
    CHECK(pool != NULL && run_rounds(pool, 100) == 0, "%d of 4 threads", left);
    lce_thread_pool_delete(pool);
  }
  threads_left = 1000;
}

// No worker ever has the number of another that works at the same time.
typedef struct {
  atomic_int busy[LCE_MAX_THREADS];
  atomic_int clashes;
} numbers;

static void use_number(void* job, int worker, size_t begin, size_t end) {
  numbers* used = job;
  (void)begin;
  (void)end;
  if (worker < 0 || worker > 3 || atomic_fetch_add(&used->busy[worker], 1) != 0) {
    atomic_fetch_add(&used->clashes, 1);
  }
  for (volatile int i = 0; i < 1000; ++i) continue;
  atomic_fetch_sub(&used->busy[worker], 1);
}

static void test_numbers(void) {
  numbers* used = calloc(1, sizeof *used);
  lce_thread_pool* pool = lce_thread_pool_create(4);
  for (int round = 0; round < 200; ++round) lce_thread_pool_run(pool, use_number, used, 100);
  CHECK(atomic_load(&used->clashes) == 0, "two workers have one number");
  lce_thread_pool_delete(pool);
  free(used);
}

// A child has a pool that works, also if it was made while another thread used the parent's.
static void in_child(lce_thread_pool* pool) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(20);
    const int wrong = run_rounds(pool, 100);
    lce_thread_pool_delete(pool);
    _exit(wrong == 0 ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a child ends with %d", status);
}

static void test_fork(void) {
  lce_thread_pool* pool = lce_thread_pool_create(3);
  in_child(pool);  // before it has threads
  CHECK(run_rounds(pool, 50) == 0, "the parent before");
  pthread_t other;
  pthread_create(&other, NULL, run_beside, pool);
  for (int i = 0; i < 10; ++i) in_child(pool);
  pthread_join(other, NULL);
  CHECK(run_rounds(pool, 50) == 0, "the parent after");
  lce_thread_pool_delete(pool);
}

int main(void) {
  CHECK(lce_thread_pool_create(0) == NULL, "no threads");
  CHECK(lce_thread_pool_create(LCE_MAX_THREADS + 1) == NULL, "too many threads");
  for (int threads = 1; threads <= 5; ++threads) {
    lce_thread_pool* pool = lce_thread_pool_create(threads);
    CHECK(run_rounds(pool, 200) == 0, "%d threads", threads);
    pthread_t other;
    void* failed = NULL;
    pthread_create(&other, NULL, run_beside, pool);
    CHECK(run_rounds(pool, 300) == 0, "%d threads, two callers", threads);
    pthread_join(other, &failed);
    CHECK(failed == NULL, "%d threads, the other caller", threads);
    lce_thread_pool_delete(pool);
  }
  test_too_few_threads();
  test_numbers();
  if (KNOWS_CHILDREN && getenv("LCE_TEST_WITHOUT_CHILDREN") == NULL) test_fork();
  else puts("not run: a child process, whose threads ThreadSanitizer and qemu do not know");
  return check_result();
}
