// Runs a fuzzer without libFuzzer: random inputs for the given number of seconds, the same ones
// every time. For a compiler other than clang, and for a short run among the tests.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

int main(int argc, char** argv) {
  const time_t end = time(NULL) + (argc > 1 ? atoi(argv[1]) : 2);
  uint64_t x = 88172645463325252u;
  long runs = 0;
  for (; time(NULL) < end; ++runs) {
    uint8_t data[400];
    for (size_t i = 0; i < sizeof data; ++i) {
      x ^= x << 13;
      x ^= x >> 7;
      x ^= x << 17;
      data[i] = (uint8_t)(x >> 32);
    }
    LLVMFuzzerTestOneInput(data, (size_t)(x % sizeof data));
  }
  printf("%ld inputs\n", runs);
  return 0;
}
