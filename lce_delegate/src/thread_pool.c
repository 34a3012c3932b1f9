#include "thread_pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "subnormals.h"

// A convolution of a small network takes some ten microseconds, about what it costs to wake a
// sleeping thread, so threads look for work this many times before they go to sleep.
enum { SPINS = 2000 };

typedef struct {
  lce_thread_pool* pool;
  int index;
  pthread_t thread;
} worker;

struct lce_thread_pool {
  pthread_mutex_t busy;   // held by the caller whose job runs
  pthread_mutex_t mutex;  // guards sleeping and waking
  pthread_cond_t wake;
  atomic_uint generation;  // rises by one with every job
  atomic_int unfinished;   // workers that have not yet done their part of the job
  atomic_bool stop;
  lce_task task;
  void* job;
  size_t count;
  int threads;
  worker workers[];
};

static void pause_briefly(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
  __asm__ volatile("yield");
#endif
}

static void do_part(lce_thread_pool* pool, int index) {
  const size_t threads = (size_t)pool->threads;
  const size_t share = pool->count / threads, rest = pool->count % threads;
  const size_t i = (size_t)index;
  const size_t begin = i * share + (i < rest ? i : rest);
  const size_t end = begin + share + (i < rest);
  if (begin < end) pool->task(pool->job, begin, end);
}

static void* work(void* argument) {
  worker* self = argument;
  lce_thread_pool* pool = self->pool;
  unsigned seen = 0;
  lce_flush_subnormals();
  for (;;) {
    for (int i = 0; i < SPINS && atomic_load(&pool->generation) == seen; ++i) pause_briefly();
    if (atomic_load(&pool->generation) == seen) {
      pthread_mutex_lock(&pool->mutex);
      while (atomic_load(&pool->generation) == seen) pthread_cond_wait(&pool->wake, &pool->mutex);
      pthread_mutex_unlock(&pool->mutex);
    }
    ++seen;  // no job starts before the last one is done, so none can be missed
    if (atomic_load(&pool->stop)) return NULL;
    do_part(pool, self->index);
    atomic_fetch_sub(&pool->unfinished, 1);
  }
}

static void start_generation(lce_thread_pool* pool) {
  pthread_mutex_lock(&pool->mutex);
  atomic_fetch_add(&pool->generation, 1);
  pthread_cond_broadcast(&pool->wake);
  pthread_mutex_unlock(&pool->mutex);
}

static void stop_workers(lce_thread_pool* pool, int started) {
  atomic_store(&pool->stop, true);
  start_generation(pool);
  for (int i = 0; i < started; ++i) pthread_join(pool->workers[i].thread, NULL);
}

static void release(lce_thread_pool* pool) {
  pthread_cond_destroy(&pool->wake);
  pthread_mutex_destroy(&pool->mutex);
  pthread_mutex_destroy(&pool->busy);
  free(pool);
}

lce_thread_pool* lce_thread_pool_create(int threads) {
  if (threads < 1 || threads > LCE_MAX_THREADS) return NULL;
  const int workers = threads - 1;
  lce_thread_pool* pool = calloc(1, sizeof *pool + (size_t)workers * sizeof pool->workers[0]);
  if (pool == NULL) return NULL;
  pool->threads = threads;
  pthread_mutex_init(&pool->busy, NULL);
  pthread_mutex_init(&pool->mutex, NULL);
  pthread_cond_init(&pool->wake, NULL);
  for (int i = 0; i < workers; ++i) {
    pool->workers[i].pool = pool;
    pool->workers[i].index = i + 1;
    if (pthread_create(&pool->workers[i].thread, NULL, work, &pool->workers[i]) != 0) {
      stop_workers(pool, i);
      release(pool);
      return NULL;
    }
  }
  return pool;
}

void lce_thread_pool_delete(lce_thread_pool* pool) {
  if (pool == NULL) return;
  stop_workers(pool, pool->threads - 1);
  release(pool);
}

void lce_thread_pool_run(lce_thread_pool* pool, lce_task task, void* job, size_t count) {
  if (count == 0) return;
  if (pool->threads == 1 || count == 1 || pthread_mutex_trylock(&pool->busy) != 0) {
    task(job, 0, count);
    return;
  }
  pool->task = task;
  pool->job = job;
  pool->count = count;
  atomic_store(&pool->unfinished, pool->threads - 1);
  start_generation(pool);
  do_part(pool, 0);
  // The workers' parts are as long as this one, so the wait is short; but where there are fewer
  // processors than threads, the one that is waited for needs this one's.
  for (int i = 0; atomic_load(&pool->unfinished) > 0; ++i) {
    if (i < SPINS) {
      pause_briefly();
    } else {
      sched_yield();
    }
  }
  pthread_mutex_unlock(&pool->busy);
}
