#!/bin/sh
# Compiles the core for WebAssembly without a C library, to see that it needs none but for memory, and
# runs its tests there under node.
#   run.sh [FOLDER]     for what is built; build/wasm
# Debian: apt-get install clang-19 lld-19 llvm-19 wasi-libc libclang-rt-19-dev-wasm32; and node
set -eu
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$here/../.." && pwd)
folder=${1:-build/wasm}
mkdir -p "$folder/alone"

options="-std=gnu11 -O2 -ffp-contract=off -Wall -Wextra -Werror -I$source/include -I$source/src/core"
core="$source/src/core/*.c $source/src/core/kernels/*.c"
for file in $core; do
  clang-19 --target=wasm32 -ffreestanding -nostdlibinc -isystem "$source/java/without_ndk/include" \
      $options -c "$file" -o "$folder/alone/$(basename "$file" .c).o"
done
wasm-ld-19 -r "$folder"/alone/*.o -o "$folder/core.o"
wanted=$(llvm-nm-19 -u "$folder/core.o" | awk '{print $2}' | grep -v '^__' | sort | tr '\n' ' ')
echo "the core imports: $wanted"
[ "$wanted" = "free malloc memcpy memset " ]

for simd in -mno-simd128 -msimd128; do
  for test in kernels core; do
    clang-19 --target=wasm32-wasi --sysroot=/usr -I/usr/include/wasm32-wasi -L/usr/lib/wasm32-wasi \
        -Wl,-z,stack-size=1048576 $simd $options -I"$source/tests" "$source/tests/test_$test.c" $core \
        -o "$folder/test_$test.wasm"
    node --no-warnings "$here/run.mjs" "$folder/test_$test.wasm"
  done
done
