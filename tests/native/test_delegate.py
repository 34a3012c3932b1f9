"""lce_delegate against LCE's own interpreter, bit by bit, on generated models.

``PYTHONPATH=.:tests python tests/native/test_delegate.py --count 5000`` runs a larger grid than the
suite does, and with ``--record FILE`` writes it for ``lce_delegate/tests/replay.c``, which runs it
elsewhere.
"""

from __future__ import annotations

import argparse
import collections
import dataclasses
import itertools
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from fer_larq.tflite import delegate
from fer_larq.tflite.interpreter import litert, open_model
from fer_larq.utils.errors import UserError
from helpers import delegate_models as models
from helpers import larq_zoo_networks as networks
from helpers.delegate_build import SOURCE, TENSORFLOW_LITE, build, need, tensorflow_lite
from helpers.delegate_models import Convolution, lce, same_bits
from helpers.project import ROOT, TESTS


@pytest.fixture(scope="module", autouse=True)
def library(tmp_path_factory) -> Path:
    """A fresh build of the delegate, which ``fer_larq.tflite`` uses."""
    pytest.importorskip("fer_larq.utils.backend")  # the tests compare with LCE
    built = build(tmp_path_factory.mktemp("lce_delegate"), "-DLCE_BUILD_TESTS=OFF")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(delegate.LIBRARY_VARIABLE, str(built / delegate.NAME))
        yield built / delegate.NAME


@pytest.fixture(scope="module")
def tf_lite():
    from fer_larq.utils.backend import tf

    return tf.lite


def run(model: bytes, values: np.ndarray, **options) -> np.ndarray:
    """The output of a model with one input and one output on a stock runtime with the delegate."""
    interpreter = open_model(model, **options)
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], values)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


