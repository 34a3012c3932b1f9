// How fast this machine could be: multiply-accumulates per second of the instructions that a kernel
// has to execute in any case, on registers alone; and the time that it takes to read the weights.
#ifndef LCE_DELEGATE_BENCH_LIMIT_H_
#define LCE_DELEGATE_BENCH_LIMIT_H_

#include <stddef.h>

typedef struct {
  const char* instruction_set;
  const char* instructions;      // of one step
  double products_per_step;      // one-bit multiply-accumulates
  void (*run)(long steps);
} lce_limit;

// The limits of an instruction set, all of its known ways to count; ends with a NULL name.
extern const lce_limit lce_limits[];

double lce_seconds(void);

// Products per second, the best of several runs.
double lce_measure_limit(const lce_limit* limit);

// Seconds that it takes to read so many bytes, from the cache that holds them all; the best of several
// runs.
double lce_measure_reading(size_t bytes);

#endif  // LCE_DELEGATE_BENCH_LIMIT_H_
