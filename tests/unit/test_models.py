"""The networks: sizes of Tab. 1, what is binary, and that nothing else is."""

import io
from contextlib import redirect_stdout

import numpy as np
import pytest

pytest.importorskip("fer_larq.utils.backend")

from fer_larq.models.__main__ import main
from fer_larq.models.bdnn import bdnn, predictor
from fer_larq.utils.backend import lq, tf

ONE_BIT_WEIGHTS = {"bdnn4": 11_480_640}
"""From the method's description."""


def binary_layers(network):
    return [
        layer
        for layer in network.layers
        if isinstance(layer, (lq.layers.QuantConv2D, lq.layers.QuantDense))
    ]


@pytest.mark.parametrize("blocks", [2, 3, 4])
@pytest.mark.parametrize("dense", [True, False])
def test_the_number_of_weights_follows_from_table_1(blocks, dense):
    network = bdnn(blocks, dense)
    # Counted by hand: two 3x3 convolutions a block, then the fully connected layers.
    channels, size, expected = 1, 42, 0
    for filters in (64, 128, 256, 512)[:blocks]:
        expected += 9 * channels * filters + 9 * filters * filters
        channels, size = (2 * filters if dense else filters), size // 2
    expected += size * size * channels * 1024 + 1024 * 1024 + 1024 * 7
    assert sum(int(np.prod(layer.kernel.shape)) for layer in binary_layers(network)) == expected
    assert network.name == f"{'bdnn' if dense else 'bcnn'}{blocks}"
    assert expected == ONE_BIT_WEIGHTS.get(network.name, expected)
    assert network.output_shape == (None, 7)


def test_the_summary_command_counts_weights_and_operations():
    printed = io.StringIO()
    with redirect_stdout(printed):
        assert main(["--blocks", "4"]) == 0
    total = next(line for line in printed.getvalue().splitlines() if "Total  " in line)
    assert total.split()[2] == "11480640"  # one-bit weights
    assert "436263936" in total and "1016064" in total  # multiply-accumulates


def test_every_layer_after_the_first_multiplies_signs_with_signs():
    network = bdnn(2, filters=(8, 16), dense_units=(32, 32))
    crop = np.random.default_rng(0).uniform(-1, 1, (3, 42, 42, 1)).astype(np.float32)
    first, *others = binary_layers(network)
    for layer in (first, *others):
        with lq.context.quantized_scope(True):
            assert set(np.unique(layer.kernel.numpy())) == {-1, 1}
        assert not layer.use_bias
    assert first.input_quantizer is None
    for layer in others:
        real = tf.keras.Model(network.input, layer.input)(crop)
        assert set(np.unique(layer.input_quantizer(real))) == {-1, 1}


def test_binary_convolutions_pad_with_plus_one_and_the_first_with_zero():
    network = bdnn(2, filters=(8, 16), dense_units=(32, 32))
    pads = [layer.pad_values for layer in network.layers if hasattr(layer, "pad_values")]
    assert pads == [0.0, 1.0, 1.0, 1.0]


def test_only_the_output_normalisation_has_a_scale():
    network = bdnn(2, filters=(8, 16), dense_units=(32, 32))
    scaled = [
        layer.name
        for layer in network.layers
        if isinstance(layer, tf.keras.layers.BatchNormalization) and layer.scale
    ]
    assert scaled == ["scores"]


@pytest.mark.parametrize(("dense", "channels"), [(True, 32), (False, 16)])
def test_dense_connections_double_a_blocks_channels(dense, channels):
    network = bdnn(2, dense, filters=(8, 16), dense_units=(32, 32))
    flatten = next(layer for layer in network.layers if isinstance(layer, tf.keras.layers.Flatten))
    assert flatten.input_shape == (None, 10, 10, channels)


def test_weights_without_latent_values_begin_as_signs():
    network = bdnn(2, latent_weights=False, filters=(8, 16), dense_units=(32, 32))
    for layer in binary_layers(network):
        assert set(np.unique(layer.kernel)) == {-1, 1}


def test_a_number_of_blocks_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="expected 1 to 4"):
        bdnn(5)


def test_the_predictor_scales_pixels_as_the_network_expects_them():
    network = bdnn(2, filters=(8, 16), dense_units=(32, 32))
    pixels = np.random.default_rng(1).integers(0, 256, (4, 42, 42), dtype=np.uint8)
    scaled = ((2 * pixels.astype(np.float32) - 255) / 255)[..., None]
    np.testing.assert_allclose(predictor(network)(pixels), network(scaled).numpy(), atol=1e-5)
