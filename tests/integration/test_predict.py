"""python -m fer_larq.predict and fer_larq.analyze, with a stand-in for the network.

The stand-in's scores follow from the brightness of a face, and faces are bright squares, so that
these tests say what is done with pictures, videos and results, not how well faces are read.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

import fer_larq
from fer_larq import predict
from fer_larq.datasets.labels import EXPRESSIONS
from fer_larq.inference import analyzer as analysis
from fer_larq.inference.analyzer import PACKAGED_MODEL, FaceAnalyzer
from fer_larq.inference.face import Face, score_to_bar
from fer_larq.inference.geometry import Box
from fer_larq.inference.output.annotate import annotate, room_for_bars, touch
from fer_larq.inference.output.timeline import LANE, MARGIN_TOP, draw_timeline
from fer_larq.inference.pool import Pool
from fer_larq.inference.video import Video
from fer_larq.tflite.delegate import library_path
from fer_larq.utils.errors import UserError


class BrightnessClassifier:
    """Of a dark face, the first expression is the largest; of a bright one, the last."""

    labels = EXPRESSIONS
    temperature = None

    def scores(self, faces: np.ndarray) -> np.ndarray:
        assert faces.dtype == np.uint8 and faces.shape[1:] == (48, 48)
        place = faces.mean(axis=(1, 2))[:, np.newaxis] / 256 * 7 - 0.5
        return (1 - np.abs(place - np.arange(7))).astype(np.float32)


class BrightSquares:
    """Takes every bright blob for a face."""

    name = "bright squares"

    def detect(self, image: np.ndarray) -> list[Box]:
        assert image.dtype == np.uint8 and image.ndim == 3
        _, _, blobs, _ = cv2.connectedComponentsWithStats((image[..., 0] > 100).astype(np.uint8))
        return sorted(
            (Box(int(x), int(y), int(width), 0.9) for x, y, width, _, _ in blobs[1:]),
            key=lambda square: square.left,
        )

    def detect_next(self, image, previous, frame_number) -> list[Box]:
        return self.detect(image)


@pytest.fixture
def analyzer(monkeypatch) -> FaceAnalyzer:
    """What the command and ``analyze`` read with in these tests."""
    analyzer = FaceAnalyzer(BrightnessClassifier(), BrightSquares())
    monkeypatch.setattr(predict, "make_analyzer", lambda *_: analyzer)
    monkeypatch.setattr(analysis, "shared_analyzers", lambda *_: Pool(lambda: analyzer))
    return analyzer


def scene(*faces: tuple[int, int, int], size=(240, 320)) -> np.ndarray:
    """Grey squares, (left, top, value) and 60 pixels wide, on black: uint8 [H, W, 3]."""
    pixels = np.zeros((*size, 3), np.uint8)
    for left, top, value in faces:
        pixels[top : top + 60, left : left + 60] = value
    return pixels


def save(path: Path, *faces: tuple[int, int, int], **options) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(scene(*faces, **options)).save(path)
    return path


def film(path: Path, frames: int, codec: str = "mp4v") -> Path:
    """A face that moves to the right and is away in the middle third."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), 25, (320, 240))
    for n in range(frames):
        away = frames // 3 <= n < 2 * frames // 3
        writer.write(scene() if away else scene((20 + n, 60, 160)))
    writer.release()
    return path


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def run(*arguments: str | Path) -> int:
    return predict.main([str(argument) for argument in arguments])


# Pictures -----------------------------------------------------------------------------------------


def test_a_photo_gives_a_row_for_each_face_and_a_marked_picture(tmp_path, analyzer, capsys):
    photo = save(tmp_path / "photo.png", (30, 40, 160), (200, 100, 250))
    before = photo.read_bytes()
    assert run(photo, "--out", tmp_path / "out") == 0
    first, second = rows(tmp_path / "out" / "faces.csv")
    assert [first[k] for k in ("face", "left", "top", "width", "height")] == [
        "1", "30", "40", "60", "60",
    ]  # fmt: skip
    assert (second["face"], second["left"], second["expression"]) == ("2", "200", "neutral")
    assert max(EXPRESSIONS, key=lambda label: float(first[label])) == first["expression"]
    assert float(first["milliseconds"]) > 0
    marked = np.asarray(Image.open(tmp_path / "out" / "photo-faces.png"))
    assert marked.shape == (240, 320, 3) and not np.array_equal(marked, scene((30, 40, 160)))
    assert photo.read_bytes() == before
    said = capsys.readouterr().out
    assert "photo.png: 2 faces" in said and "neutral" in said


