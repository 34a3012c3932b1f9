"""Files that claim to be TFLite models: sound ones of any maker are listed, damaged ones named."""

from __future__ import annotations

import struct
import tracemalloc

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from fer_larq.conversion.converter import build_model
from fer_larq.conversion.lce import lce_conversion
from fer_larq.tflite.network import TFLiteNetwork
from fer_larq.tflite.parser import FILE_IDENTIFIER, parse_model, read_model
from fer_larq.tflite.summary import model_summary
from fer_larq.utils.backend import tf
from fer_larq.utils.errors import UserError
from helpers.conversion_networks import random_faces, random_network


@pytest.fixture(scope="module")
def network():
    return random_network(2)


@pytest.fixture(scope="module")
def ours(network) -> bytes:
    return build_model(network, {"accuracy": {"split": "validation", "five crops": 0.61}})


@pytest.fixture(scope="module")
def of_lce_alone(network) -> bytes:
    return lce_conversion(network)


@pytest.fixture(scope="module")
def of_tensorflow() -> bytes:
    @tf.function(input_signature=[tf.TensorSpec((1, 8, 8, 3), tf.float32)])
    def function(x):
        return tf.nn.relu(tf.nn.conv2d(x, tf.ones((3, 3, 3, 4)), 1, "SAME"))

    functions = [function.get_concrete_function()]
    return tf.lite.TFLiteConverter.from_concrete_functions(functions).convert()


def shown(content: bytes) -> str:
    return "\n".join(model_summary(parse_model(content, "a.tflite"), "a.tflite"))


def test_a_listing_of_our_model_gives_its_account_its_operators_and_its_bytes(ours) -> None:
    text = shown(ours)
    assert "bdnn2" in text
    assert "labels: angry, disgust, fear, happy, sad, surprise, neutral" in text
    assert "face: uint8 [1, 48, 48, 1]" in text
    assert "five crops: 0.61" in text
    sizes = [line.split() for line in text.split("number")[1].splitlines()[1:]]
    assert sum(int(row[-2].replace(",", "")) for row in sizes) == len(ours)
    convolutions = next(row for row in sizes if row[0] == "LceBconv2d")
    assert convolutions[1] == "6"
    weights = 9 * 32 * (32 + 64 + 32) + 100 * 64 * 64 + 64 * 32 + 32 * 7
    assert int(convolutions[2].replace(",", "")) == weights // 8 + 4 * (3 * 32 + 64 + 32 + 14)


def test_models_of_other_makers_are_listed_too(of_lce_alone, of_tensorflow) -> None:
    text = shown(of_lce_alone)
    assert "not made by fer_larq.convert" in text
    assert "LceQuantize" in text and "FULLY_CONNECTED" in text
    text = shown(of_tensorflow)
    assert "not made by fer_larq.convert" in text
    assert "float32 [1, 8, 8, 3]" in text and "CONV_2D" in text


@pytest.mark.parametrize("content", [b"", b"TFL3", b"PK\3\4 a zip of some kind", b"\0" * 1000])
def test_what_is_no_model_is_refused_in_one_line(tmp_path, content) -> None:
    file = tmp_path / "no.tflite"
    file.write_bytes(content)
    with pytest.raises(UserError, match=r"no\.tflite: no TFLite model") as caught:
        read_model(file)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["absent.tflite", ""])
def test_a_file_that_cannot_be_read_is_named(tmp_path, name) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        read_model(tmp_path / name)


