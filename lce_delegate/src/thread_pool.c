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

// A job is cut into this many parts for each thread, which threads take one after the other: so a
// thread that the system lets wait holds up the others by one part at most.
enum { PARTS_PER_THREAD = 4 };

struct lce_thread_pool {
  pthread_mutex_t busy;   // held by the caller whose job runs
  pthread_mutex_t mutex;  // guards sleeping and waking
  pthread_cond_t wake;
  // Number of the job in the upper half, and of the next part to be taken in the lower one. Whoever
  // raises it by one has taken that part; the job below does not change until all parts are done.
  atomic_ullong ticket;
  atomic_uint done;  // parts of the job
  atomic_bool stop;
  lce_task task;
  void* job;
  size_t count;
  int threads;
  unsigned parts;  // of every job; some are empty
  pthread_t workers[];
};

static void pause_briefly(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
  __asm__ volatile("yield");
#endif
}

static bool has_parts(lce_thread_pool* pool) {
  return (uint32_t)atomic_load(&pool->ticket) < pool->parts;
}

// Takes and does one part of the job, if there is one left.
static bool do_part(lce_thread_pool* pool) {
  unsigned long long ticket = atomic_load(&pool->ticket);
  do {
    if ((uint32_t)ticket >= pool->parts) return false;
  } while (!atomic_compare_exchange_weak(&pool->ticket, &ticket, ticket + 1));
  const size_t part = (uint32_t)ticket;
  const size_t share = pool->count / pool->parts, rest = pool->count % pool->parts;
  const size_t begin = part * share + (part < rest ? part : rest);
  const size_t end = begin + share + (part < rest);
  if (begin < end) pool->task(pool->job, begin, end);
  atomic_fetch_add(&pool->done, 1);
  return true;
}

static void* work(void* argument) {
  lce_thread_pool* pool = argument;
  lce_flush_subnormals();
  while (!atomic_load(&pool->stop)) {
    while (do_part(pool)) continue;
    for (int i = 0; i < SPINS && !has_parts(pool); ++i) pause_briefly();
    pthread_mutex_lock(&pool->mutex);
    while (!has_parts(pool) && !atomic_load(&pool->stop)) {
      pthread_cond_wait(&pool->wake, &pool->mutex);
    }
    pthread_mutex_unlock(&pool->mutex);
  }
  return NULL;
}

static void wake_workers(lce_thread_pool* pool) {
  pthread_mutex_lock(&pool->mutex);
  pthread_cond_broadcast(&pool->wake);
  pthread_mutex_unlock(&pool->mutex);
}

static void stop_workers(lce_thread_pool* pool, int started) {
  atomic_store(&pool->stop, true);
  wake_workers(pool);
  for (int i = 0; i < started; ++i) pthread_join(pool->workers[i], NULL);
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
  pool->parts = (unsigned)(threads * PARTS_PER_THREAD);
  atomic_store(&pool->ticket, pool->parts);  // nothing to do
  pthread_mutex_init(&pool->busy, NULL);
  pthread_mutex_init(&pool->mutex, NULL);
  pthread_cond_init(&pool->wake, NULL);
  for (int i = 0; i < workers; ++i) {
    if (pthread_create(&pool->workers[i], NULL, work, pool) != 0) {
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
  atomic_store(&pool->done, 0);
  const unsigned long long job_number = (atomic_load(&pool->ticket) >> 32) + 1;
  atomic_store(&pool->ticket, job_number << 32);
  wake_workers(pool);
  while (do_part(pool)) continue;
  // What is left are parts that workers have begun, so the wait is short, unless there are fewer
  // processors than threads: then the one that is waited for needs this one's.
  for (int i = 0; atomic_load(&pool->done) < pool->parts; ++i) {
    if (i < SPINS) pause_briefly();
    else sched_yield();
  }
  pthread_mutex_unlock(&pool->busy);
}