def test_json_has_an_object_for_each_picture(tmp_path, analyzer):
    save(tmp_path / "in" / "a.png", (30, 40, 160))
    save(tmp_path / "in" / "b.png")
    assert run(tmp_path / "in", "--out", tmp_path / "out", "--table", "json") == 0
    first, second = json.loads((tmp_path / "out" / "faces.json").read_text())
    assert first["faces"][0]["box"] == {"left": 30, "top": 40, "width": 60, "height": 60}
    assert set(first["faces"][0]["scores"]) == set(EXPRESSIONS)
    assert second["file"].endswith("b.png") and second["faces"] == []


def test_no_face_is_an_empty_result_and_a_sentence(tmp_path, analyzer, capsys):
    assert run(save(tmp_path / "wall.png"), "--out", tmp_path / "out") == 0
    assert "wall.png: no face found" in capsys.readouterr().out
    assert rows(tmp_path / "out" / "faces.csv") == []


def test_positions_are_those_of_the_upright_picture_in_full_size(tmp_path, analyzer):
    large = Image.fromarray(scene((30, 40, 160))).resize((3200, 2400), Image.Resampling.NEAREST)
    exif = Image.Exif()
    exif[0x0112] = 6
    large.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "large.jpg", exif=exif.tobytes())
    assert run(tmp_path / "large.jpg", "--out", tmp_path / "out") == 0
    [row] = rows(tmp_path / "out" / "faces.csv")
    for key, expected in (("left", 300), ("top", 400), ("width", 600)):
        assert abs(int(row[key]) - expected) <= 4, key


def test_a_corrupt_file_amid_a_folder_is_named_and_passed_over(tmp_path, analyzer, capsys):
    for name in ("a.png", "c.png", "below/d.png"):
        save(tmp_path / "in" / name, (30, 40, 160))
    (tmp_path / "in" / "b.jpg").write_bytes(b"\xff\xd8\xff\xe0 not really")
    (tmp_path / "in" / "notes.txt").write_text("not a picture, and not meant as one")
    assert run(tmp_path / "in", "--out", tmp_path / "out") == 1
    captured = capsys.readouterr()
    assert "b.jpg" in captured.err and "1 of 4 files could not be read" in captured.err
    assert "1 file is no image or video and left out: notes.txt\n" in captured.err
    read = [Path(row["file"]).name for row in rows(tmp_path / "out" / "faces.csv")]
    assert read == ["a.png", "d.png", "c.png"]
    assert (tmp_path / "out" / "below" / "d-faces.png").is_file()


def test_what_cannot_be_read_at_all_is_one_line(tmp_path, analyzer):
    (tmp_path / "broken.jpg").write_bytes(b"nothing")
    (tmp_path / "empty").mkdir()
    out = tmp_path / "out"
    for bad, words in (("broken.jpg", "known format"), ("empty", "no image"), ("x", "no such")):
        with pytest.raises(UserError, match=words):
            run(tmp_path / bad, "--out", out)
    assert not (out / "faces.csv").exists(), "a result that is none is not written"


def test_files_of_one_name_do_not_overwrite_each_other(tmp_path, analyzer):
    one, two = save(tmp_path / "1" / "a.png"), save(tmp_path / "2" / "a.png", (30, 40, 160))
    assert run(one, two, "--out", tmp_path / "out") == 0
    marked = sorted(path.name for path in (tmp_path / "out").glob("*.png"))
    assert marked == ["2-a-faces.png", "a-faces.png"]


def test_a_second_run_does_not_read_the_results_of_the_first(tmp_path, analyzer):
    save(tmp_path / "a.png", (30, 40, 160))
    for _ in range(2):
        assert run(tmp_path, "--out", tmp_path / "out") == 0
        assert len(rows(tmp_path / "out" / "faces.csv")) == 1


def test_a_name_cannot_write_into_the_terminal(tmp_path, analyzer, capsys):
    save(tmp_path / "a\x1b[2Jb\n.png")
    assert run(tmp_path / "a\x1b[2Jb\n.png", "--out", tmp_path / "out") == 0
    assert "a?[2Jb?.png: no face found" in capsys.readouterr().out


def test_a_place_that_cannot_be_written_is_one_line(tmp_path, analyzer):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match="cannot be written"):
        run(save(tmp_path / "a.png"), "--out", tmp_path / "file")


# Videos -------------------------------------------------------------------------------------------


