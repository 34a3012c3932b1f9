// The instruction sets; the first one that a processor has is the default. Each is a file of its own,
// NAME.c, that defines lce_kernel_NAME. The last one, portable, runs everywhere and is the oracle of the tests.
#if defined(__x86_64__)
KERNEL(amx)  // avx512.c with the products of amx.c
KERNEL(avx512)
KERNEL(avx2)
KERNEL(popcnt)
#elif defined(__aarch64__)
KERNEL(neon)
#if LCE_COMPILES_SME2
KERNEL(sme2)  // neon.c with the products of sme2.c; after it, for nobody has measured it
#endif
#elif defined(__arm__)
KERNEL(neon_armv7)
#elif defined(__wasm_simd128__)
KERNEL(wasm_simd128)
#endif
KERNEL(portable)
