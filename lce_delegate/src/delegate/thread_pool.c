#include "thread_pool.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "fork.h"
#include "subnormals.h"
#include "threads.h"

// A convolution of a small network takes some ten microseconds, about what it costs to wake a
// sleeping thread, so threads look for work this long before they go to sleep. Time, not turns: the
// instruction that waits takes 140 cycles on one processor and one on another.
enum { SPIN_NANOSECONDS = 50000, TURNS_PER_LOOK_AT_THE_CLOCK = 32 };

// A job is cut into this many parts for each thread, which threads take one after the other: so a
// thread that the system lets wait holds up the others by one part at most.
enum { PARTS_PER_THREAD = 4 };

typedef struct {
  lce_thread_pool* pool;
  int number;  // from 1: 0 is the caller
  lce_thread thread;
} pool_worker;

struct lce_thread_pool {
  lce_forked forked;  // first: brings the pool back to its beginning in a child process
  lce_mutex busy;     // held by the caller whose job runs, and to start and stop workers
  lce_mutex mutex;    // guards sleeping and waking
  lce_condition wake, finished;
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
  bool tried;      // to start the workers
  int started;     // workers that run
  pool_worker workers[];
};

static bool has_parts(lce_thread_pool* pool) {
  return (uint32_t)atomic_load(&pool->ticket) < pool->parts;
}

static bool is_done(lce_thread_pool* pool) { return atomic_load(&pool->done) >= pool->parts; }

// Takes and does one part of the job, if there is one left.
static bool do_part(lce_thread_pool* pool, int worker) {
  unsigned long long ticket = atomic_load(&pool->ticket);
  do {
    if ((uint32_t)ticket >= pool->parts) return false;
  } while (!atomic_compare_exchange_weak(&pool->ticket, &ticket, ticket + 1));
  const size_t part = (uint32_t)ticket;
  const size_t share = pool->count / pool->parts, rest = pool->count % pool->parts;
  const size_t begin = part * share + (part < rest ? part : rest);
  const size_t end = begin + share + (part < rest);
  if (begin < end) pool->task(pool->job, worker, begin, end);
  if (atomic_fetch_add(&pool->done, 1) + 1 == pool->parts && worker != 0) {
    lce_mutex_lock(&pool->mutex);  // the caller may sleep
    lce_condition_wake_all(&pool->finished);
    lce_mutex_unlock(&pool->mutex);
  }
  return true;
}

// Waits for a short time, until `is_over`.
static void spin(lce_thread_pool* pool, bool (*is_over)(lce_thread_pool* pool)) {
  const uint64_t begin = lce_nanoseconds();
  do {
    for (int i = 0; i < TURNS_PER_LOOK_AT_THE_CLOCK; ++i) {
      if (is_over(pool)) return;
      lce_pause();
    }
  } while (lce_nanoseconds() - begin < SPIN_NANOSECONDS);
}

static lce_thread_result LCE_THREAD_CALL work(void* argument) {
  const pool_worker* self = argument;
  lce_thread_pool* pool = self->pool;
  lce_flush_subnormals();
  while (!atomic_load(&pool->stop)) {
    while (do_part(pool, self->number)) continue;
    spin(pool, has_parts);
    lce_mutex_lock(&pool->mutex);
    while (!has_parts(pool) && !atomic_load(&pool->stop)) {
      lce_condition_wait(&pool->wake, &pool->mutex);
    }
    lce_mutex_unlock(&pool->mutex);
  }
  return 0;
}

static void wake_workers(lce_thread_pool* pool) {
  lce_mutex_lock(&pool->mutex);
  lce_condition_wake_all(&pool->wake);
  lce_mutex_unlock(&pool->mutex);
}

// Brings the pool, without workers, to its beginning: when it is made, and in a child process, where
// its locks may be held by threads that are not there.
static void begin(lce_thread_pool* pool) {
  lce_mutex_init(&pool->busy);
  lce_mutex_init(&pool->mutex);
  lce_condition_init(&pool->wake);
  lce_condition_init(&pool->finished);
  atomic_store(&pool->ticket, pool->parts);  // nothing to do
  pool->tried = pool->threads == 1;
  pool->started = 0;
}

static void begin_in_child(lce_forked* forked) { begin((lce_thread_pool*)forked); }

lce_thread_pool* lce_thread_pool_create(int threads) {
  if (threads < 1 || threads > LCE_MAX_THREADS) return NULL;
  const size_t workers = (size_t)threads - 1;
  lce_thread_pool* pool = calloc(1, sizeof *pool + workers * sizeof pool->workers[0]);
  if (pool == NULL) return NULL;
  pool->threads = threads;
  pool->parts = (unsigned)(threads * PARTS_PER_THREAD);
  begin(pool);
  if (threads > 1) lce_forked_add(&pool->forked, begin_in_child);
  return pool;
}

int lce_thread_pool_threads(const lce_thread_pool* pool) { return pool->threads; }

void lce_thread_pool_delete(lce_thread_pool* pool) {
  if (pool == NULL) return;
  if (pool->threads > 1) lce_forked_remove(&pool->forked);
  atomic_store(&pool->stop, true);
  wake_workers(pool);
  for (int i = 0; i < pool->started; ++i) lce_thread_join(pool->workers[i].thread);
  lce_condition_destroy(&pool->finished);
  lce_condition_destroy(&pool->wake);
  lce_mutex_destroy(&pool->mutex);
  lce_mutex_destroy(&pool->busy);
  free(pool);
}

static void start_workers(lce_thread_pool* pool) {
  pool->tried = true;
  while (pool->started < pool->threads - 1) {
    pool_worker* worker = &pool->workers[pool->started];
    *worker = (pool_worker){.pool = pool, .number = pool->started + 1};
    if (!lce_thread_start(&worker->thread, work, worker)) return;
    ++pool->started;
  }
}

// The caller's part of a job, and the wait for what workers have begun.
static void lead(lce_thread_pool* pool) {
  while (do_part(pool, 0)) continue;
  spin(pool, is_done);
  if (is_done(pool)) return;
  lce_mutex_lock(&pool->mutex);
  while (!is_done(pool)) lce_condition_wait(&pool->finished, &pool->mutex);
  lce_mutex_unlock(&pool->mutex);
}

void lce_thread_pool_run(lce_thread_pool* pool, lce_task task, void* job, size_t count) {
  if (count == 0) return;
  if (pool->threads == 1 || count == 1 || !lce_mutex_try_lock(&pool->busy)) {
    task(job, 0, 0, count);
    return;
  }
  if (!pool->tried) start_workers(pool);
  if (pool->started == 0) {
    task(job, 0, 0, count);
  } else {
    pool->task = task;
    pool->job = job;
    pool->count = count;
    atomic_store(&pool->done, 0);
    const unsigned long long job_number = (atomic_load(&pool->ticket) >> 32) + 1;
    atomic_store(&pool->ticket, job_number << 32);
    wake_workers(pool);
    lead(pool);
  }
  lce_mutex_unlock(&pool->busy);
}

static void run(void* pool, lce_task task, void* job, size_t count) {
  lce_thread_pool_run(pool, task, job, count);
}

lce_executor lce_thread_pool_executor(lce_thread_pool* pool) {
  return (lce_executor){pool->threads, run, pool};
}
