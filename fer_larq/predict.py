"""Read the faces in pictures, videos and from a webcam: ``python -m fer_larq.predict photo.jpg``.

Writes, into the folder ``--out``, every picture and video with its faces marked, a table
(``faces.csv`` or ``faces.json``), and for each video the scores over time. Needs neither
TensorFlow nor a plotting library.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tqdm import tqdm

from fer_larq.inference import images as pictures
from fer_larq.inference import video
from fer_larq.inference.analyzer import Face, FaceReader, make_reader
from fer_larq.inference.detectors.search import DETECTORS
from fer_larq.inference.output.annotate import annotate
from fer_larq.inference.output.tables import FORMATS, Table, make_table
from fer_larq.inference.output.timeline import draw_timeline
from fer_larq.inference.video import Animation, Video, VideoWriter
from fer_larq.utils.errors import UserError, run_command, warn
from fer_larq.utils.files import replacing
from fer_larq.utils.stopwatch import Stopwatch

INCOMPLETE = 1
"""Exit code when some of the files could not be read, or not to their end."""

INTERRUPTED = 130

WRITABLE: dict[str, dict[str, Any]] = {
    ".jpg": {"quality": 92},
    ".jpeg": {"quality": 92},
    ".png": {"compress_level": 3},
    ".webp": {"quality": 92},
}
"""Suffixes of marked pictures, and Pillow's options; pictures of other kinds become PNG."""


class Work:
    """One run of the command: what it reads with, what it writes to, what it has seen."""

    def __init__(self, reader: FaceReader, table: Table, out: Path, marked: bool):
        self.reader = reader
        self.table = table
        self.out = out
        self.marked = marked
        self.stopwatch: Stopwatch = reader.stopwatch
        self.things = 0  # pictures and frames
        self.incomplete = False

    def picture(self, path: Path, name: str) -> None:
        """Read the faces of a picture."""
        with self.stopwatch.stage("read"):
            picture = pictures.read_picture(path)
        faces, milliseconds = timed(self.reader.read, picture)
        self.things += 1
        self.table.add(str(path), 0, 0.0, faces, milliseconds)
        say(describe(str(path), faces))
        if self.marked:
            with self.stopwatch.stage("draw"):
                marked = Image.fromarray(annotate(picture.pixels, faces, picture.scale))
            with self.stopwatch.stage("write"):
                target = self.out / marked_name(name)
                with replacing(target) as temporary:
                    marked.save(temporary, **WRITABLE[target.suffix.lower()])

    def video(self, frames: Video | Animation, name: str, longest: float | None) -> None:
        """Read the faces of a video's frames, until its end, ``longest`` seconds or Ctrl-C."""
        self.reader.start_video()
        history = History(self.reader.classifier.labels)
        with ExitStack() as files:
            files.callback(frames.close)
            writer = None
            if self.marked:
                target = files.enter_context(replacing(self.out / f"{name}-faces.mp4"))
                writer = VideoWriter(target, frames.rate)
                files.callback(writer.close)
            bar = files.enter_context(
                tqdm(total=frames.count or None, unit="frame", desc=printable(frames.name))
            )
            interrupted = False
            try:
                for seconds, picture in self.watched(frames):
                    if longest is not None and seconds >= longest:
                        break
                    faces, milliseconds = timed(self.reader.read_next, picture)
                    self.things += 1
                    self.table.add(
                        frames.name, frames.frames_read - 1, seconds, faces, milliseconds
                    )
                    history.add(seconds, faces)
                    if writer is not None:
                        with self.stopwatch.stage("draw"):
                            marked = annotate(picture.pixels, faces, picture.scale)
                        with self.stopwatch.stage("write"):
                            writer.write(marked)
                    bar.set_postfix_str(", ".join(f.expression for f in faces[:4]), refresh=False)
                    bar.update()
                else:
                    if frames.fault:
                        self.incomplete = True
                        warn(frames.fault)
            except KeyboardInterrupt:  # what was read is kept
                interrupted = True
            if not frames.frames_read:
                raise UserError(frames.fault or f"{frames.name}: no frame was read")
        say(history.describe(frames.name))
        if history.faces:
            with replacing(self.out / f"{name}-scores.png") as temporary:
                history.plot(frames.name).save(temporary)
        if interrupted and not frames.name.startswith("webcam"):
            raise KeyboardInterrupt  # a webcam has no other end

    def watched(self, frames: Video | Animation) -> Iterator[tuple[float, pictures.Picture]]:
        """The frames, with the time that reading them takes."""
        iterator = iter(frames)
        while True:
            with self.stopwatch.stage("read"):
                frame = next(iterator, None)
            if frame is None:
                return
            yield frame


