"""The benchmarks' arithmetic, and that they run; how fast anything is, is not asserted."""

import json
import os
import re
import time

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("fer_larq.utils.backend")

from fer_larq.benchmark import __main__ as benchmark
from fer_larq.benchmark import (
    detection,
    inference,
    layers,
    light,
    photographs,
    training,
    video,
)
from fer_larq.benchmark.rounds import interleaved, ratio
from fer_larq.conversion.converter import build_model
from fer_larq.inference.geometry import Box
from fer_larq.models.bdnn import bdnn
from fer_larq.tflite.interpreter import open_model
from fer_larq.training.precision import choose_precision
from fer_larq.training.recipes import Recipe
from fer_larq.utils.errors import UserError

pytestmark = pytest.mark.slow


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
    monkeypatch.setattr(training, "RECIPES", {"augmented": small})
    assert benchmark.main(["training", "--rounds", "1", "--steps", "1", "--bfloat16"]) == 0
    printed = capsys.readouterr().out
    automatic = choose_precision("auto", small)
    names = [f"{name}, constant batch" for name in {"float32", "bfloat16", automatic}]
    for name in (*names, f"{automatic}, full pipeline"):
        line = next(line for line in printed.splitlines() if name in line)
        assert "crops/s" in line and "times float32" in line
    assert f"--precision auto is {automatic} here" in printed


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
    monkeypatch.setattr(inference, "bdnn", lambda blocks: narrow)
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


class SeesOnePlace:
    """A detector that finds a face where the scenes of these tests have it."""

    def __init__(self, name: str):
        self.name = name

    def detect(self, image):
        return [Box(64, 64, 192, 0.9)]

    def detect_next(self, image, previous, frame_number):
        return self.detect(image)


def scenes_at_one_place(faces, side, width, height):
    for face in faces:
        scene = np.full((height, width, 3), 90, np.uint8)
        detection.place(scene, np.stack([face] * 3, axis=-1), 64, 64, side)
        yield scene, [Box(64, 64, side)]


def test_the_detection_benchmark_counts_frames_and_reads(few_faces, monkeypatch, capsys):
    scene = np.zeros((512, 512, 3), np.uint8)
    monkeypatch.setattr(detection, "BlazeFaceDetector", lambda: SeesOnePlace("blazeface"))
    monkeypatch.setattr(detection, "CascadeDetector", lambda: SeesOnePlace("cascade"))
    monkeypatch.setattr(detection, "alone", scenes_at_one_place)
    there, elsewhere = Box(60, 70, 190), Box(300, 300, 100)
    monkeypatch.setattr(
        detection, "scenes", lambda: {"one": [(scene, [there])], "two": [(scene, [elsewhere])]}
    )
    arguments = ["detection", "--rounds", "1", "--data", "x", "--faces", "20"]
    assert benchmark.main(arguments) == 0
    printed = capsys.readouterr().out
    assert printed.count("1 of 1, 0 false") == 2 and printed.count("0 of 1, 1 false") == 2
    assert "cascade, next frame" in printed
    for name, framing in (("blazeface", "side=1.17, rise=0.094"), ("cascade", "side=1.07")):
        assert f"{name}: found 20 of 20 training faces" in printed and framing in printed
    # The detector's square is FER2013's here, so cutting in either gives the same faces.
    for line in printed.splitlines():
        if "validation" in line:
            _, again, ours = re.findall(r"([\d.]+)%", line)
            assert again == ours


def test_a_detector_that_finds_nothing_is_said_in_one_line(few_faces):
    blind = SeesOnePlace("blind")
    blind.detect = lambda image: []
    with pytest.raises(UserError, match="blind finds none of these faces"):
        detection.measure_framing(blind, few_faces, 3)


def test_the_video_benchmark_prints_every_stage_and_the_first_answer(capsys):
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    try:
        code = benchmark.main(["video", "--frames", "4", "--photos", "1", "--detector", "cascade"])
    finally:
        if cores is not None:
            os.sched_setaffinity(0, cores)
    assert code == 0
    printed = capsys.readouterr().out
    assert re.search(r"median of 1: \d+\.\d\d s, \d+\.\d\d s on a processor", printed)
    assert "milliseconds for each of 4 frames" in printed
    for stage in ("read", "find", "classify"):
        assert re.search(rf"^{stage} +\d+\.\d\d +\d+\.\d\d$", printed, re.M), stage
    assert "frames a second" in printed and "1 face: happy" in printed


