// A product of matrices of unsigned by signed bytes, one tile of 32x32 sums at a time: what both
// gradients rest on. Each tile_*.c is one instruction set; integer_select() picks among them.
#ifndef FER_LARQ_INTEGER_TRAINING_TILE_H_
#define FER_LARQ_INTEGER_TRAINING_TILE_H_

#include <stddef.h>
#include <stdint.h>

#define API __attribute__((visibility("default")))

// Sources of plain C are compiled once for each LEVEL of instruction sets, avx2 and avx512; their
// functions bear its name: integer_maxima__avx512. A compiler vectorises their loops.
#define KERNEL_NAME(name, level) integer_##name##__##level
#define KERNEL_OF(name, level) KERNEL_NAME(name, level)
#define KERNEL(name) KERNEL_OF(name, LEVEL)

enum {
  ROWS = 32,     // of a tile
  COLUMNS = 32,  // of a tile, and of a panel of the right operand: [steps][COLUMNS][4] bytes
};

typedef int32_t TileSums[ROWS][COLUMNS];

// sums[r][c] += sum over segments s, steps k and i < 4 of
//   a[r * pitch + segments[s] + 4 k + i] * b[s][k][c][i]
// where a pair of neighbouring products is at most 510 in size.
typedef struct {
  const uint8_t *a;
  ptrdiff_t pitch;
  const ptrdiff_t *segments;
  int segment_count;
  int steps;  // in each segment
  const int8_t *b;
} Tile;

typedef struct {
  const char *instruction_set;
  void (*begin)(void);  // a thread calls it before its first tile, and end() after its last
  void (*run)(const Tile *tile, TileSums sums);
  void (*end)(void);
} TileKernel;

extern const TileKernel tile_u8s8_32x32__avx2, tile_u8s8_32x32__avx512_vnni, tile_u8s8_32x32__amx;

// The kernel that was chosen; NULL before integer_select().
extern const TileKernel *tile_kernel;

// Chooses the kernel of an instruction set, or the fastest for NULL. Returns the name of the level
// that goes with it, or NULL if this processor has none; then the choice stays. Not while another
// thread computes.
const char *integer_select(const char *instruction_set);

#endif  // FER_LARQ_INTEGER_TRAINING_TILE_H_
