"""Converted models: the network's function, all of it packed, in every form that is offered."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from collections import Counter
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from fer_larq.conversion import converter, verification
from fer_larq.conversion.bitpacked import count_thresholds
from fer_larq.conversion.converter import build_model
from fer_larq.conversion.inference_form import inference_form
from fer_larq.conversion.lce import lce_conversion, lce_runner
from fer_larq.conversion.packing import pack
from fer_larq.conversion.thresholds import IntegerNetwork, integer_network
from fer_larq.datasets import crops
from fer_larq.datasets.labels import EXPRESSIONS
from fer_larq.evaluation.metrics import crop_scores, mean_over_crops
from fer_larq.models.bdnn import bdnn, predictor
from fer_larq.tflite.graph import Graph
from fer_larq.tflite.interpreter import litert_runner
from fer_larq.tflite.network import TFLiteNetwork
from fer_larq.tflite.parser import parse_model
from fer_larq.utils.backend import tf
from fer_larq.utils.errors import UserError
from helpers.conversion_networks import (
    RUN,
    random_faces,
    random_network,
    with_shifted_threshold,
)
from helpers.project import TESTS

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def network():
    """A BDNN2 with narrow layers."""
    return random_network(2)


@pytest.fixture(scope="module")
def converted(network):
    """A function that converts ``network`` to a model, each kind once."""
    return cache(lambda views, arithmetic="one-bit": build_model(network, RUN, views, arithmetic))


@pytest.fixture(scope="module")
def bare(converted) -> bytes:
    return converted("none")


@pytest.fixture(scope="module")
def five(converted) -> bytes:
    return converted("five")


# An oracle that shares nothing with the converter but the thresholds, which
# test_conversion_exact.py checks against the formula.


def convolve(x: np.ndarray, signs: np.ndarray, padding: int | None) -> np.ndarray:
    """Sums of an integer convolution; ``padding`` fills one pixel around, None for none."""
    if padding is not None:
        x = np.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)], constant_values=padding)
    windows = np.lib.stride_tricks.sliding_window_view(x, signs.shape[:2], axis=(1, 2))
    return np.einsum("nhwcij,ijco->nhwo", windows, signs, dtype=np.int64, optimize=True)


def pool(x: np.ndarray) -> np.ndarray:
    size = x.shape[1] // 2
    x = x[:, : 2 * size, : 2 * size].reshape(len(x), size, 2, size, 2, -1)
    return x.max(axis=(2, 4))


def sign(sums: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    return np.where(sums >= thresholds, 1, -1)


def in_integers(exact: IntegerNetwork, pixels: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    """Signs of all layers (True for +1; second convolutions pooled) and sums of the last."""
    x, padding = 2 * pixels[..., np.newaxis].astype(np.int64) - 255, 0
    signs = []
    for first, second in exact.blocks:
        a = sign(convolve(x, first.signs, padding), first.thresholds)
        padding = 1
        b = pool(sign(convolve(a, second.signs, padding), second.thresholds))
        signs += [a > 0, b > 0]
        x = np.concatenate([pool(a), b], axis=-1) if exact.dense else b
    for layer in exact.fully_connected:
        x = sign(convolve(x, layer.signs, None), layer.thresholds)
        signs.append(x > 0)
    return signs, convolve(x, exact.output.signs, None).reshape(len(x), -1)


@dataclass(frozen=True)
class Converted:
    network: tf.keras.Model
    exact: IntegerNetwork
    content: bytes


@pytest.fixture(
    scope="module",
    params=[
        dict(seed=1, blocks=1, filters=(64,), dense_units=(32,)),
        dict(seed=2, blocks=2, filters=(32, 96), dense_units=(96, 32), latent_weights=False),
        dict(seed=3, blocks=3, dense=False, filters=(64, 32, 32), dense_units=(64,)),
        dict(seed=4, blocks=4, filters=(32, 32, 64, 96), dense_units=(32, 64, 32)),
    ],
    ids=lambda settings: f"{settings['blocks']} blocks",
)
def hostile(request) -> Converted:
    """Networks of all depths with hostile statistics, packed, for crops."""
    network = random_network(hostile=True, **request.param)
    return Converted(network, integer_network(network), build_model(network, RUN, "none"))


def test_hostile_statistics_leave_every_sign_of_every_layer_exact(hostile) -> None:
    faces = random_faces(4)
    pixels = crops.cut(faces).reshape(-1, crops.CROP_SIZE, crops.CROP_SIZE)
    expected, sums = in_integers(hostile.exact, pixels)
    for layer, values in zip(hostile.exact.layers, expected, strict=True):
        assert 0.1 < values.mean() < 0.9, layer.name  # both signs occur: there is much to see
    output = hostile.exact.output
    scores = sums * output.scale + output.offset
    models = {"one-bit": hostile.content}
    for arithmetic in ("float32", "int8"):
        models[arithmetic] = build_model(hostile.network, RUN, "none", arithmetic)
    for arithmetic, content in models.items():
        actual = verification.model_signs(content, hostile.exact, faces, "five")
        for layer, values, wanted in zip(hostile.exact.layers, actual, expected, strict=True):
            assert np.array_equal(values, wanted), (arithmetic, layer.name)
        assert np.abs(TFLiteNetwork(content).classify_crops(pixels) - scores).max() < 1e-6


def test_nothing_between_the_first_and_the_last_convolution_is_unpacked(hostile) -> None:
    exact, model = hostile.exact, parse_model(hostile.content, "model")
    kinds = [operator.kind for operator in model.operators]
    assert kinds[:2] == ["CONV_2D", "LceQuantize"]
    assert kinds[-4:] == ["LceBconv2d", "RESHAPE", "MUL", "ADD"]
    blocks = len(exact.blocks)
    assert Counter(kinds[2:-3]) == Counter(
        LceBconv2d=len(exact.layers),  # all but the first, and the output layer
        LceBMaxPool2d=2 * blocks if exact.dense else blocks,
        CONCATENATION=blocks if exact.dense else 0,
    )
    for operator in model.operators[1:-4]:
        assert [model.tensors[index].type for index in operator.outputs] == ["int32"]


def test_the_inference_form_is_the_same_function_as_the_training_form(network) -> None:
    pixels = random_faces(6)[:, :42, :42, np.newaxis]
    inputs = crops.scale(pixels.astype(np.float32))
    form = inference_form(network)
    scores = np.concatenate([form(crop[np.newaxis]).numpy() for crop in inputs])
    assert np.abs(scores - network(inputs).numpy()).max() < 1e-6


def own_thresholds(network) -> list[np.ndarray]:
    """Thresholds of the hidden packed layers as the Larq Compute Engine's converter has them."""
    graph = Graph(lce_conversion(inference_form(network)))
    pack(graph)
    layers = [operator for operator in graph.in_order() if graph.kind(operator) == "LceBconv2d"]
    return [graph.values(operator.inputs[4]) for operator in layers[:-1]]