def test_a_video_gives_rows_a_marked_video_and_a_plot(tmp_path, analyzer, capsys):
    clip = film(tmp_path / "clip.mp4", 30)
    assert run(clip, "--out", tmp_path / "out") == 0
    table = rows(tmp_path / "out" / "faces.csv")
    assert [int(row["frame"]) for row in table] == [*range(10), *range(20, 30)]
    assert table[-1]["seconds"] == "1.160"
    assert "30 frames" in capsys.readouterr().out
    marked = Video(tmp_path / "out" / "clip.mp4-faces.mp4")
    frames = [picture.pixels for _, picture in marked]
    assert len(frames) == 30 and frames[0].shape == (240, 320, 3)
    plot = Image.open(tmp_path / "out" / "clip.mp4-scores.png")
    assert plot.size[0] == 1200


def test_an_animated_picture_is_read_as_a_video(tmp_path, analyzer):
    frames = [Image.fromarray(scene((20 + 5 * n, 60, 160))) for n in range(6)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:], duration=50)
    assert run(tmp_path / "a.gif", "--out", tmp_path / "out") == 0
    table = rows(tmp_path / "out" / "faces.csv")
    assert [row["seconds"] for row in table] == [f"{0.05 * n:.3f}" for n in range(6)]
    assert {row["face"] for row in table} == {"1"}


