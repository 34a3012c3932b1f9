// The one place that knows which tile kernels there are. Compiled for any processor, since it asks
// what this one can do.
#include <string.h>

#include "tile.h"

#ifdef INTEGER_TRAINING_WITH_AMX
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

// Whether processor and operating system let this process use AMX tiles of bytes. Linux gives every
// process that asks their state, of 8 KB a thread.
static int amx_supported(void) {
  enum { ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };
  unsigned a, b, c, d;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return 0;
  const unsigned amx_tile = 1u << 24, amx_int8 = 1u << 25;
  if (!(d & amx_tile) || !(d & amx_int8)) return 0;
  return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
}
#endif

const TileKernel *tile_kernel;

API const char *integer_select(const char *instruction_set) {
  const int avx2 = __builtin_cpu_supports("avx2");
  const int avx512 = avx2 && __builtin_cpu_supports("avx512bw") &&
                     __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  const int avx512_vnni = avx512 && __builtin_cpu_supports("avx512vnni");
  const struct {
    const TileKernel *kernel;
        const char *level;
    int supported;
  } kernels[] = {
#ifdef INTEGER_TRAINING_WITH_AMX
      {&tile_u8s8_32x32__amx, "avx512", avx512_vnni && amx_supported()},
#endif
      {&tile_u8s8_32x32__avx512_vnni, "avx512", avx512_vnni},
      {&tile_u8s8_32x32__avx2, "avx2", avx2},
  };
  for (size_t k = 0; k < sizeof kernels / sizeof *kernels; ++k) {
    const TileKernel *kernel = kernels[k].kernel;
    if (instruction_set && strcmp(instruction_set, kernel->instruction_set) != 0) continue;
    if (!kernels[k].supported) continue;
    tile_kernel = kernel;
    return kernels[k].level;
  }
  return NULL;
}
