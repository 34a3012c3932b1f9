"""Training in integers: exact sums, gradients that are right on average, the same weights files."""

from __future__ import annotations

import gc
import subprocess
import sys

import numpy as np
import pytest

from helpers.delegate_build import build, need
from helpers.project import ROOT

pytest.importorskip("fer_larq.utils.backend")

from fer_larq.models.bdnn import bdnn
from fer_larq.models.int8 import kernels, library, memory
from fer_larq.models.int8 import layers as integer_layers
from fer_larq.training import precision, trainer
from fer_larq.training.recipes import Recipe
from fer_larq.utils.backend import lq, tf
from fer_larq.utils.errors import UserError

needs_kernels = pytest.mark.skipif(
    not kernels.available(), reason="this machine has no kernels for integer training (AVX2)"
)

INSTRUCTION_SETS = ("amx-int8", "avx512-vnni", "avx2")


@pytest.fixture(params=INSTRUCTION_SETS)
def instruction_set(request):
    """Gradients computed with one instruction set after the other."""
    if not library.library().select(request.param):
        pytest.skip(f"this processor has no {request.param}")
    yield request.param
    library.library().select()


# images, height, width, inputs, outputs: one of several tiles, of part of a tile, of many channels
SHAPES = [(2, 42, 42, 64, 64), (3, 5, 7, 32, 96), (5, 5, 5, 512, 256), (1, 2, 3, 32, 32)]


