/** A module of one function: i8x16.popcnt of a vector of zeros. */
// biome-ignore format: a line for each section
const SIMD_TEST = [
  0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0, // a module
  1, 5, 1, 0x60, 0, 1, 0x7b, // a function that gives a vector
  3, 2, 1, 0,
  10, 10, 1, 8, 0, 0x41, 0, 0xfd, 0x0f, 0xfd, 0x62, 0x0b, // splat, popcnt
];

/** Whether lce_core_simd128.wasm runs here, or only lce_core_portable.wasm. */
export function hasSimd(): boolean {
  return WebAssembly.validate(new Uint8Array(SIMD_TEST));
}
