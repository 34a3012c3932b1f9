// Tiles with AMX, whose instruction multiplies 16 rows of 64 bytes by 64 x 16 bytes: four of its
// registers hold the sums of a tile, two each a side.
#include <immintrin.h>
#include <string.h>

#include "tile.h"

enum {
  BYTES = 64,          // of a row of a register
  STEPS = BYTES / 4,   // of a panel that a register takes
  SIDE = 16,           // rows of a register, and columns of sums
  STEP = 4 * COLUMNS,  // bytes of a panel
};

// Layout of _tile_loadconfig.
typedef struct {
  uint8_t palette, start_row, reserved[14];
  uint16_t row_bytes[16];
  uint8_t rows[16];
} Configuration;

// Has what was stored at a place in memory before what follows: GCC's intrinsics of AMX do not tell
// the compiler that they read it.
static inline void stored(const void *place) { __asm__ volatile("" : : "r"(place) : "memory"); }

static void begin(void) {
  Configuration configuration;
  memset(&configuration, 0, sizeof configuration);
  configuration.palette = 1;
  for (int i = 0; i < 8; ++i) {
    configuration.row_bytes[i] = BYTES;
    configuration.rows[i] = SIDE;
  }
  stored(&configuration);
  _tile_loadconfig(&configuration);
}

static void end(void) { _tile_release(); }

// Registers 0 to 3 hold the sums: above left, above right, below left, below right.
static inline __attribute__((always_inline)) void add_products(const uint8_t *a, ptrdiff_t pitch,
                                                               const int8_t *b) {
  _tile_loadd(4, a, pitch);
  _tile_loadd(6, b, STEP);
  _tile_dpbusd(0, 4, 6);
  _tile_loadd(7, b + STEP / 2, STEP);
  _tile_dpbusd(1, 4, 7);
  _tile_loadd(5, a + SIDE * pitch, pitch);
  _tile_dpbusd(2, 5, 6);
  _tile_dpbusd(3, 5, 7);
}

// The last, fewer than STEPS, steps of a segment: a copy with zeros behind them.
static void add_last_products(const uint8_t *a, ptrdiff_t pitch, const int8_t *b, int steps) {
  uint8_t rows[ROWS][BYTES];
  int8_t panel[STEPS * STEP];
  const __mmask64 mask = ((__mmask64)1 << (4 * steps)) - 1;
  for (int r = 0; r < ROWS; ++r)
    _mm512_storeu_si512(rows[r], _mm512_maskz_loadu_epi8(mask, a + r * pitch));
  memcpy(panel, b, (size_t)steps * STEP);
  memset(panel + steps * STEP, 0, (size_t)(STEPS - steps) * STEP);
  stored(rows);
  stored(panel);
  add_products(rows[0], BYTES, panel);
}

static void run(const Tile *tile, TileSums sums) {
  enum { PITCH = sizeof *sums };
  stored(sums);
  _tile_loadd(0, sums[0], PITCH);
  _tile_loadd(1, sums[0] + SIDE, PITCH);
  _tile_loadd(2, sums[SIDE], PITCH);
  _tile_loadd(3, sums[SIDE] + SIDE, PITCH);
  const int8_t *b = tile->b;
  const int whole = tile->steps / STEPS, rest = tile->steps % STEPS;
  for (int s = 0; s < tile->segment_count; ++s) {
    const uint8_t *a = tile->a + tile->segments[s];
    for (int k = 0; k < whole; ++k, a += BYTES, b += STEPS * STEP)
      add_products(a, tile->pitch, b);
    if (rest) add_last_products(a, tile->pitch, b, rest);
    b += rest * STEP;
  }
  _tile_stored(0, sums[0], PITCH);
  _tile_stored(1, sums[0] + SIDE, PITCH);
  _tile_stored(2, sums[SIDE], PITCH);
  _tile_stored(3, sums[SIDE] + SIDE, PITCH);
  stored(sums);
}

const TileKernel tile_u8s8_32x32__amx = {"amx-int8", begin, run, end};