def test_the_converter_itself_rounds_thresholds_that_lie_beside_an_integer() -> None:
    random = np.random.default_rng(0)
    network = random_network(1, filters=(32,), dense_units=(512, 512))
    exact = integer_network(network)
    for layer, own in zip(exact.layers[1:], own_thresholds(network), strict=True):
        assert np.array_equal(own, count_thresholds(layer))

    for layer in network.layers:
        if isinstance(layer, tf.keras.layers.BatchNormalization) and layer.name != "scores":
            count = len(layer.get_weights()[0])
            # sqrt(variance + epsilon) is a quarter of an integer but for float32's rounding of the
            # variance, and so is the threshold an even integer but for that.
            root = random.integers(1, 40, count) / 4
            beta = random.integers(-80, 80, count) / 8
            mean = 2 * random.integers(-50, 50, count) + beta * root
            layer.set_weights([beta, mean, root**2 - layer.epsilon])
    exact = integer_network(network)
    for layer, own in zip(exact.layers[1:], own_thresholds(network), strict=True):
        difference = own - count_thresholds(layer)
        assert set(difference) == {-1, 0} or set(difference) == {0, 1}
        assert 0.1 < np.mean(difference != 0) < 0.9


def test_bdnn4_takes_little_more_than_one_bit_a_weight() -> None:
    network = bdnn(4)
    content = build_model(network, RUN, "none")
    assert len(content) <= 1.04 * integer_network(network).one_bit_weights / 8
    assert len(content) <= 1_470_000
    assert Counter(operator.kind for operator in parse_model(content, "model").operators) == {
        **{"CONV_2D": 1, "LceQuantize": 1, "LceBconv2d": 10, "LceBMaxPool2d": 8},
        **{"CONCATENATION": 4, "RESHAPE": 1, "MUL": 1, "ADD": 1},
    }


def test_the_larq_compute_engine_and_litert_agree_to_the_last_bit(converted, bare) -> None:
    pixels = random_faces(8)[:, 3:45, 3:45]
    inputs = 2 * pixels[..., np.newaxis].astype(np.float32) - 255

    def scores(run):
        return np.concatenate([run(inputs[index : index + 1])[0] for index in range(len(inputs))])

    packed = scores(lce_runner(bare, indirect=True))
    assert np.array_equal(packed, scores(lce_runner(bare, indirect=False)))
    for arithmetic in ("float32", "float16", "int8"):
        content = converted("none", arithmetic)
        for xnnpack in (True, False):
            run = litert_runner(content, xnnpack=xnnpack, with_delegate=False)
            assert np.array_equal(packed, scores(run)), (arithmetic, xnnpack)
            assert np.array_equal(packed, run(inputs)[0]), "all crops in one call"