def exact_convolution(case: Convolution, model: bytes) -> np.ndarray:
    """What LceBconv2d is defined to give for float32 output, in float64 by NumPy."""
    unpacked = models.unpack_constants(model)
    bits = models.unpack_bits(case.activations(), case.channels_in)
    x, weights = 1.0 - 2.0 * bits, 1.0 - 2.0 * unpacked.weights
    pads, outs = [], []
    for size, kernel, stride, dilation in zip(
        case.input[1:], case.filter, case.stride, case.dilation, strict=True
    ):
        span = (kernel - 1) * dilation + 1
        out = -(-size // stride) if case.padding == models.SAME else (size - span) // stride + 1
        total = max(0, (out - 1) * stride + span - size) if case.padding == models.SAME else 0
        pads.append((total // 2, total - total // 2))
        outs.append(out)
    x = np.pad(x, [(0, 0), *pads, (0, 0)], constant_values=float(case.pad_values))
    y = np.zeros((len(x), *outs, case.channels_out))
    for v in range(case.filter[0]):
        for u in range(case.filter[1]):
            top, left = v * case.dilation[0], u * case.dilation[1]
            rows = slice(top, top + (outs[0] - 1) * case.stride[0] + 1, case.stride[0])
            columns = slice(left, left + (outs[1] - 1) * case.stride[1] + 1, case.stride[1])
            y += np.einsum("nhwc,oc->nhwo", x[:, rows, columns], weights[:, v, u])
    return y * unpacked.multiplier + unpacked.bias


def differs(case: Convolution, **options) -> bool:
    """Does the delegate give other bits than LCE?"""
    model, values = case.model(), case.activations()
    ours = run(model, values, **options)
    if case.lce_omits_correction:
        return not np.allclose(ours, exact_convolution(case, model), rtol=1e-5, atol=1e-3)
    return not same_bits(ours, lce(model, values, kernel=case.lce_kernel)[0])


@pytest.mark.parametrize("kernel", ["portable", "popcnt", "avx2", "avx512", "amx", "neon", "sme2"])
def test_convolutions_over_the_whole_range_of_parameters_give_the_bits_of_lce(kernel):
    if kernel not in delegate.kernels():
        pytest.skip(f"this processor does not run the kernel {kernel}")
    random = np.random.default_rng(1)
    different = [case for case in models.convolutions(random, 150) if differs(case, kernel=kernel)]
    assert different == []


@pytest.mark.parametrize(
    "case",
    [
        Convolution(channels_in=1024, channels_out=1024, input=(5, 2, 2), filter=(2, 2), padding=1),
        Convolution(channels_in=8192, channels_out=9, input=(1, 3, 4)),  # counts beyond 16 bits
        Convolution(channels_in=33, channels_out=33, pad_values=0),
        Convolution(channels_in=96, channels_out=6, groups=3, output=models.PACKED),
        Convolution(activation=models.RELU6, output=models.INT8),
        Convolution(dilation=(2, 3), input=(1, 9, 9), pad_values=0),
    ],
    ids=str,
)
@pytest.mark.parametrize("num_threads", [1, 3])
def test_chosen_convolutions_give_the_bits_of_lce_on_any_number_of_threads(case, num_threads):
    assert not differs(case, num_threads=num_threads)


def test_tf_lite_and_litert_agree_with_lce_with_and_without_xnnpack(tf_lite):
    resolver = tf_lite.experimental.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    case = Convolution(channels_in=70, channels_out=40, pad_values=0)
    for runtime in (None, tf_lite):
        for options in ({}, {"experimental_op_resolver_type": resolver}):
            if runtime is None and options:
                options = {"experimental_op_resolver_type": litert.OpResolverType(resolver.value)}
            assert not differs(case, runtime=runtime, **options)


SHAPES = [(1, 3, 4, 70), (5,), (2, 64), (2, 3, 31)]


def quantizations(shape: tuple[int, ...]) -> Iterator[tuple[bytes, np.ndarray]]:
    """Models of LceQuantize and LceDequantize for every type, with their inputs."""
    random = np.random.default_rng(0)
    real = random.normal(size=shape).astype(np.float32)
    real.ravel()[:4] = [0.0, -0.0, np.nan, -1e-40]
    cases = [(real, {}), (random.integers(0, 2, shape).astype(bool), {})]
    for zero_point in (0, -3, 100, 127, -128):
        values = random.integers(-128, 128, shape).astype(np.int8)
        cases.append((values, {"scale": 0.1, "zero_point": zero_point}))
    packed = models.pack_bits(random.integers(0, 2, shape))
    for values, quantization in cases:
        yield models.quantize_model(shape, values.dtype, **quantization), values
        yield models.dequantize_model(shape, values.dtype, **quantization), packed


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("kernel", ["portable", "popcnt", "avx2", "avx512", "amx", "neon", "sme2"])
def test_quantize_and_dequantize_give_the_bits_of_lce(shape, kernel):
    if kernel not in delegate.kernels():
        pytest.skip(f"this processor does not run the kernel {kernel}")
    for model, values in quantizations(shape):
        assert same_bits(run(model, values, kernel=kernel), lce(model, values)[0])


def operators(interpreter) -> list[str]:
    return [details["op_name"] for details in interpreter._get_ops_details()]


@pytest.mark.parametrize("kernel", ["portable", "popcnt", "avx2", "avx512", "amx", "neon", "sme2"])
@pytest.mark.parametrize("values", ["whole", "real", "tiny"])
def test_a_first_layer_of_signs_and_its_packing_are_one_and_give_the_bits_of_the_runtime(
    kernel, values
):
    if kernel not in delegate.kernels():
        pytest.skip(f"this processor does not run the kernel {kernel}")
    random = np.random.default_rng(5)
    picture = (2 * random.integers(0, 256, (1, 12, 11, 1)) - 255).astype(np.float32)
    if values != "whole":
        picture = picture / 255 * np.float32(1 if values == "real" else 1e-38)
    for channels, stride, padding in [(64, 1, models.SAME), (70, 2, models.SAME), (5, 1, 1)]:
        options = {"stride": stride, "padding": padding}
        sums = run(models.first_layer(channels, packed=False, **options), picture)
        expected = models.pack_bits(sums <= -np.finfo(np.float32).tiny)
        model = models.first_layer(channels, **options)
        assert same_bits(run(model, picture, kernel=kernel), expected)
        if values == "whole":
            assert same_bits(expected, lce(model, picture)[0])
        assert takes_the_picture(model)


def takes_the_picture(model: bytes) -> bool:
    """Is the delegate's piece, the last operator, fed with the model's input?"""
    resolver = litert.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = open_model(model, experimental_op_resolver_type=resolver)
    last = interpreter._get_ops_details()[-1]
    assert last["op_name"] == "DELEGATE"
    return interpreter.get_input_details()[0]["index"] in last["inputs"]


def test_a_first_layer_whose_sums_are_read_outside_gives_both():
    picture = np.random.default_rng(5).integers(-255, 256, (1, 12, 11, 1)).astype(np.float32)
    interpreter = open_model(models.first_layer(64, shows_sums=True))
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], picture)
    interpreter.invoke()
    bits, sums = (interpreter.get_tensor(d["index"]) for d in interpreter.get_output_details())
    assert same_bits(sums, run(models.first_layer(64, packed=False), picture))
    assert same_bits(bits, models.pack_bits(sums < 0))


def test_a_first_layer_of_other_weights_stays_with_the_runtime():
    picture = np.random.default_rng(5).integers(-255, 256, (1, 12, 11, 1)).astype(np.float32)
    model = models.first_layer(64, weight=0.5)
    assert same_bits(run(model, picture), lce(model, picture)[0])
    assert not takes_the_picture(model)


POOL_INPUT = np.random.default_rng(0).integers(-(2**31), 2**31, (2, 7, 6, 3)).astype(np.int32)


def test_pools_give_the_bits_of_lce():
    for parameters in models.pools():
        model = models.pool_model(POOL_INPUT.shape, **parameters)
        assert same_bits(run(model, POOL_INPUT), lce(model, POOL_INPUT)[0]), parameters


def record(path: Path, count: int, seed: int) -> None:
    """Write ``count`` convolutions, and all other operators of these tests, with what LCE gives,
    for ``lce_delegate/tests/replay.c``. Left out are convolutions that LCE gets wrong."""
    with path.open("wb") as file:
        for case in models.convolutions(np.random.default_rng(seed), count):
            if not case.lce_omits_correction:
                model, values = case.model(), case.activations()
                (expected,) = lce(model, values, kernel=case.lce_kernel)
                file.write(models.recorded(model, values, expected))
        for model, values in itertools.chain.from_iterable(map(quantizations, SHAPES)):
            file.write(models.recorded(model, values, lce(model, values)[0]))
        for parameters in models.pools():
            model = models.pool_model(POOL_INPUT.shape, **parameters)
            file.write(models.recorded(model, POOL_INPUT, lce(model, POOL_INPUT)[0]))


@pytest.fixture(scope="module")
def recording(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("recording") / "operators.bin"
    record(path, count=100, seed=2)
    return path


@pytest.mark.parametrize(
    ("processor", "compiler", "emulator", "libraries"),
    [
        ("aarch64", "aarch64-linux-gnu-gcc", "qemu-aarch64", "/usr/aarch64-linux-gnu"),
        ("armv7-a", "arm-linux-gnueabihf-gcc", "qemu-arm", "/usr/arm-linux-gnueabihf"),
    ],
)
def test_neon_kernels_give_the_bits_that_lce_gave_here(
    processor, compiler, emulator, libraries, recording, tmp_path
):
    need(compiler, emulator)
    options = ["-DCMAKE_SYSTEM_NAME=Linux", f"-DCMAKE_SYSTEM_PROCESSOR={processor}"]
    built = build(tmp_path, *options, f"-DCMAKE_C_COMPILER={compiler}", target="replay")
    command = [emulator, "-L", libraries, built / "tests" / "replay", recording]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert finished.returncode == 0, finished.stderr
    assert "kernels neon portable" in finished.stdout


@pytest.fixture(scope="module")
def sme2(tmp_path_factory) -> tuple[str, Path]:
    """An emulator of ARM processors with SME2, and native tests that have kernels for them."""
    emulator = os.environ.get("QEMU_AARCH64", "qemu-aarch64")
    need("clang-19", "aarch64-linux-gnu-gcc", emulator)
    about = subprocess.run([emulator, "--version"], capture_output=True, text=True).stdout
    version = re.search(r"version (\d+)\.(\d+)", about)
    if version is None or tuple(map(int, version.groups())) < (10, 1):
        pytest.skip("SME2 needs qemu-aarch64 10.1, which the variable QEMU_AARCH64 may name")
    options = ["-DCMAKE_SYSTEM_NAME=Linux", "-DCMAKE_SYSTEM_PROCESSOR=aarch64"]
    options += ["-DCMAKE_C_COMPILER=clang-19", "-DCMAKE_C_COMPILER_TARGET=aarch64-linux-gnu"]
    return emulator, build(tmp_path_factory.mktemp("sme2"), *options)


@pytest.mark.parametrize("bits", [128, 256, 512, 1024, 2048])
def test_matrices_of_bits_give_the_bits_that_lce_gave_here_for_every_length_of_vectors(
    bits, sme2, recording
):
    emulator, built = sme2
    command = [emulator, "-L", "/usr/aarch64-linux-gnu"]
    command += ["-cpu", f"max,sme-default-vector-length={bits // 8}"]
    programs = [["test_core"], ["replay", recording], ["test_kernels"]]
    for program, *arguments in programs[: 3 if bits == 512 else 2]:
        finished = subprocess.run(
            [*command, built / "tests" / program, *arguments],
            capture_output=True, text=True, timeout=900,
        )  # fmt: skip
        assert finished.returncode == 0, finished.stderr
        assert "sme2" in finished.stdout


def test_a_packed_network_is_one_piece_for_the_delegate_and_takes_any_batch():
    model = models.small_network(batch=1)
    interpreter = open_model(model)
    assert operators(interpreter)[-1] == "DELEGATE"
    assert operators(interpreter).count("DELEGATE") == 1
    takes = interpreter.get_input_details()[0]["index"]
    for batch in (1, 3, 2):
        values = np.random.default_rng(batch).normal(size=(batch, 6, 6, 40)).astype(np.float32)
        interpreter.resize_tensor_input(takes, values.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(takes, values)
        interpreter.invoke()
        ours = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
        assert same_bits(ours, lce(models.small_network(batch), values)[0])


@pytest.fixture(scope="module")
def quicknet() -> bytes:
    """A small QuickNet of larq-zoo with random weights, converted by LCE."""
    try:
        return networks.build("QuickNetSmall", size=32, classes=10)
    except ModuleNotFoundError as missing:
        pytest.skip(f"{missing.name} is not installed; larq_zoo_networks.py says how to")


@pytest.mark.parametrize("runtime", networks.RUNTIMES)
@pytest.mark.parametrize("xnnpack", [True, False], ids=["xnnpack", "builtin kernels"])
def test_each_operator_of_lce_in_a_network_of_larq_zoo_gives_the_bits_of_lce(
    quicknet, runtime, xnnpack
):
    (picture,) = networks.pictures(quicknet, 1)
    found = networks.agreement(quicknet, picture, runtime, xnnpack)
    for kind in ("LceQuantize", "LceBconv2d"):
        assert found[kind].equal == found[kind].operators == 16
    # The runtime's own operators round as its own build does: seven bits are left to them.
    assert max(agreement.largest for agreement in found.values()) < 2.0**-16
    logits = networks.without_softmax(quicknet)
    (expected,) = networks.lce(logits)(picture)
    (result,) = networks.stock(logits, runtime, xnnpack)(picture)
    assert np.allclose(result, expected, rtol=0, atol=2.0**-16 * np.abs(expected).max())


def test_the_comparison_of_networks_notices_one_wrong_bit():
    agreement = networks.Agreement()
    right = np.float32([1.0, -2.0])
    agreement.add(right, right)
    assert (agreement.operators, agreement.equal, agreement.largest) == (1, 1, 0.0)
    agreement.add(np.nextafter(right, np.float32(9)), right)
    assert (agreement.operators, agreement.equal) == (2, 1)
    assert 0 < agreement.largest <= 2.0**-23


def test_integers_that_are_not_packed_stay_with_the_runtime():
    graph = models.Graph()
    a = graph.tensor((2, 3), np.int32)
    y = graph.tensor((4, 3), np.int32)
    graph.concatenate([a, a], y, axis=0)
    interpreter = open_model(graph.bytes([a], [y]))
    assert "DELEGATE" not in operators(interpreter)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"stride_height": 0}, "option stride_height is 0"),
        ({"padding": 7}, "option padding is 7"),
        ({"channels_in": 2**31 - 1}, "whole words"),
        ({"dilation_width_factor": 2**30}, "too large"),
        ({"fused_activation_function": -1}, "option fused_activation_function is -1"),
        (b"\x05\x24\x01", "not a FlexBuffer map"),
        (b"", "not a FlexBuffer map"),
    ],
    ids=str,
)
def test_a_malformed_operator_is_refused_in_one_line_that_says_why(changed, words):
    case = Convolution()
    options = changed if isinstance(changed, bytes) else {**case.options(), **changed}
    with pytest.raises(UserError, match=words) as refusal:
        open_model(case.model(options))
    assert "\n" not in str(refusal.value)


