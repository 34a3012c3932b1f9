// Element by element, in float32. `b` has `period` values, which are repeated over the `count` of
// `a`, a multiple of it.
#include <stddef.h>

// Called from src/core.ts.
void float_add(const float* a, const float* b, size_t period, float* restrict out, size_t count);
void float_subtract(const float* a, const float* b, size_t period, float* restrict out,
                    size_t count);
void float_multiply(const float* a, const float* b, size_t period, float* restrict out,
                    size_t count);
void float_relu(const float* a, float* restrict out, size_t count);

#define ELEMENTWISE(NAME, OPERATOR)                                                    \
  void NAME(const float* a, const float* b, size_t period, float* restrict out,        \
            size_t count) {                                                            \
    if (period == 1) {                                                                 \
      const float value = b[0];                                                        \
      for (size_t i = 0; i < count; ++i) out[i] = a[i] OPERATOR value;                 \
      return;                                                                          \
    }                                                                                  \
    for (size_t start = 0; start < count; start += period) {                           \
      for (size_t i = 0; i < period; ++i) out[start + i] = a[start + i] OPERATOR b[i]; \
    }                                                                                  \
  }

ELEMENTWISE(float_add, +)
ELEMENTWISE(float_subtract, -)
ELEMENTWISE(float_multiply, *)

void float_relu(const float* a, float* restrict out, size_t count) {
  for (size_t i = 0; i < count; ++i) out[i] = a[i] > 0 ? a[i] : 0;
}