@pytest.mark.parametrize("views", ["five", "ten"])
@pytest.mark.parametrize("arithmetic", ["one-bit", "int8"])
def test_a_model_with_crops_inside_is_the_mean_over_the_crops(
    network, converted, views, arithmetic
) -> None:
    faces = random_faces(6)
    expected = mean_over_crops(crop_scores(predictor(network), faces, views))
    model = TFLiteNetwork(converted(views, arithmetic))
    assert np.abs(model.scores(faces, views) - expected).max() < 1e-6
    with pytest.raises(UserError, match="convert the network with `--crops none`"):
        model.scores(faces, "centre")


def test_a_model_of_crops_averages_over_whatever_views_are_asked_for(network, bare) -> None:
    faces = random_faces(3)
    for views in crops.CROP_SETS:
        expected = mean_over_crops(crop_scores(predictor(network), faces, views))
        assert np.abs(TFLiteNetwork(bare).scores(faces, views) - expected).max() < 1e-6


def test_signature_runners_find_input_and_output_by_name(converted) -> None:
    face = random_faces(1)
    content = converted("five", "float32")
    runner = Interpreter(model_content=content).get_signature_runner("serving_default")
    (scores,) = runner(face=face[..., np.newaxis])["scores"]
    assert np.array_equal(scores, TFLiteNetwork(content).scores(face)[0])


def test_constants_lie_at_multiples_of_sixteen_bytes(five) -> None:
    from ai_edge_litert import schema_py_generated as schema

    model = schema.Model.GetRootAs(five, 0)
    buffers = [model.Buffers(index) for index in range(model.BuffersLength())]
    whole = np.frombuffer(five, np.uint8).__array_interface__["data"][0]
    offsets = [
        buffer.DataAsNumpy().__array_interface__["data"][0] - whole
        for buffer in buffers
        if not buffer.DataIsNone()
    ]
    assert len(offsets) > 20
    assert {offset % 16 for offset in offsets} == {0}


def test_a_model_says_what_it_is(five) -> None:
    model = TFLiteNetwork(five)
    assert model.document["labels"] == list(EXPRESSIONS)
    assert model.document["run"] == RUN
    assert model.document["network"] == "bdnn2"
    assert model.document["scaling"] == "x = (2p - 255) / 255"
    with zipfile.ZipFile(io.BytesIO(five)) as archive:
        assert archive.read("labels.txt").decode().split() == list(EXPRESSIONS)


def test_the_standard_metadata_names_the_tensors_and_their_labels(five) -> None:
    # Read with the offsets of metadata_schema.fbs, by hand: field n of a table is slot 4 + 2n.
    from flatbuffers import encode, number_types, packer
    from flatbuffers.table import Table

    content = bytes(parse_model(five, "model").metadata["TFLITE_METADATA"])
    assert content[4:8] == b"M001"

    def field(table: Table, number: int) -> int:
        offset = table.Offset(4 + 2 * number)
        assert offset, f"field {number} is absent"
        return table.Pos + offset

    def text(table: Table, number: int) -> str:
        return table.String(field(table, number)).decode()

    def tables(table: Table, number: int) -> list[Table]:
        offset = field(table, number) - table.Pos
        start = table.Vector(offset)
        positions = [start + 4 * index for index in range(table.VectorLen(offset))]
        return [Table(content, table.Indirect(position)) for position in positions]

    def inner(table: Table, number: int) -> Table:
        return Table(content, table.Indirect(field(table, number)))

    model = Table(content, encode.Get(packer.uoffset, content, 0))
    assert text(model, 0) == "bdnn2"
    (subgraph,) = tables(model, 3)
    (takes,), (gives,) = tables(subgraph, 2), tables(subgraph, 3)
    assert (text(takes, 0), text(gives, 0)) == ("face", "scores")
    image = inner(inner(takes, 3), 1)
    assert image.Get(number_types.Int8Flags, field(image, 0)) == 2  # greyscale
    size = inner(image, 1)
    assert [size.Get(number_types.Uint32Flags, field(size, number)) for number in (0, 1)] == [
        48
    ] * 2
    (labels,) = tables(gives, 6)
    assert text(labels, 0) == "labels.txt"
    assert labels.Get(number_types.Int8Flags, field(labels, 2)) == 2  # labels of an axis


def test_the_same_network_gives_the_same_bytes_in_another_process(five, tmp_path) -> None:
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from helpers.conversion_networks import RUN, random_network\n"
        "from fer_larq.conversion.converter import build_model\n"
        "open(sys.argv[2], 'wb').write(build_model(random_network(2), RUN))\n"
    )
    file = tmp_path / "again.tflite"
    command = [sys.executable, "-c", script, str(TESTS), str(file)]
    subprocess.run(command, check=True, cwd=TESTS.parent, capture_output=True, timeout=120)
    assert file.read_bytes() == five


