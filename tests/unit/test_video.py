"""Videos: times and turns are the container's, a sound file is sound."""

from __future__ import annotations

import csv
from pathlib import Path

import av
import numpy as np
import pytest

from fer_larq import predict
from fer_larq.inference.frame_sources import Animation
from fer_larq.inference.video import Video, VideoWriter
from fer_larq.utils.errors import UserError
from helpers.field_inputs import need_detector, set_track_matrix, smile, write_video

VARIABLE = [*(n / 30 for n in range(30)), *range(1, 11)]
"""Seconds of frames: 30 in the first one, then one in each."""


def corner(height: int = 48, width: int = 80) -> np.ndarray:
    """Dark, but for a bright upper left quarter: uint8 ``[height, width, 3]``."""
    pixels = np.full((height, width, 3), 30, np.uint8)
    pixels[: height // 2, : width // 2] = 220
    return pixels


def bright_corner(pixels: np.ndarray) -> str:
    """Where an image has its bright quarter."""
    height, width = pixels.shape[:2]
    means = {
        f"{vertical} {horizontal}": pixels[rows, columns].mean()
        for vertical, rows in (("upper", slice(height // 2)), ("lower", slice(height // 2, None)))
        for horizontal, columns in (("left", slice(width // 2)), ("right", slice(width // 2, None)))
    }
    return max(means, key=means.__getitem__)


@pytest.mark.parametrize(
    "name, codec",
    [("vfr.mp4", "libx264"), ("vfr.mkv", "libx264"), ("vfr.webm", "libvpx-vp9"),
     ("vfr.mov", "mpeg4")],
)  # fmt: skip
def test_frames_come_at_the_seconds_of_the_container_and_the_file_is_sound(tmp_path, name, codec):
    video = Video(write_video(tmp_path / name, [corner()] * 40, VARIABLE, codec))
    seconds = [second for second, _ in video]
    assert seconds == pytest.approx(VARIABLE, abs=0.002)
    assert video.fault is None


@pytest.mark.parametrize(
    "name, codec", [("vfr.mp4", "libx264"), ("vfr.mkv", "libx264"), ("vfr.webm", "libvpx-vp9")]
)
def test_the_table_has_the_seconds_of_the_container_and_the_exit_code_is_0(tmp_path, name, codec):
    need_detector()
    path = write_video(tmp_path / name, [corner()] * 40, VARIABLE, codec)
    out = ["--out", str(tmp_path / "out"), "--no-marked", "--detector", "none"]
    assert predict.main([str(path), *out]) == 0
    with (tmp_path / "out" / "faces.csv").open(newline="") as file:
        seconds = [float(row["seconds"]) for row in csv.DictReader(file)]
    assert seconds == pytest.approx(VARIABLE, abs=0.002)


def test_480_frames_a_second_are_not_taken_for_25(tmp_path):
    times = [n / 480 for n in range(48)]
    video = Video(write_video(tmp_path / "fast.mp4", [corner()] * 48, times))
    assert [second for second, _ in video][-1] == pytest.approx(0.098, abs=0.0011)


def test_a_stream_that_does_not_begin_at_zero_is_counted_from_its_beginning(tmp_path):
    times = [10 + n / 25 for n in range(25)]
    for name, codec in (("later.ts", "libx264"), ("later.mkv", "libx264")):
        video = Video(write_video(tmp_path / name, [corner()] * 25, times, codec))
        assert [s for s, _ in video] == pytest.approx([n / 25 for n in range(25)], abs=0.003), name


@pytest.mark.parametrize(
    "matrix, where, size",
    [
        ((1, 0, 0, 1), "upper left", (48, 80)),
        ((0, 1, -1, 0), "upper right", (80, 48)),  # a quarter to the right
        ((-1, 0, 0, -1), "lower right", (48, 80)),
        ((0, -1, 1, 0), "lower left", (80, 48)),
        ((-1, 0, 0, 1), "upper right", (48, 80)),  # mirrored, as a selfie
        ((1, 0, 0, -1), "lower left", (48, 80)),
        ((0, 1, 1, 0), "upper left", (80, 48)),
    ],
)
def test_a_tracks_matrix_turns_and_mirrors(tmp_path, matrix, where, size):
    path = write_video(tmp_path / "phone.mp4", [corner()] * 3, [0, 0.1, 0.2])
    set_track_matrix(path, matrix)
    for _, image in Video(path):
        assert image.pixels.shape[:2] == size and bright_corner(image.pixels) == where


def test_a_tag_turns_where_the_container_has_no_matrix(tmp_path):
    tagged = write_video(
        tmp_path / "old.mkv", [corner()] * 3, [0, 0.1, 0.2], metadata={"rotate": "90"}
    )
    assert {bright_corner(image.pixels) for _, image in Video(tagged)} == {"upper right"}
    wrong = write_video(tmp_path / "odd.mkv", [corner()], [0], metadata={"rotate": "sideways"})
    assert {bright_corner(image.pixels) for _, image in Video(wrong)} == {"upper left"}


def test_pixels_that_are_no_squares_are_made_square(tmp_path):
    frames = [corner(48, 80)] * 3
    path = write_video(tmp_path / "dv.mp4", frames, [0, 0.1, 0.2], sample_aspect_ratio=2)
    for _, image in Video(path):
        assert image.pixels.shape[:2] == (48, 160) and (image.width, image.height) == (160, 48)


def test_a_phones_portrait_video_is_a_smile(tmp_path):
    need_detector()
    lying = np.rot90(np.asarray(smile()), 1)
    path = write_video(tmp_path / "phone.mp4", [lying] * 4, [0, 0.1, 0.2, 0.3])
    set_track_matrix(path, (0, 1, -1, 0))
    assert predict.main([str(path), "--out", str(tmp_path / "out"), "--no-marked"]) == 0
    with (tmp_path / "out" / "faces.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["expression"] for row in rows] == ["happy"] * 4
    assert {row["angle"] for row in rows} == {"0.0"}


def test_a_file_that_is_cut_off_says_so_and_keeps_what_was_read(tmp_path):
    random = np.random.default_rng(0)
    frames = [random.integers(0, 256, (96, 96, 3)).astype(np.uint8) for _ in range(60)]
    path = write_video(tmp_path / "cut.mkv", frames, [n / 10 for n in range(60)])
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    video = Video(path)
    read = sum(1 for _ in video)
    assert 10 < read < 50
    assert video.fault is not None and "cut.mkv: breaks off" in video.fault


def test_a_song_with_a_cover_is_no_video(tmp_path):
    path = tmp_path / "song.mp4"
    with av.open(str(path), "w") as container:
        sound = container.add_stream("aac", rate=44100)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        frame.rate = 44100
        container.mux(sound.encode(frame))
        container.mux(sound.encode())
    with pytest.raises(UserError, match=r"song\.mp4: holds no video"):
        Video(path)


@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
def test_what_is_written_has_the_times_that_were_given(tmp_path, codec):
    path = tmp_path / "out.mp4"
    writer = VideoWriter(path, 10, codec)
    times = [0, 0.1, 0.1, 0.5, 2.0]
    for seconds in times:
        writer.write(corner(47, 81), seconds)
    writer.close()
    frames = list(Video(path))
    assert [s for s, _ in frames] == pytest.approx(times, abs=0.002)
    assert {image.pixels.shape for _, image in frames} == {(48, 82, 3)}
    assert bright_corner(frames[0][1].pixels) == "upper left"


def test_bytes_that_were_tampered_with_end_in_frames_or_in_one_line(tmp_path):
    path = write_video(tmp_path / "clip.mp4", [corner()] * 5, [n / 10 for n in range(5)])
    whole = path.read_bytes()
    random = np.random.default_rng(0)
    frames = refused = 0
    for _ in range(40):
        content = bytearray(whole)
        for position in random.integers(0, len(whole), 6):
            content[position] = random.integers(0, 256)
        path.write_bytes(content)
        try:
            video = Video(path)
            frames += sum(image.pixels.dtype == np.uint8 for _, image in video)
            video.close()
        except UserError as error:
            assert "\n" not in str(error)
            refused += 1
    assert frames and refused


def test_a_playlist_leads_nowhere_whatever_it_is_called(tmp_path):
    clip = write_video(tmp_path / "secret.mp4", [corner()] * 3, [0, 0.1, 0.2])
    for name, content in (
        ("list.m3u8", f"#EXTM3U\n#EXTINF:1,\n{clip}\n#EXT-X-ENDLIST\n"),
        ("concat.txt", f"ffconcat version 1.0\nfile {clip}\n"),
        ("scene.sdp", "v=0\nm=video 5004 RTP/AVP 96\nc=IN IP4 127.0.0.1\n"),
    ):
        (tmp_path / name).write_text(content)
        with pytest.raises(UserError, match="no video that FFmpeg reads"):
            Video(tmp_path / name)


def test_an_animations_frames_are_those_of_its_file(tmp_path: Path):
    import PIL.Image

    images = [PIL.Image.fromarray(np.roll(corner(), n, 1)) for n in range(3)]
    images[0].save(tmp_path / "a.gif", save_all=True, append_images=images[1:], duration=200)
    animation = Animation(tmp_path / "a.gif")
    assert [round(s, 3) for s, _ in animation] == [0, 0.2, 0.4] and animation.rate == 5
