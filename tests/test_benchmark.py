"""The benchmarks' arithmetic, and that they run; how fast anything is, is not asserted."""

import json
import time

import numpy as np
import pytest
from PIL import Image

from fer_larq.benchmark import __main__ as benchmark
from fer_larq.benchmark import inference, layers, training
from fer_larq.benchmark.rounds import interleaved, ratio
from fer_larq.conversion.build import build_model
from fer_larq.models import bdnn
from fer_larq.recipes import Recipe
from fer_larq.runtime import open_model


def test_rounds_are_interleaved_and_warmed_up():
    calls = []
    seconds = interleaved(
        {
            "sleeps": lambda: (calls.append("sleeps"), time.sleep(0.01)),
            "returns": lambda: calls.append("returns"),
        },
        rounds=3,
    )
    assert calls == ["sleeps", "returns"] * 4
    assert (seconds["sleeps"] >= 0.01).all() and seconds["returns"].shape == (3,)


def test_a_ratio_is_taken_round_by_round():
    assert ratio(np.array([1.0, 2.0, 4.0]), np.array([2.0, 2.0, 2.0])) == (1.0, 0.5, 2.0)


def test_the_training_benchmark_prints_every_ratio(few_faces, monkeypatch, capsys):
    small = Recipe(blocks=2, width=0.125, batch_size=32)
    monkeypatch.setattr(training, "RECIPES", {"best": small})
    assert benchmark.main(["training", "--rounds", "1", "--steps", "1", "--bfloat16"]) == 0
    printed = capsys.readouterr().out
    for name in ("float32, constant batch", "float32, full pipeline", "bfloat16, constant batch"):
        line = next(line for line in printed.splitlines() if name in line)
        assert "crops/s" in line and "times float32" in line
    assert "--precision auto is" in printed


def test_the_inference_benchmark_writes_table_json_and_picture(tmp_path, monkeypatch, capsys):
    narrow = bdnn(2, filters=(32, 32), dense_units=(32, 32))
    monkeypatch.setattr(inference, "bdnn", lambda blocks: narrow)
    arguments = ["inference", "--rounds", "2", "--threads", "1", "--out", str(tmp_path)]
    assert benchmark.main(arguments) == 0
    printed = capsys.readouterr().out
    found = json.loads((tmp_path / "inference.json").read_text())
    kinds = {(row["crops"], row["name"]) for row in found["rows"]}
    for crops in (1, 5):
        assert (crops, "float32, LiteRT with XNNPACK") in kinds
        assert (crops, "int8, LiteRT with XNNPACK") in kinds
        assert (crops, "bit-packed, LCE, indirect") in kinds
    assert (1, "LCE's own conversion, LCE, default") in kinds
    with_delegate = found["machine"]["lce_delegate_kernel"] is not None
    assert ((1, "bit-packed, LiteRT with lce_delegate") in kinds) == with_delegate
    assert ("left out: bit-packed on LiteRT" in printed) != with_delegate
    for row in found["rows"]:
        assert f"| {row['name']} | {row['milliseconds']:.2f}" in printed
        low, high = row["milliseconds_range"]
        assert 0 < low <= row["milliseconds"] <= high
    assert Image.open(tmp_path / "inference.png").size[0] > 500


def values(content: bytes, given: dict[tuple[str, tuple], np.ndarray]) -> dict:
    """Run a model on inputs found by name and shape; its outputs, by the same."""
    interpreter = open_model(content)
    for tensor in interpreter.get_input_details():
        interpreter.set_tensor(tensor["index"], given[tensor["name"], tuple(tensor["shape"])])
    interpreter.invoke()
    return {
        (tensor["name"], tuple(tensor["shape"])): interpreter.get_tensor(tensor["index"])
        for tensor in interpreter.get_output_details()
    }


@pytest.mark.parametrize("arithmetic", layers.ARITHMETICS)
def test_the_layers_one_after_the_other_are_the_whole_network(arithmetic):
    network = bdnn(2, filters=(32, 64), dense_units=(32,))
    whole = build_model(network, {}, "none", arithmetic)
    crop = np.random.default_rng(0).integers(0, 256, (1, 42, 42, 1))
    given = {("crop", crop.shape): (2 * crop - 255).astype(np.float32)}
    (expected,) = values(whole, given).values()
    parts = layers.layers(whole)
    for part in parts:
        given |= values(part.content, given)
    assert np.array_equal(given["scores", (1, 7)], expected)
    assert [part.name for part in parts] == [
        *(f"block {n}, {w} convolution" for n in (1, 2) for w in ("first", "second")),
        "fully connected layer 1",
        "output layer",
    ]
    products = [part.multiply_accumulates for part in parts]
    weights = np.array([9 * 32, 9 * 32 * 32, 9 * 64 * 64, 9 * 64 * 64, 12800 * 32, 32 * 7])
    assert products == (weights * [42**2, 42**2, 21**2, 21**2, 1, 1]).tolist()


def test_the_layers_benchmark_writes_table_json_and_picture(tmp_path, monkeypatch, capsys):
    narrow = bdnn(2, filters=(32, 32), dense_units=(32, 32))
    monkeypatch.setattr(layers, "bdnn", lambda blocks: narrow)
    assert benchmark.main(["layers", "--rounds", "2", "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    found = json.loads((tmp_path / "layers.json").read_text())
    assert found["rows"][-1]["name"] == layers.WHOLE
    for row in found["rows"]:
        assert set(row["milliseconds"]) == set(layers.ARITHMETICS)
        for low, middle, high in row["milliseconds"].values():
            assert 0 < low <= middle <= high
        assert f"| {row['name']} | {row['multiply_accumulates'] / 1e6:.1f} |" in printed
    assert Image.open(tmp_path / "layers.png").size[0] > 500