def test_models_with_changed_shapes_types_and_options_never_take_the_process_down():
    """In a process of its own: 300 models, each with a few fields changed at random."""
    subprocess.run(
        [sys.executable, TESTS / "helpers" / "delegate_mutations.py", "--count", "300"],
        check=True,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{TESTS}"},
        stderr=subprocess.DEVNULL,
    )


def test_unknown_kernels_and_absurd_numbers_of_threads_are_refused():
    with pytest.raises(UserError, match="no kernel mmx"):
        delegate.load_delegate(kernel="mmx")
    with pytest.raises(UserError, match="num_threads is out of range"):
        delegate.load_delegate(num_threads=1000)


def test_a_thousand_interpreters_leave_no_memory_behind():
    resource = pytest.importorskip("resource", reason="counts memory the way Unix does")
    model = models.small_network(batch=1)
    values = np.ones((1, 6, 6, 40), np.float32)

    def peak_after(count: int) -> int:
        for _ in range(count):
            run(model, values, num_threads=2)
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    before = peak_after(100)
    # 2 MiB over 1000 interpreters is far below one tensor or thread of each.
    assert peak_after(1000) - before < 2048


def test_the_native_tests_pass_and_stay_within_memory(tmp_path):
    """Kernels against the portable one, the reader of options, threads, refusals, short fuzzing:
    with AddressSanitizer and UndefinedBehaviorSanitizer where the C compiler has them."""
    probe = tmp_path / "probe.c"
    probe.write_text("int main(void) { return 0; }\n")
    sanitize = ["-fsanitize=address,undefined", "-o", tmp_path / "probe"]
    options = ["-DCMAKE_BUILD_TYPE=Debug", "-DCMAKE_C_FLAGS=-O1"]
    if subprocess.run(["cc", *sanitize, probe], capture_output=True).returncode == 0:
        options.append("-DLCE_SANITIZE=address,undefined")
    built = build(tmp_path / "build", *options)
    finished = subprocess.run(
        ["ctest", "--test-dir", built, "--output-on-failure"], capture_output=True, text=True
    )
    assert finished.returncode == 0, finished.stdout


