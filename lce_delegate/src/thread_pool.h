// A fixed set of threads that divide one job at a time among themselves.
#ifndef LCE_DELEGATE_THREAD_POOL_H_
#define LCE_DELEGATE_THREAD_POOL_H_

#include <stddef.h>

enum { LCE_MAX_THREADS = 64 };

typedef struct lce_thread_pool lce_thread_pool;

// Does the items [begin, end) of a job.
typedef void (*lce_task)(void* job, size_t begin, size_t end);

// `threads` counts the caller's own: 1 starts none. NULL if threads or memory are short.
lce_thread_pool* lce_thread_pool_create(int threads);
void lce_thread_pool_delete(lce_thread_pool* pool);

// Splits the items [0, count) into one contiguous range per thread and returns when all are done.
// If the pool is busy with the job of another interpreter, the caller does the items alone.
void lce_thread_pool_run(lce_thread_pool* pool, lce_task task, void* job, size_t count);

#endif  // LCE_DELEGATE_THREAD_POOL_H_
