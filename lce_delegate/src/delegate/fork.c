#include "fork.h"

#if defined(_WIN32) || defined(__ANDROID__)

void lce_forked_add(lce_forked* forked, void (*begin_in_child)(lce_forked* forked)) {
  (void)forked;
  (void)begin_in_child;
}

void lce_forked_remove(lce_forked* forked) { (void)forked; }

#else
#include <pthread.h>

static pthread_once_t registered = PTHREAD_ONCE_INIT;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;  // held while the process forks
static lce_forked* first;

static void before(void) { pthread_mutex_lock(&mutex); }

static void in_parent(void) { pthread_mutex_unlock(&mutex); }

static void in_child(void) {
  for (lce_forked* forked = first; forked != NULL; forked = forked->next) {
    forked->begin_in_child(forked);
  }
  pthread_mutex_unlock(&mutex);
}

static void register_handlers(void) { pthread_atfork(before, in_parent, in_child); }

void lce_forked_add(lce_forked* forked, void (*begin_in_child)(lce_forked* forked)) {
  pthread_once(&registered, register_handlers);
  pthread_mutex_lock(&mutex);
  *forked = (lce_forked){.next = first, .begin_in_child = begin_in_child};
  if (first != NULL) first->previous = forked;
  first = forked;
  pthread_mutex_unlock(&mutex);
}

void lce_forked_remove(lce_forked* forked) {
  pthread_mutex_lock(&mutex);
  if (forked->previous != NULL) forked->previous->next = forked->next;
  else first = forked->next;
  if (forked->next != NULL) forked->next->previous = forked->previous;
  pthread_mutex_unlock(&mutex);
}

#endif
