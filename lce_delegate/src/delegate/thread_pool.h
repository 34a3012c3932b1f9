// A fixed set of threads that divide one job at a time among themselves. They start with the first
// job that is worth it. After fork() the child starts its own.
#ifndef LCE_DELEGATE_THREAD_POOL_H_
#define LCE_DELEGATE_THREAD_POOL_H_

#include "lce_core.h"

enum { LCE_MAX_THREADS = 64 };

typedef struct lce_thread_pool lce_thread_pool;

// `threads` counts the caller's own: 1 starts none. NULL if it is out of range or memory is short.
// Where the system refuses a thread, there are fewer.
lce_thread_pool* lce_thread_pool_create(int threads);
void lce_thread_pool_delete(lce_thread_pool* pool);
int lce_thread_pool_threads(const lce_thread_pool* pool);

// Splits the items [0, count) among the threads and returns when all are done. If the pool is busy
// with the job of another caller, this one does the items alone.
void lce_thread_pool_run(lce_thread_pool* pool, lce_task task, void* job, size_t count);

// The pool as operators use it.
lce_executor lce_thread_pool_executor(lce_thread_pool* pool);

#endif  // LCE_DELEGATE_THREAD_POOL_H_
