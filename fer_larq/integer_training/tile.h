// A product of matrices of unsigned by signed bytes, one tile at a time: what both gradients of
// kernels.c rest on. Each tile_*.c is one instruction set; integer_select() picks among them.
#ifndef FER_LARQ_INTEGER_TRAINING_TILE_H_
#define FER_LARQ_INTEGER_TRAINING_TILE_H_

#include <stddef.h>
#include <stdint.h>

#define API __attribute__((visibility("default")))

enum {
  MAX_ROWS = 6,  // of a tile, whatever the kernel
  COLUMNS = 32,  // of a tile, and of a panel of the right operand: [steps][COLUMNS][4] bytes
};

// sums[r][c] = sum over segments s, steps k and i < 4 of
//   a[r][segments[s] + 4 k + i] * b[s][k][c][i]
// where a pair of neighbouring products is at most 510 in size.
typedef struct {
  const uint8_t *a[MAX_ROWS];
  const ptrdiff_t *segments;
  int segment_count;
  int steps;  // in each segment
  const int8_t *b;
} Tile;

typedef struct {
  const char *instruction_set;
  int rows;  // of a full tile
  void (*run)(int rows, const Tile *tile, int32_t sums[MAX_ROWS][COLUMNS]);
} TileKernel;

extern const TileKernel tile_u8s8_3x32__avx2, tile_u8s8_6x32__avx512_vnni;

// The kernel that was chosen; NULL before integer_select().
extern const TileKernel *tile_kernel;

// Chooses the kernel of an instruction set, or the fastest for NULL. Returns 0, or -1 if this
// processor has none; then the choice stays. Not while another thread computes.
int integer_select(const char *instruction_set);

#endif  // FER_LARQ_INTEGER_TRAINING_TILE_H_