class History:
    """The scores of a video's faces over time."""

    def __init__(self, labels: Sequence[str]):
        self.labels = labels
        self.seconds: list[float] = []
        self.faces: dict[int, dict[int, list[float]]] = {}  # number -> frame -> scores

    def add(self, seconds: float, faces: Sequence[Face]) -> None:
        """Note a frame."""
        for face in faces:
            scores = [face.scores[label] for label in self.labels]
            self.faces.setdefault(face.number, {})[len(self.seconds)] = scores
        self.seconds.append(seconds)

    def describe(self, name: str) -> str:
        """One line on how many faces were in sight, and what was read most often."""
        if not self.faces:
            return f"{printable(name)}: no face found in {len(self.seconds)} frames"
        rows = np.array([row for frames in self.faces.values() for row in frames.values()])
        counts = np.bincount(rows.argmax(axis=1), minlength=len(self.labels))
        most = ", ".join(
            f"{self.labels[i]} {counts[i] / counts.sum():.0%}"
            for i in np.argsort(-counts, kind="stable")[:3]
            if counts[i]
        )
        return (
            f"{printable(name)}: {plural(len(self.seconds), 'frame')}, "
            f"{plural(len(self.faces), 'face')}: {most}"
        )

    def plot(self, name: str) -> Image.Image:
        """The curves of the face that was in sight longest."""
        number = max(self.faces, key=lambda face: len(self.faces[face]))
        scores = np.full((len(self.seconds), len(self.labels)), np.nan, np.float32)
        for frame, row in self.faces[number].items():
            scores[frame] = row
        title = printable(Path(name).name)
        if len(self.faces) > 1:
            title += f": face {number} of {len(self.faces)}, the longest in sight"
        return draw_timeline(np.array(self.seconds), scores, self.labels, title)


def timed(read, picture: pictures.Picture) -> tuple[list[Face], float]:
    """The faces of a picture and the milliseconds that reading them took."""
    start = time.perf_counter()
    faces = read(picture.pixels, picture.scale)
    return faces, (time.perf_counter() - start) * 1e3


def describe(name: str, faces: Sequence[Face]) -> str:
    """What was read in a picture, a line for each face below a line on the picture."""
    if not faces:
        return f"{printable(name)}: no face found"
    lines = [f"{printable(name)}: {plural(len(faces), 'face')}"]
    for face in faces:
        scores = "  ".join(f"{label} {score:+.2f}" for label, score in face.scores.items())
        lines.append(
            f"  {face.number}  {face.expression:9} {face.side}x{face.side} at "
            f"{face.left},{face.top}:  {scores}"
        )
    return "\n".join(lines)


def plural(count: int, thing: str) -> str:
    """``1 face``, ``2 faces``."""
    return f"{count} {thing}{'' if count == 1 else 's'}"


def printable(name: str) -> str:
    """A file's name without what could move a terminal's cursor or end the line."""
    return "".join(letter if letter.isprintable() else "?" for letter in name)


def say(text: str) -> None:
    """Print to standard output, above a progress bar."""
    tqdm.write(text, file=sys.stdout)


def marked_name(name: str) -> str:
    """Name of a marked picture, which is never that of a picture it was made from."""
    path = Path(name)
    if path.suffix.lower() in WRITABLE:
        return str(path.with_name(f"{path.stem}-faces{path.suffix}"))
    return f"{name}-faces.png"