@pytest.mark.parametrize("version", TENSORFLOW_LITE)
def test_our_declarations_of_the_runtime_agree_with_its_official_header(version, tmp_path):
    """Sizes and offsets, compared by the C compiler with the header in TensorFlow Lite's AAR."""
    with zipfile.ZipFile(tensorflow_lite(version)) as content:
        content.extractall(tmp_path, [n for n in content.namelist() if n.startswith("headers/")])
    program = tmp_path / "check_abi"
    source = SOURCE / "tests" / "check_abi.c"
    shorter = ["-DLCE_SHORTER_REGISTRATION"] if version in ("2.12.0", "2.13.0") else []
    command = ["cc", *shorter, "-I", tmp_path / "headers", source, "-o", program]
    subprocess.run(command, check=True)
    subprocess.run([program], check=True, stdout=subprocess.DEVNULL)


ARM_ANALYSIS = [sys.executable, SOURCE / "bench" / "arm_analysis.py"]


def test_by_analysis_the_neon_kernels_keep_both_vector_pipes_of_a_cortex_a76_busy():
    """Three instructions take 128 products: two pipes cannot do more than 85 a cycle."""
    need("clang-19", "llvm-mca-19")
    finished = subprocess.run(ARM_ANALYSIS, check=True, capture_output=True, text=True)
    (row,) = [line.split() for line in finished.stdout.splitlines() if "neoverse-n1" in line]
    assert 0.8 * 85 < float(row[3]) <= 85.4


