// The one place that knows which tile kernels there are. Compiled for any processor, since it asks
// what this one can do.
#include "tile.h"

#include <string.h>

const TileKernel *tile_kernel;

API int integer_select(const char *instruction_set) {
  const struct {
    const TileKernel *kernel;
    int supported;
  } kernels[] = {
      // kernels.c is compiled for AVX2, whatever the tiles are.
      {&tile_u8s8_6x32__avx512_vnni,
       __builtin_cpu_supports("avx2") && __builtin_cpu_supports("avx512vnni")},
      {&tile_u8s8_3x32__avx2, __builtin_cpu_supports("avx2")},
  };
  for (size_t k = 0; k < sizeof kernels / sizeof *kernels; ++k) {
    const TileKernel *kernel = kernels[k].kernel;
    if (instruction_set && strcmp(instruction_set, kernel->instruction_set) != 0) continue;
    if (!kernels[k].supported) continue;
    tile_kernel = kernel;
    return 0;
  }
  return -1;
}
