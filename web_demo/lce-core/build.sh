#!/bin/sh
# Compiles lce_delegate's core to WebAssembly: wasm/lce_core_simd128.wasm, wasm/lce_core_portable.wasm.
# Debian, Ubuntu: apt-get install clang-19 lld-19 wasi-libc libclang-rt-19-dev-wasm32
#   CLANG=clang-20 build.sh      with another version
set -eu
here=$(cd "$(dirname "$0")" && pwd)
delegate=$here/../../lce_delegate
clang=${CLANG:-clang-19}
command -v "$clang" >/dev/null && [ -e /usr/lib/wasm32-wasi/libc.a ] || {
    echo "error: to compile for WebAssembly, clang-19 and wasi-libc are needed: apt-get install" \
        "clang-19 lld-19 wasi-libc libclang-rt-19-dev-wasm32" >&2
    exit 2
}
exports="malloc free lce_find_kernel lce_kernel_name lce_bconv2d_create lce_sign_conv2d_create
    lce_max_pool2d_create lce_quantize_create lce_dequantize_create lce_concatenation_create
    lce_operator_delete lce_operator_prepare lce_operator_run lce_option_integer float_conv2d
    float_depthwise_conv2d float_add float_subtract float_multiply float_relu"
mkdir -p "$here/wasm"
compile() {
    name=$1
    shift
    # shellcheck disable=SC2046 # words are wanted
    (cd "$delegate" && "$clang" --target=wasm32-wasi --sysroot=/usr -I/usr/include/wasm32-wasi \
        -L/usr/lib/wasm32-wasi -std=gnu11 -O3 "$@" -ffp-contract=off -Wall -Wextra -Werror \
        -Iinclude -Isrc/core -Isrc/delegate src/core/*.c src/core/kernels/*.c \
        src/delegate/options.c ../web_demo/lce-core/native/*.c \
        -nostartfiles -Wl,--no-entry -Wl,--strip-all -Wl,-z,stack-size=65536 \
        $(printf -- '-Wl,--export=%s ' $exports) -o "$here/wasm/$name.wasm")
}
compile lce_core_simd128 -msimd128
compile lce_core_portable