def test_the_analysis_without_its_tools_says_in_one_line_what_to_install():
    command = [*ARM_ANALYSIS, "--mca", "llvm-mca-0"]
    finished = subprocess.run(command, capture_output=True, text=True)
    assert finished.returncode == 2
    assert re.fullmatch(r"error: \S+ is not installed: apt-get install .*\n", finished.stderr)


def main() -> int:
    """Compare a large grid of convolutions with LCE, on every kernel of this processor; or write it
    down with LCE's results."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--count", type=int, default=2000, help="convolutions (%(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--record", type=Path, metavar="FILE", help="write the operators to FILE")
    arguments = parser.parse_args()
    if arguments.record:
        record(arguments.record, arguments.count, arguments.seed)
        return 0
    equal: collections.Counter[str] = collections.Counter()
    failures = 0
    for case in models.convolutions(np.random.default_rng(arguments.seed), arguments.count):
        for kernel in delegate.kernels():
            if differs(case, kernel=kernel, num_threads=1 + case.seed % 3):
                failures += 1
                print(f"{kernel} differs: {dataclasses.asdict(case)}")
            else:
                lce_kernel = f"LCE's {case.lce_kernel} kernel"
                reference = "NumPy" if case.lce_omits_correction else lce_kernel
                equal[f"{kernel} equals {reference}"] += 1
    for outcome, count in sorted(equal.items()):
        print(f"{outcome}: {count}")
    print(f"{failures} of {arguments.count * len(delegate.kernels())} differ")
    return failures != 0


if __name__ == "__main__":
    sys.exit(main())
