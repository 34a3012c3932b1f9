// The thread pool: every item is done once, whatever the numbers of items and threads are, also
// when two callers want the pool at the same time.
#include "thread_pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "check.h"

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
  return check_result();
}
