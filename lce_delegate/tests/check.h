// The checks of the native tests: a failure is counted and printed, and `check_result` is the
// program's exit code.
#ifndef LCE_DELEGATE_TESTS_CHECK_H_
#define LCE_DELEGATE_TESTS_CHECK_H_

#include <stdint.h>
#include <stdio.h>

static int check_count, check_failures;

#define CHECK(condition, ...)                                  \
  do {                                                         \
    ++check_count;                                             \
    if (!(condition)) {                                        \
      ++check_failures;                                        \
      fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, #condition); \
      fprintf(stderr, __VA_ARGS__);                            \
      fputc('\n', stderr);                                     \
    }                                                          \
  } while (0)

static inline int check_result(void) {
  printf("%d checks, %d failures\n", check_count, check_failures);
  return check_failures != 0 || check_count == 0;
}

// xorshift64*, so that a test's numbers are the same everywhere.
static inline uint64_t check_random(uint64_t* state) {
  uint64_t x = *state;
  x ^= x >> 12;
  x ^= x << 25;
  x ^= x >> 27;
  *state = x;
  return x * UINT64_C(0x2545f4914f6cdd1d);
}

static inline int check_between(uint64_t* state, int low, int high) {
  return low + (int)((check_random(state) >> 33) % (uint64_t)(high - low + 1));
}

#endif  // LCE_DELEGATE_TESTS_CHECK_H_