def find_files(inputs: Sequence[Path], out: Path) -> dict[Path, str]:
    """The files to read, and for each the name, below ``out``, of what is made from it.

    A folder stands for all pictures and videos in it and below, except those in ``out``.
    """
    files: dict[Path, str] = {}
    for source in inputs:
        if source.is_dir():
            inside = [
                Path(folder, name)
                for folder, _, names in os.walk(source)
                for name in names
                if Path(name).suffix.lower() in pictures.SUFFIXES | video.SUFFIXES
            ]
            inside = [path for path in inside if out.resolve() not in path.resolve().parents]
            if not inside:
                raise UserError(f"{source}: no picture and no video in this folder")
            files |= {path: str(path.relative_to(source)) for path in sorted(inside)}
        elif source.exists():
            files[source] = source.name
        else:
            raise UserError(f"{source}: no such file or folder")
    # Files of one name from several folders must not overwrite each other's results.
    used: set[str] = set()
    for path, name in files.items():
        number = 1
        while name in used:
            number += 1
            name = str(Path(files[path]).parent / f"{number}-{path.name}")
        used.add(name)
        files[path] = name
    return files


def read_files(work: Work, files: dict[Path, str]) -> int:
    """Read all files; those that cannot be read are named and passed over."""
    failed: list[UserError] = []
    for path, name in tqdm(
        files.items(), unit="file", disable=len(files) == 1, desc="files", position=0
    ):
        try:
            if path.suffix.lower() in video.SUFFIXES:
                work.video(Video(path), name, None)
            elif pictures.is_animation(path):
                work.video(Animation(path), name, None)
            else:
                work.picture(path, name)
        except UserError as error:
            if len(files) == 1:
                raise
            failed.append(error)
            tqdm.write(f"error: {printable(str(error))}; passed over", file=sys.stderr)
    if failed:
        warn(f"{len(failed)} of {len(files)} files could not be read")
    return INCOMPLETE if failed or work.incomplete else 0


def main(arguments: list[str] | None = None) -> int:
    """Read faces."""
    parser = argparse.ArgumentParser(
        prog="python -m fer_larq.predict",
        description="Find the faces in pictures, videos or a webcam's view and read what they "
        "express. Animated pictures are read as videos.",
        epilog="The scores are margins, not probabilities; the bars show (score + 1) / 2.",
    )
    parser.add_argument("inputs", nargs="*", type=Path, metavar="PATH", help="file or folder")
    parser.add_argument("--webcam", type=int, metavar="N", help="read from camera N, until Ctrl-C")
    parser.add_argument("--model", type=Path, help="a .tflite of fer_larq.convert (default: ours)")
    parser.add_argument(
        "--detector", choices=DETECTORS, default="auto", help="of faces (default: blazeface)"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("predictions"), help="folder (default: predictions)"
    )
    parser.add_argument("--table", choices=FORMATS, default="csv", help="its format (default: csv)")
    parser.add_argument(
        "--marked",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="write pictures and videos with their faces marked (default: yes)",
    )
    parser.add_argument("--seconds", type=float, help="stop the webcam after this time")
    parser.add_argument("--time", action="store_true", help="print where the time goes")
    options = parser.parse_args(arguments)
    if bool(options.inputs) == (options.webcam is not None):
        parser.error("name files or folders, or a --webcam")
    if options.seconds is not None and options.webcam is None:
        parser.error("--seconds goes with --webcam")

    files = find_files(options.inputs, options.out)
    camera = None if options.webcam is None else Video(options.webcam)
    reader = make_reader(options.model, options.detector)
    try:
        with ExitStack() as outputs:
            path = options.out / f"faces.{options.table}"
            temporary = outputs.enter_context(replacing(path))
            table = make_table(temporary, reader.classifier.labels)
            outputs.callback(table.close)
            work = Work(reader, table, options.out, options.marked)
            try:
                if camera is None:
                    code = read_files(work, files)
                else:
                    work.video(camera, f"webcam{options.webcam}", options.seconds)
                    code = 0
            except KeyboardInterrupt:  # what was read is kept
                code = INTERRUPTED
    except OSError as error:
        where = error.filename or options.out
        raise UserError(f"{where}: cannot be written ({error.strerror or error})") from None
    if options.time:
        print(work.stopwatch.table(work.things, "frame" if work.reader.frame_number else "picture"))
    print(f"written to {printable(str(options.out))}{os.sep}")
    return code


if __name__ == "__main__":
    run_command(main)