def test_in_the_video_the_face_moves_and_is_away_for_a_while():
    frames = list(video.frames(101))
    assert {frame.shape for frame in frames} == {(480, 640, 3)}
    sharp = [np.abs(np.diff(frame.astype(int), axis=1)).mean() for frame in frames]
    assert max(sharp[video.AWAY]) < 0.5 * min(sharp[: video.AWAY.start])
    assert not np.array_equal(frames[0], frames[5])


def test_photographs_are_read_into_a_table_and_marked(tmp_path, capsys):
    arguments = ["photographs", "astronaut", "coffee", "--detector", "cascade"]
    assert benchmark.main([*arguments, "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"^\| `astronaut` \| a smile \| 1 \| happy \+\d", printed, re.M)
    assert "| `coffee` | no face | 0 |  |" in printed
    assert [path.name for path in tmp_path.iterdir()] == ["astronaut.jpg"]
    with pytest.raises(UserError, match="mona_lisa: choose among astronaut"):
        benchmark.main(["photographs", "mona_lisa"])
    assert set(dict(photographs.photographs(photographs.SEEN))) == set(photographs.SEEN)


def test_light_is_changed_as_its_name_says():
    face = np.uint8([[[0, 10, 128, 255]]])
    np.testing.assert_array_equal(light.changed(face, "as published"), face)
    np.testing.assert_array_equal(light.changed(face, "pixels x 0.4"), [[[0, 4, 51, 102]]])
    np.testing.assert_array_equal(light.changed(face, "contrast x 0.4"), [[[76, 80, 128, 178]]])
    np.testing.assert_array_equal(light.changed(face, "gamma 2"), [[[0, 0, 64, 255]]])


def test_the_light_benchmark_prints_every_light(finished_run, few_faces, capsys):
    assert benchmark.main(["light", str(finished_run)]) == 0
    lines = capsys.readouterr().out.splitlines()
    for name in light.CHANGES:
        row = next(line for line in lines if line.startswith(f"| {name} |"))
        assert re.search(r"\| \d+\.\d\d \| [+-]\d+\.\d\d \|", row)
    assert "128 faces, labels of fer2013, five-crop mean" in lines[0]


class SeesTheMiddle:
    """A detector that answers with the middle half of each scene, lying if it is told so."""

    angle = 0.0

    def detect(self, image: np.ndarray) -> list[Box]:
        side = len(image)
        return [Box(side / 4, side / 4, side / 2, angle=self.angle)]


def test_the_robustness_benchmark_counts_found_right_and_doubted(few_faces, monkeypatch, capsys):
    from fer_larq.benchmark import robustness

    class KnowsBrightness:
        def __init__(self, model):
            pass

        def scores(self, faces):
            return np.eye(7)[[int(face.mean()) % 7 for face in faces]]

    monkeypatch.setattr(robustness, "make_detector", lambda name: SeesTheMiddle())
    monkeypatch.setattr(robustness, "FaceClassifier", KnowsBrightness)
    arguments = ["robustness", "--data", "any", "--faces", "6", "--step", "90"]
    assert benchmark.main(arguments) == 0
    rows = [line.split("|") for line in capsys.readouterr().out.splitlines() if "%" in line]
    assert len(rows) == 15 and {row[2].strip() for row in rows} == {"100.0%"}
    doubted = {row[1].strip(): int(row[5]) for row in rows}
    assert doubted["face of 24 pixels"] == 6 and doubted["blurred, sigma 2"] == 6
    with pytest.raises(UserError, match="name FER2013"):
        benchmark.main(["robustness"])


def test_a_scene_is_turned_clockwise_and_shrunk_to_the_size_of_its_name():
    from fer_larq.benchmark import robustness

    scene = np.zeros((320, 320, 3), np.uint8)
    scene[:160] = 200  # bright above
    right = robustness.turned(90)(scene)
    assert right[:, 170:].mean() > 190 and right[:, :150].mean() < 10
    assert robustness.shrunk(24)(scene).shape == (48, 48, 3)


def test_the_throughput_benchmark_says_whether_threads_agree(capsys):
    from helpers.field_inputs import need_detector

    need_detector()
    arguments = "throughput --starts 1 --photos 2 --threads 2 --calls 2"
    assert benchmark.main(arguments.split()) == 0
    said = capsys.readouterr().out
    assert "12 megapixels" in said and "2 photographs, 1 at a time" in said
    assert "2 threads" in said and "\n0 answers differ" in said
