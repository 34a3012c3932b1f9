// The one place that knows which tile kernels there are. Compiled for any processor, since it asks
// what this one can do.
#include <string.h>

#include "kernels/x86_features.h"
#include "tile.h"

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
      {&tile_u8s8_32x32__amx, "avx512", avx512_vnni && lce_x86_has_amx()},
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
