// Accumulators of P pixels, Q blocks of sixteen channels at once and then one by one. A template: P and
// Q are defined before it is included, and undefined by it.
#define LCE_JOIN_(a, b) a##b
#define LCE_JOIN(a, b) LCE_JOIN_(a, b)
#define TILE(blocks) LCE_JOIN(LCE_JOIN(LCE_JOIN(tile_, P), x), blocks)

#define DEFINE_TILE(BLOCKS)                                                                    \
  static void TILE(BLOCKS)(const lce_window* window, const uint8_t* const* pixels,            \
                           const uint32_t* weights, int first_channel,                        \
                           lce_accumulators accumulators) {                                   \
    const size_t block = window->runs * window->run_words * LANES;                            \
    __m512i counts[P][BLOCKS];                                                                \
    LCE_UNROLL for (int p = 0; p < P; ++p) {                                                  \
      LCE_UNROLL for (int q = 0; q < BLOCKS; ++q) counts[p][q] = _mm512_setzero_si512();      \
    }                                                                                         \
    for (size_t r = 0; r < window->runs; ++r) {                                               \
      const uint32_t* x[P];                                                                   \
      LCE_UNROLL for (int p = 0; p < P; ++p) {                                                \
        x[p] = (const uint32_t*)(const void*)(pixels[p] + window->offsets[r]);                \
      }                                                                                       \
      for (size_t k = 0; k < window->run_words; ++k, weights += LANES) {                      \
        __m512i v[BLOCKS];                                                                    \
        LCE_UNROLL for (int q = 0; q < BLOCKS; ++q) {                                         \
          v[q] = _mm512_load_si512(weights + block * (size_t)q);                              \
        }                                                                                     \
        LCE_UNROLL for (int p = 0; p < P; ++p) {                                              \
          const __m512i word = _mm512_set1_epi32((int)x[p][k]);                               \
          LCE_UNROLL for (int q = 0; q < BLOCKS; ++q) {                                       \
            const __m512i differ = _mm512_popcnt_epi32(_mm512_xor_si512(v[q], word));         \
            counts[p][q] = _mm512_add_epi32(counts[p][q], differ);                            \
          }                                                                                   \
        }                                                                                     \
      }                                                                                       \
    }                                                                                         \
    LCE_UNROLL for (int p = 0; p < P; ++p) {                                                  \
      LCE_UNROLL for (int q = 0; q < BLOCKS; ++q) {                                           \
        _mm512_storeu_si512(&accumulators[p][first_channel + LANES * q], counts[p][q]);       \
      }                                                                                       \
    }                                                                                         \
  }
DEFINE_TILE(Q)
DEFINE_TILE(1)

static void LCE_JOIN(accumulate_, P)(const lce_window* window, const uint8_t* const* pixels,
                                     const uint32_t* weights, int channels,
                                     lce_accumulators accumulators) {
  const size_t block = window->runs * window->run_words * LANES;
  int c = 0;
  for (; c + (Q - 1) * LANES < channels; c += Q * LANES, weights += Q * block) {
    TILE(Q)(window, pixels, weights, c, accumulators);
  }
  for (; c < channels; c += LANES, weights += block) {
    TILE(1)(window, pixels, weights, c, accumulators);
  }
}

#undef DEFINE_TILE
#undef TILE
#undef LCE_JOIN
#undef LCE_JOIN_
#undef P
#undef Q
