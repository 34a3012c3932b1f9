// Aligned memory on top of malloc, which every system has: the bytes before it hold its beginning.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "operator.h"

enum { ALIGNMENT = 64 };  // of AVX-512

void* lce_allocate(size_t bytes) {
  if (bytes > SIZE_MAX - ALIGNMENT - sizeof(void*)) return NULL;
  void* whole = malloc(bytes + ALIGNMENT + sizeof(void*));
  if (whole == NULL) return NULL;
  const uintptr_t first = (uintptr_t)whole + sizeof(void*);
  char* memory = (char*)whole + sizeof(void*) + (ALIGNMENT - first % ALIGNMENT) % ALIGNMENT;
  memcpy(memory - sizeof whole, &whole, sizeof whole);
  return memory;
}

void* lce_allocate_zeros(size_t count, size_t size) {
  if (size != 0 && count > SIZE_MAX / size) return NULL;
  void* memory = lce_allocate(count * size);
  if (memory != NULL) memset(memory, 0, count * size);
  return memory;
}

void lce_free(void* memory) {
  if (memory == NULL) return;
  void* whole;
  memcpy(&whole, (char*)memory - sizeof whole, sizeof whole);
  free(whole);
}