def example(shape, side=1, seed=0):
    """Activations, kernel and gradient of the result for a shape of ``SHAPES``, pooled or not."""
    images, height, width, inputs, outputs = shape
    random = np.random.default_rng(seed)
    activations = random.standard_normal((images, height, width, inputs), np.float32)
    activations[0, 0, 0, :4] = 0.0, -0.0, 1.0, -1.0
    kernel = random.uniform(-1.2, 1.2, (3, 3, inputs, outputs)).astype(np.float32)
    kernel[0, 0, 0, :4] = 0.0, -0.0, 1.0, -1.0
    gradient = random.standard_normal((images, height // side, width // side, outputs), np.float32)
    return activations, kernel, gradient


def larq(activations, kernel, gradient, side=1):
    """Result and gradients of Larq's layer with that kernel, and of a max pooling if side is 2."""
    layer = lq.layers.QuantConv2D(
        kernel.shape[3], 3, padding="same", pad_values=1.0, input_quantizer="ste_sign",
        kernel_quantizer="ste_sign", kernel_constraint="weight_clip", use_bias=False,
    )  # fmt: skip
    activations = tf.constant(activations)
    layer.build(activations.shape)
    layer.set_weights([kernel])
    with tf.GradientTape() as tape:
        tape.watch(activations)
        result = layer(activations)
        if side == 2:
            result = tf.nn.max_pool2d(result, 2, 2, "VALID")
    found = tape.gradient(result, [activations, layer.kernel], gradient)
    return result.numpy(), *(each.numpy() for each in found)


def error(found, expected):
    """Root mean square of the difference, relative to that of ``expected``."""
    return np.linalg.norm(found - expected) / np.linalg.norm(expected)


@needs_kernels
@pytest.mark.parametrize("side", [1, 2])
@pytest.mark.parametrize("shape", SHAPES)
def test_sums_are_exact_and_gradients_nearly_those_of_larq(shape, side, instruction_set):
    """With pooling, the gradient has to reach the pixel that TensorFlow chooses among equals."""
    activations, kernel, gradient = example(shape, side)
    result, for_activations, for_kernel = larq(activations, kernel, gradient, side)
    found, *saved = kernels.convolution(activations, kernel, side)
    np.testing.assert_array_equal(found, result)
    of_activations, of_kernel = kernels.gradients(activations, *saved, kernel, gradient)
    assert error(of_activations, for_activations) < 0.02
    assert error(of_kernel, for_kernel) < 0.02
    np.testing.assert_array_equal(of_activations[np.abs(activations) > 1], 0)
    np.testing.assert_array_equal(of_kernel[np.abs(kernel) > 1], 0)


@needs_kernels
@pytest.mark.parametrize("shape", [(64, 256, 128), (3, 32, 96), (1, 96, 32)])
def test_a_dense_layer_is_exact_and_its_gradients_nearly_those_of_larq(shape, instruction_set):
    images, inputs, units = shape
    random = np.random.default_rng(0)
    activations = tf.constant(random.standard_normal((images, inputs), np.float32))
    kernel = random.uniform(-1.2, 1.2, (inputs, units)).astype(np.float32)
    gradient = random.standard_normal((images, units), np.float32)
    found = []
    for kind in (lq.layers.QuantDense, integer_layers.QuantDense):
        layer = kind(
            units, input_quantizer="ste_sign", kernel_quantizer="ste_sign",
            kernel_constraint="weight_clip", use_bias=False,
        )  # fmt: skip
        layer.build(activations.shape)
        layer.set_weights([kernel])
        with tf.GradientTape() as tape:
            tape.watch(activations)
            result = layer(activations)
        found.append([result, *tape.gradient(result, [activations, layer.kernel], gradient)])
    (result, *exact), (same, *rounded) = found
    np.testing.assert_array_equal(same.numpy(), result.numpy())
    for one, other in zip(rounded, exact, strict=True):
        assert error(one.numpy(), other.numpy()) < 0.02


@needs_kernels
def test_rounding_leaves_the_mean_of_a_gradient():
    """Gradients that differ by a hair are rounded independently: their mean has less error."""
    activations, kernel, gradient = example((4, 10, 10, 32, 32))
    _, *expected = larq(activations, kernel, gradient)
    _, *saved = kernels.convolution(activations, kernel)
    rounded = [
        kernels.gradients(activations, *saved, kernel, gradient * np.float32(1 + 1e-6 * turn))
        for turn in range(64)
    ]
    for found, exact in zip(zip(*rounded, strict=True), expected, strict=True):
        once = error(found[0], exact)
        # The mean of 64 independent errors is an eighth of one.
        assert error(np.mean(found, axis=0), exact) < once / 6
        assert once > 1e-3  # else there was no rounding to test


@needs_kernels
@pytest.mark.parametrize("side", [1, 2])
@pytest.mark.parametrize("shape", SHAPES)
def test_every_instruction_set_computes_the_same_gradients(shape, side):
    activations, kernel, gradient = example(shape, side)
    _, *saved = kernels.convolution(activations, kernel, side)
    found = []
    for name in INSTRUCTION_SETS:
        if library.library().select(name):
            found.append(kernels.gradients(activations, *saved, kernel, gradient))
    library.library().select()
    if len(found) < 2:
        pytest.skip("this processor has one of the instruction sets: nothing to compare")
    for other in found[1:]:
        for one, another in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(one, another)


@needs_kernels
def test_the_same_gradient_is_rounded_in_the_same_way():
    activations, kernel, gradient = example((4, 10, 10, 32, 32))
    _, *saved = kernels.convolution(activations, kernel)
    first, second = (
        kernels.gradients(activations, *saved, kernel, gradient.copy()) for _ in range(2)
    )
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


@needs_kernels
def test_the_largest_sums_do_not_overflow(instruction_set):
    """Every product of a tile at its largest, in both directions."""
    shape = (2, 8, 8, 512, 512)
    activations = np.full(shape[:4], 0.5, np.float32)
    for sign in (1, -1):
        kernel = np.full((3, 3, 512, 512), sign, np.float32)
        result, *saved = kernels.convolution(activations, kernel)
        np.testing.assert_array_equal(result, sign * 9 * 512)
        gradient = np.full((2, 8, 8, 512), sign, np.float32)
        of_activations, of_kernel = kernels.gradients(activations, *saved, kernel, gradient)
        np.testing.assert_allclose(of_activations[:, 1:-1, 1:-1], 9 * 512, rtol=1e-3)
        np.testing.assert_allclose(of_kernel, sign * 2 * 64, rtol=1e-3)


@needs_kernels
def test_a_gradient_of_zero_and_one_with_a_single_large_value():
    activations, kernel, gradient = example((2, 5, 5, 32, 32))
    _, *saved = kernels.convolution(activations, kernel)
    for found in kernels.gradients(activations, *saved, kernel, np.zeros_like(gradient)):
        np.testing.assert_array_equal(found, 0)
    gradient[:] = 0
    gradient[1, 2, 2, 3] = 1e30
    _, *expected = larq(activations, kernel, gradient)
    found = kernels.gradients(activations, *saved, kernel, gradient)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)


@needs_kernels
@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan, -np.nan])
def test_a_gradient_that_is_not_finite_is_an_error(value, instruction_set):
    activations, kernel, gradient = example((2, 5, 5, 32, 64))
    _, *saved = kernels.convolution(activations, kernel)
    gradient[1, 4, 4, 63] = value
    with pytest.raises(kernels.NotFiniteError):
        kernels.gradients(activations, *saved, kernel, gradient)