def test_of_a_video_with_a_broken_tail_the_beginning_is_kept(tmp_path, analyzer, capsys):
    clip = film(tmp_path / "clip.avi", 60, "MJPG")
    whole = clip.read_bytes()
    clip.write_bytes(whole[: len(whole) // 2])
    assert run(clip, "--out", tmp_path / "out") == 1
    assert "clip.avi: breaks off" in capsys.readouterr().err
    frames = [int(row["frame"]) for row in rows(tmp_path / "out" / "faces.csv")]
    assert frames[:10] == list(range(10))
    assert 15 <= len(list(Video(tmp_path / "out" / "clip.avi-faces.mp4"))) < 60


def test_a_file_that_only_claims_to_be_a_video_is_one_line(tmp_path, analyzer):
    (tmp_path / "clip.mp4").write_bytes(bytes(2000))
    with pytest.raises(UserError, match=r"clip\.mp4: is damaged, or no video"):
        run(tmp_path / "clip.mp4", "--out", tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_playlist_does_not_lead_to_other_files(tmp_path, analyzer):
    clip = film(tmp_path / "secret.mp4", 5)
    for name, content in (
        ("list.ts", f"#EXTM3U\n#EXTINF:1,\n{clip}\n#EXT-X-ENDLIST\n"),
        ("concat.mp4", f"ffconcat version 1.0\nfile {clip}\n"),
    ):
        (tmp_path / name).write_text(content)
        with pytest.raises(UserError):
            run(tmp_path / name, "--out", tmp_path / "out")


def test_ctrl_c_keeps_what_was_read(tmp_path, analyzer, monkeypatch):
    clip = film(tmp_path / "clip.mp4", 30)
    analyze_next = analyzer.analyze_next

    def interrupted(*arguments):
        if analyzer.tracker.frame_number == 8:
            raise KeyboardInterrupt
        return analyze_next(*arguments)

    monkeypatch.setattr(analyzer, "analyze_next", interrupted)
    assert run(clip, "--out", tmp_path / "out") == 130
    assert len(rows(tmp_path / "out" / "faces.csv")) == 8
    assert len(list(Video(tmp_path / "out" / "clip.mp4-faces.mp4"))) == 8


def test_an_absent_webcam_is_one_line_and_exit_code_2(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "fer_larq.predict", "--webcam", "77"],
        capture_output=True, text=True, cwd=tmp_path,
        env={"PYTHONPATH": str(Path(fer_larq.__file__).parents[1])},
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith("error: webcam 77: cannot be opened")
    assert done.stderr.count("\n") == 1 and not list(tmp_path.iterdir())


def test_a_face_keeps_its_number_when_another_comes_and_when_it_is_lost_for_a_moment(analyzer):
    numbers = []
    for faces in (
        [(100, 60, 160)],
        [(20, 60, 160), (105, 60, 160)],
        [(20, 60, 160)],
        [(25, 60, 160), (110, 60, 160)],
    ):
        numbers.append([face.number for face in analyzer.analyze_next(scene(*faces))])
    assert numbers == [[1], [2, 1], [2], [2, 1]]
    analyzer.start_video()
    assert [face.number for face in analyzer.analyze_next(scene((100, 60, 160)))] == [1]


# What is drawn ------------------------------------------------------------------------------------


def face_at(left: int, top: int, side: int = 60, number: int = 1) -> Face:
    return Face(
        number, left, top, side, 0.9, dict(zip(EXPRESSIONS, np.linspace(-1, 1, 7), strict=True))
    )


def test_bars_hide_no_face_and_stay_in_the_picture():
    random = np.random.default_rng(0)
    for _ in range(100):
        boxes = [(x, y, x + 90, y + 90) for x, y in random.integers(-20, 600, (3, 2)).tolist()]
        place = room_for_bars(face_at(0, 0).scores, boxes[0], boxes, (640, 480), 12)
        if place is not None:
            assert not any(touch(place, box) for box in boxes)
            assert 0 <= place[0] and 0 <= place[1] and place[2] <= 640 and place[3] <= 480


def test_marking_changes_a_copy_and_leaves_faces_readable():
    image = scene((200, 150, 160), size=(480, 640))
    before = image.copy()
    marked = annotate(image, [face_at(200, 150)])
    assert np.array_equal(image, before)
    assert (marked[155:205, 205:255] == 160).all(), "nothing covers the face"
    assert (marked != image).any(axis=2).sum() > 3000, "square, label and bars"
    fifty = [face_at(n % 10 * 60 - 15, n // 10 * 90 - 15, number=n) for n in range(50)]
    assert annotate(image, fifty).shape == image.shape


def test_the_plot_shows_the_best_expression_and_where_the_face_was_away():
    seconds = np.arange(90) / 30
    scores = np.full((90, 7), -1, np.float32)
    scores[:, 3] = 1
    scores[30:60] = np.nan
    plot = np.asarray(draw_timeline(seconds, scores, EXPRESSIONS, "clip"))
    lane = plot[MARGIN_TOP + 3 * LANE + LANE // 2]  # half way up "happy"
    coloured = (lane[:, 0].astype(int) - lane[:, 2]) > 100
    left, middle, right = (coloured[a:b].mean() for a, b in ((120, 440), (490, 800), (860, 1150)))
    assert left > 0.95 and right > 0.95 and middle == 0


@pytest.mark.parametrize("score, expected", [(-3, 0), (-1, 0), (0, 0.5), (0.5, 0.75), (2, 1)])
def test_a_bar_is_half_of_score_plus_one_clipped(score, expected):
    assert score_to_bar(score) == expected


# From Python --------------------------------------------------------------------------------------


def test_analyze_takes_files_pictures_and_arrays(tmp_path, analyzer):
    pixels = scene((30, 40, 160))
    for image in (save(tmp_path / "a.png", (30, 40, 160)), Image.fromarray(pixels), pixels,
                  pixels[..., 0]):  # fmt: skip
        [face] = fer_larq.analyze(image)
        assert (face.left, face.top, face.side) == (30, 40, 60)
        assert face.expression == "sad" and list(face.scores) == list(EXPRESSIONS)
    assert fer_larq.analyze(scene()) == []
    for bad in (pixels.astype(float), pixels[..., :2], np.empty((0, 4), np.uint8)):
        with pytest.raises(UserError, match="an image of"):
            fer_larq.analyze(bad)


def test_without_a_model_it_is_said_how_to_make_one(monkeypatch, tmp_path):
    monkeypatch.setattr(analysis, "PACKAGED_MODEL", tmp_path / "absent.tflite")
    with pytest.raises(UserError, match=r"fer_larq\.convert RUN --out bdnn4\.tflite"):
        analysis.make_analyzer()


def test_reading_faces_imports_neither_tensorflow_nor_a_plotting_library():
    script = (
        "import sys, fer_larq, fer_larq.predict; fer_larq.analyze; "
        "print([n for n in ('tensorflow', 'larq', 'pandas', 'matplotlib') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr


def test_importing_the_package_alone_imports_no_opencv():
    script = "import sys, fer_larq; print('cv2' in sys.modules, 'numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == "False False\n", done.stderr


def test_the_packaged_model_reads_the_astronaut_as_happy(tmp_path):
    if not PACKAGED_MODEL.is_file():
        pytest.skip("no trained model is packaged yet")
    try:
        library_path()
    except UserError as error:
        pytest.skip(str(error))
    from skimage.data import astronaut

    [face] = fer_larq.analyze(astronaut(), detector="cascade")
    assert face.expression == "happy" and face.scores["happy"] > 0