def damaged(content: bytes, random: np.random.Generator) -> bytes:
    """Content cut short, or with some bits, bytes or words changed, most of them in its tables."""
    way = random.integers(4)
    if way == 0:
        return content[: random.integers(len(content))]
    copy = bytearray(content)
    for _ in range(random.integers(1, 20)):
        distance = random.integers(random.choice([len(copy), len(copy) // 8]))
        place = int(random.choice([distance, len(copy) - 1 - distance]))
        if way == 1:
            copy[place] ^= 1 << random.integers(8)
        elif way == 2:
            copy[place] = random.integers(256)
        else:
            word = random.choice([0, 1, 2**31 - 1, 2**31, 2**32 - 16, 2**32 - 1])
            copy[place : place + 4] = struct.pack("<I", word)
    return bytes(copy)


def test_damage_is_named_or_harmless_but_never_a_traceback(ours, of_lce_alone) -> None:
    random = np.random.default_rng(0)
    refused = 0
    for index in range(600):
        content = damaged((ours, of_lce_alone)[index % 2], random)
        try:
            text = shown(content)
            assert all(line.isprintable() for line in text.splitlines())
        except UserError as error:
            assert "\n" not in str(error)
            refused += 1
    assert 100 < refused < 600


def model_with(content: dict) -> bytes:
    """A hand-made model: version 3 and some fields of the table Model, as offsets, by name."""
    builder = flatbuffers.Builder(1024)
    offsets = {name: write(builder) for name, write in content.items()}
    schema.ModelStart(builder)
    schema.ModelAddVersion(builder, 3)
    for name, offset in offsets.items():
        getattr(schema, f"ModelAdd{name}")(builder, offset)
    builder.Finish(schema.ModelEnd(builder), FILE_IDENTIFIER)
    return bytes(builder.Output())


def long_vector(builder: flatbuffers.Builder) -> int:
    """A vector that says it has four thousand million entries, and has one."""
    builder.StartVector(4, 1, 4)
    builder.PrependUint32(0)
    builder.vectorNumElems = 2**32 - 1
    return builder.EndVector()


def repeated_subgraph(builder: flatbuffers.Builder) -> int:
    """A subgraph of twenty thousand operators, each the same one, of as many inputs."""
    count = 20_000
    builder.StartVector(4, count, 4)
    for _ in range(count):
        builder.PrependInt32(-1)
    inputs = builder.EndVector()
    schema.OperatorStart(builder)
    schema.OperatorAddInputs(builder, inputs)
    operator = schema.OperatorEnd(builder)
    builder.StartVector(4, count, 4)
    for _ in range(count):
        builder.PrependUOffsetTRelative(operator)
    operators = builder.EndVector()
    schema.SubGraphStart(builder)
    schema.SubGraphAddOperators(builder, operators)
    subgraph = schema.SubGraphEnd(builder)
    builder.StartVector(4, 1, 4)
    builder.PrependUOffsetTRelative(subgraph)
    return builder.EndVector()


def one_code(builder: flatbuffers.Builder) -> int:
    schema.OperatorCodeStart(builder)
    code = schema.OperatorCodeEnd(builder)
    builder.StartVector(4, 1, 4)
    builder.PrependUOffsetTRelative(code)
    return builder.EndVector()


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"OperatorCodes": long_vector},
        {"Buffers": long_vector},
        {"Subgraphs": long_vector},
        {"Subgraphs": repeated_subgraph, "OperatorCodes": one_code},
        {"Metadata": long_vector, "Subgraphs": repeated_subgraph, "OperatorCodes": one_code},
    ],
)
def test_absurd_numbers_of_entries_cost_no_memory(content) -> None:
    model = model_with(content)
    tracemalloc.start()
    try:
        with pytest.raises(UserError, match="a damaged TFLite model"):
            parse_model(model, "model")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20e6  # 400 million inputs would take gigabytes


def test_text_from_a_file_cannot_steer_the_terminal(ours) -> None:
    hostile = ours.replace(
        b"block 1, first convolution/sums", b"\x1b[2Jk 1, first convolution/sums"
    )
    hostile = hostile.replace(b"made by fer_larq", b"\x1b]0;\x07by fer_larq")
    assert hostile != ours
    assert all(line.isprintable() for line in shown(hostile).splitlines())


def test_a_damaged_model_is_not_run(ours, tmp_path) -> None:
    random = np.random.default_rng(1)
    file = tmp_path / "damaged.tflite"
    for _ in range(200):
        content = damaged(ours, random)
        file.write_bytes(content)
        if content[: len(ours) - 500] == ours[: len(ours) - 500]:
            continue  # only what lies behind the model was touched
        with pytest.raises(UserError, match=r"damaged\.tflite: "):
            TFLiteNetwork(file)


def test_models_of_other_makers_are_not_run(of_lce_alone, of_tensorflow) -> None:
    for content in (of_lce_alone, of_tensorflow):
        with pytest.raises(UserError, match=r"model: not a model of fer_larq\.convert"):
            TFLiteNetwork(content)


def test_a_sound_model_is_run(ours) -> None:
    assert TFLiteNetwork(ours).scores(random_faces(2)).shape == (2, 7)
    assert TFLiteNetwork(ours).scores(random_faces(0)).shape == (0, 7)