def test_large_arrays_are_used_again_once_nobody_holds_them():
    arrays = memory.Memory()
    size = arrays.SMALLEST
    first = arrays.take(size)
    place = first.ctypes.data
    view = first[5:].view(np.int8)
    del first
    assert arrays.take(size).ctypes.data != place  # a view still holds it
    del view
    assert place in {arrays.take(size - 1).ctypes.data for _ in range(2)}
    assert arrays.take(size // 4).size == size // 4


@needs_kernels
def test_gradients_leave_no_array_behind():
    activations, kernel, gradient = example((8, 42, 42, 64, 64))
    _, *saved = kernels.convolution(activations, kernel)
    gc.disable()  # it would free what refers to itself, much later
    try:
        counts = []
        for _ in range(3):
            kernels.gradients(activations, *saved, kernel, gradient)
            counts.append(len(memory.MEMORY._blocks))
    finally:
        gc.enable()
    assert counts[0] == counts[2] > 0


@pytest.mark.slow
@needs_kernels
def test_a_network_in_integers_has_the_same_weights_files_and_scores(tmp_path):
    sizes = dict(blocks=2, filters=(32, 48), dense_units=(32,))  # 48: not a multiple of 32
    integers, plain = bdnn(**sizes, integers=True), bdnn(**sizes)
    kinds = [type(layer) for layer in integers.layers]
    assert kinds.count(integer_layers.QuantConv2D) == 3
    integers.save_weights(tmp_path / "a.weights.h5")
    plain.load_weights(tmp_path / "a.weights.h5")
    crops = np.random.default_rng(0).uniform(-1, 1, (8, 42, 42, 1)).astype(np.float32)
    np.testing.assert_array_equal(integers(crops).numpy(), plain(crops).numpy())


@needs_kernels
@pytest.mark.parametrize(
    ("quantizer", "limit"),
    [
        (lq.quantizers.SteSign(0.25), 0.25),
        (lq.quantizers.SteSign(None), np.inf),
        (lq.quantizers.NoOp(precision=1), np.inf),
    ],
)
def test_a_layer_in_integers_obeys_the_clipping_of_its_quantizer(quantizer, limit):
    activations, kernel, gradient = example((2, 6, 6, 32, 32))
    if isinstance(quantizer, lq.quantizers.NoOp):
        kernel = np.where(kernel < 0, -1, 1).astype(np.float32)
    found = []
    for kind in (lq.layers.QuantConv2D, integer_layers.QuantConv2D):
        layer = kind(
            32, 3, padding="same", pad_values=1.0, input_quantizer="ste_sign",
            kernel_quantizer=quantizer, kernel_constraint="weight_clip", use_bias=False,
        )  # fmt: skip
        layer.build(activations.shape)
        layer.set_weights([kernel])
        with tf.GradientTape() as tape:
            result = layer(activations)
        found.append((result.numpy(), tape.gradient(result, layer.kernel, gradient).numpy()))
    (result, exact), (same, rounded) = found
    np.testing.assert_array_equal(same, result)
    assert error(rounded, exact) < 0.02
    beyond = np.abs(kernel) > limit
    np.testing.assert_array_equal(rounded[beyond], 0)
    assert np.mean(rounded[~beyond] != 0) > 0.99


def test_integers_are_for_binary_networks_with_ste_sign(monkeypatch):
    with pytest.raises(ValueError, match="binary networks with ste_sign"):
        bdnn(binary=False, integers=True)
    for recipe in (Recipe(binary=False), Recipe(pseudo_gradient="swish_sign")):
        assert precision.choose_precision("auto", recipe) != "int8"
        with pytest.raises(UserError, match="--precision int8: is for"):
            precision.choose_precision("int8", recipe)
    monkeypatch.setattr(kernels, "available", lambda: False)
    with pytest.raises(UserError, match="--precision int8: needs an x86-64 processor with AVX2"):
        precision.choose_precision("int8", Recipe())


SANITIZED = """
import sys
import numpy as np
from fer_larq.models.int8 import kernels, library, memory
sanitized = library.Library(sys.argv[1])
kernels.library = lambda: sanitized
if not sanitized.select(sys.argv[2]):
    sys.exit("not on this processor")
random = np.random.default_rng(0)
for images, height, width, inputs, outputs in {shapes}:
    activations = random.standard_normal((images, height, width, inputs), np.float32)
    kernel = random.uniform(-1.2, 1.2, (3, 3, inputs, outputs)).astype(np.float32)
    for side in (1, 2):
        result, *saved = kernels.convolution(activations, kernel, side)
        kernels.gradients(activations, *saved, kernel, result)
    kernel = kernel[:1, :1].copy()
    result, *saved = kernels.convolution(activations, kernel)
    kernels.gradients(activations, *saved, kernel, result)
print("clean")
"""


@pytest.fixture(scope="module")
def sanitized(tmp_path_factory):
    """The kernels with AddressSanitizer and UndefinedBehaviorSanitizer."""
    need("gcc")
    options = (
        "-DSKBUILD=ON", "-DLCE_BUILD_TESTS=OFF", "-DLCE_SANITIZE=address,undefined",
        "-DCMAKE_C_COMPILER=gcc",
    )  # fmt: skip
    built = build(tmp_path_factory.mktemp("sanitized"), *options, target="integer_training")
    return built / "integer_training" / library.NAME


@pytest.mark.native
@needs_kernels
def test_the_kernels_stay_within_their_arrays(sanitized, instruction_set):
    asan = subprocess.run(  # which Python has to load first
        ["gcc", "-print-file-name=libasan.so"], check=True, capture_output=True, text=True
    ).stdout.strip()
    done = subprocess.run(
        [sys.executable, "-c", SANITIZED.format(shapes=SHAPES[:2] + SHAPES[3:]), sanitized,
         instruction_set],
        env={"LD_PRELOAD": asan, "ASAN_OPTIONS": "detect_leaks=0", "PATH": "/usr/bin:/bin"},
        capture_output=True, text=True, cwd=ROOT,
    )  # fmt: skip
    assert done.stdout.strip() == "clean", done.stderr


@pytest.mark.slow
@needs_kernels
def test_a_training_in_integers_begins_like_one_in_float32_learns_and_repeats():
    recipe = Recipe(blocks=2, width=0.5, batch_size=16)  # blocks of 32 and 64 filters
    crops = np.random.default_rng(1).uniform(-1, 1, (16, 42, 42, 1)).astype(np.float32)
    labels = np.eye(7, dtype=np.float32)[np.arange(16) % 7]

    def trained(precision):
        tf.keras.utils.set_random_seed(0)
        network = trainer.compiled_network(recipe, precision, steps=8)
        losses = [network.train_on_batch(crops, labels)[0] for _ in range(8)]
        return losses, network.get_weights()

    (exact, _), (losses, weights), (_, again) = map(trained, ("float32", "int8", "int8"))
    assert losses[0] == pytest.approx(exact[0], rel=1e-4)
    assert losses[-1] < losses[0] / 2
    for one, other in zip(weights, again, strict=True):
        np.testing.assert_array_equal(one, other)