def test_widths_that_do_not_fill_words_are_refused_before_any_work() -> None:
    network = random_network(1, filters=(48,), dense_units=(32,))
    with pytest.raises(UserError, match=r"block 1, first convolution: 48 channels do not fill"):
        build_model(network, RUN)
    faces = random_faces(2)
    model = build_model(network, RUN, "five", "int8")  # no words there
    assert verification.verify(network, model, faces).largest_difference < 1e-6


# Verification


@pytest.mark.parametrize(("views", "arithmetic"), [("five", "one-bit"), ("none", "int8")])
def test_verification_names_the_first_layer_that_differs(
    network, converted, monkeypatch, views, arithmetic
) -> None:
    faces = random_faces(30)
    found = verification.verify(network, converted(views, arithmetic), faces)
    assert (found.faces, found.rounded) == (30, 0)
    assert 0 < found.largest_difference < 1e-6
    monkeypatch.setattr(
        converter,
        "integer_network",
        lambda network: with_shifted_threshold(integer_network(network)),
    )
    wrong = build_model(network, RUN, views, arithmetic)
    with pytest.raises(UserError, match=r"differs is block 2, second convolution, in \d+ of \d+"):
        verification.verify(network, wrong, faces)


def test_verification_notices_scores_that_are_slightly_off(network, monkeypatch) -> None:
    def off(network):
        exact = integer_network(network)
        offset = exact.output.offset + 2e-5 * (np.arange(7) == 2)
        return replace(exact, output=replace(exact.output, offset=offset))

    monkeypatch.setattr(converter, "integer_network", off)
    wrong = build_model(network, RUN, "five", "float32")
    with pytest.raises(UserError, match="its output layer differs"):
        verification.verify(network, wrong, random_faces(3))


def test_a_sign_that_only_float32_turns_is_no_difference(monkeypatch) -> None:
    # Put the mean of every channel exactly where Keras's rounded sum of a grey image lies. Keras
    # then sees 0, whose sign is +1; but where that sum was rounded up, the exact sum lies below.
    network = random_network(1, filters=(32,), dense_units=(32,))
    convolution, batch_normalisation = [layer for layer in network.layers if layer.weights][:2]
    grey = np.full((1, 48, 48), 128, np.uint8)
    rounded = convolution(crops.scale(grey[:, :42, :42, np.newaxis].astype(np.float32)))
    beta, _, variance = batch_normalisation.get_weights()
    batch_normalisation.set_weights([0 * beta, rounded[0, 20, 20].numpy(), variance])
    content = build_model(network, RUN)
    faces = np.concatenate([grey, random_faces(5)])
    found = verification.verify(network, content, faces)
    assert (found.faces, found.rounded) == (6, 1)

    # Without the judge in float64 it would be one.
    monkeypatch.setattr(verification, "in_float64", lambda network: network)
    monkeypatch.setattr(verification, "float64_predictor", predictor)
    monkeypatch.setattr(verification, "first_difference", lambda *_: "here")
    with pytest.raises(UserError, match="not the trained network: here"):
        verification.verify(network, content, faces)


def test_another_runtime_has_to_give_the_same_scores_to_the_last_bit(
    network, bare, monkeypatch
) -> None:
    thorough = verification.verify(network, bare, random_faces(2), thorough=True)
    assert thorough.runtimes[0] == "the Larq Compute Engine's default kernels"

    def nearly(content, threads):
        run = lce_runner(content, threads)
        return lambda values: [np.nextafter(scores, np.float32(9)) for scores in run(values)]

    monkeypatch.setattr(verification, "other_runtimes", lambda thorough: {"a poor runtime": nearly})
    with pytest.raises(UserError, match="a poor runtime computes other scores"):
        verification.verify(network, bare, random_faces(2))


def test_a_conversion_that_leaves_something_in_float_is_refused(network, monkeypatch) -> None:
    content = lce_conversion(network)
    kinds = [operator.kind for operator in parse_model(content, "model").operators]
    assert "LceDequantize" in kinds or "FULLY_CONNECTED" in kinds
    with pytest.raises(UserError, match=r"not a model of fer_larq\.convert"):
        verification.verify(network, content, random_faces(1))


def test_float64_is_the_same_network_with_less_rounding(network) -> None:
    pixels = random_faces(4)[:, :42, :42]
    double = verification.in_float64(network)
    assert {weights.dtype for weights in double.weights} == {tf.float64}
    scores = verification.float64_predictor(double)(pixels)
    assert scores.dtype == np.float64
    assert np.abs(scores - predictor(network)(pixels)).max() < 1e-6
