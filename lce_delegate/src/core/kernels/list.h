// The instruction sets, best first. Each is a file of its own, NAME.c, that defines
// lce_kernel_NAME. The last one, portable, runs everywhere and is the oracle of the tests.
#if defined(__x86_64__)
KERNEL(amx)  // avx512.c with the products of amx.c
KERNEL(avx512)
KERNEL(avx2)
KERNEL(popcnt)
#elif defined(__aarch64__)
KERNEL(neon)
#elif defined(__arm__)
KERNEL(neon_armv7)
#elif defined(__wasm_simd128__)
KERNEL(wasm_simd128)
#endif
KERNEL(portable)
