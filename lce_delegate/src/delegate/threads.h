// The few things that are wanted of a system's threads: POSIX's, and Windows' own.
#ifndef LCE_DELEGATE_THREADS_H_
#define LCE_DELEGATE_THREADS_H_

#include <stdbool.h>
#include <stdint.h>

#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#include <windows.h>

typedef SRWLOCK lce_mutex;
typedef CONDITION_VARIABLE lce_condition;
typedef HANDLE lce_thread;
typedef DWORD lce_thread_result;
#define LCE_THREAD_CALL WINAPI

static inline void lce_mutex_init(lce_mutex* mutex) { InitializeSRWLock(mutex); }
static inline void lce_mutex_destroy(lce_mutex* mutex) { (void)mutex; }
static inline void lce_mutex_lock(lce_mutex* mutex) { AcquireSRWLockExclusive(mutex); }
static inline bool lce_mutex_try_lock(lce_mutex* mutex) {
  return TryAcquireSRWLockExclusive(mutex) != 0;
}
static inline void lce_mutex_unlock(lce_mutex* mutex) { ReleaseSRWLockExclusive(mutex); }
static inline void lce_condition_init(lce_condition* condition) {
  InitializeConditionVariable(condition);
}
static inline void lce_condition_destroy(lce_condition* condition) { (void)condition; }
static inline void lce_condition_wait(lce_condition* condition, lce_mutex* mutex) {
  SleepConditionVariableSRW(condition, mutex, INFINITE, 0);
}
static inline void lce_condition_wake_all(lce_condition* condition) {
  WakeAllConditionVariable(condition);
}
static inline bool lce_thread_start(lce_thread* thread,
                                    lce_thread_result(LCE_THREAD_CALL* work)(void*), void* data) {
  *thread = CreateThread(NULL, 0, work, data, 0, NULL);
  return *thread != NULL;
}
static inline void lce_thread_join(lce_thread thread) {
  WaitForSingleObject(thread, INFINITE);
  CloseHandle(thread);
}
static inline uint64_t lce_nanoseconds(void) {
  LARGE_INTEGER count, frequency;
  QueryPerformanceCounter(&count);
  QueryPerformanceFrequency(&frequency);
  return (uint64_t)((double)count.QuadPart * 1e9 / (double)frequency.QuadPart);
}

#else
#include <pthread.h>
#include <time.h>

typedef pthread_mutex_t lce_mutex;
typedef pthread_cond_t lce_condition;
typedef pthread_t lce_thread;
typedef void* lce_thread_result;
#define LCE_THREAD_CALL

static inline void lce_mutex_init(lce_mutex* mutex) { pthread_mutex_init(mutex, NULL); }
static inline void lce_mutex_destroy(lce_mutex* mutex) { pthread_mutex_destroy(mutex); }
static inline void lce_mutex_lock(lce_mutex* mutex) { pthread_mutex_lock(mutex); }
static inline bool lce_mutex_try_lock(lce_mutex* mutex) {
  return pthread_mutex_trylock(mutex) == 0;
}
static inline void lce_mutex_unlock(lce_mutex* mutex) { pthread_mutex_unlock(mutex); }
static inline void lce_condition_init(lce_condition* condition) {
  pthread_cond_init(condition, NULL);
}
static inline void lce_condition_destroy(lce_condition* condition) {
  pthread_cond_destroy(condition);
}
static inline void lce_condition_wait(lce_condition* condition, lce_mutex* mutex) {
  pthread_cond_wait(condition, mutex);
}
static inline void lce_condition_wake_all(lce_condition* condition) {
  pthread_cond_broadcast(condition);
}
static inline bool lce_thread_start(lce_thread* thread, lce_thread_result (*work)(void*),
                                    void* data) {
  return pthread_create(thread, NULL, work, data) == 0;
}
static inline void lce_thread_join(lce_thread thread) { pthread_join(thread, NULL); }
static inline uint64_t lce_nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
#endif

// Tells the processor that the thread waits.
static inline void lce_pause(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
  __asm__ volatile("yield");
#endif
}

#endif  // LCE_DELEGATE_THREADS_H_
