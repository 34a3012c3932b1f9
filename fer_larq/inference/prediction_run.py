"""Images and videos through an analyzer, into marked copies, a table and curves."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from PIL import Image
from tqdm import tqdm

from fer_larq.inference.analyzer import FaceAnalyzer
from fer_larq.inference.face import Face
from fer_larq.inference.images import InputImage, is_animation, read_image
from fer_larq.inference.output.annotate import annotate
from fer_larq.inference.output.tables import Table
from fer_larq.inference.output.text import describe_image, printable, say
from fer_larq.inference.output.timeline import ScoreTimeline
from fer_larq.inference.video import VIDEO_SUFFIXES, Animation, Video, VideoWriter
from fer_larq.utils.errors import UserError, warn
from fer_larq.utils.files import atomic_write

INCOMPLETE = 1
"""Exit code when some of the files could not be read, or not to their end."""

WRITABLE_SUFFIXES: dict[str, dict[str, Any]] = {
    ".jpg": {"quality": 92},
    ".jpeg": {"quality": 92},
    ".png": {"compress_level": 3},
    ".webp": {"quality": 92},
}
"""Of marked images, and Pillow's options; images of other kinds become PNG."""


class PredictionRun:
    """One run of the command.

    Args:
        analyzer: finds and classifies the faces.
        table: takes a row for each.
        out: folder of marked images and videos, and of curves.
        marked: whether marked images and videos are written.
    """

    def __init__(self, analyzer: FaceAnalyzer, table: Table, out: Path, marked: bool):
        self.analyzer = analyzer
        self.table = table
        self.out = out
        self.marked = marked
        self.stopwatch = analyzer.stopwatch
        self.images = 0
        self.frames = 0
        self.incomplete = False

    def files(self, files: dict[Path, str]) -> int:
        """Analyze files, each under the name of its results; returns the exit code.

        Those that cannot be read are named and skipped; a single one raises ``UserError``.
        """
        failed = 0
        for path, name in tqdm(
            files.items(), unit="file", disable=len(files) == 1, desc="files", position=0
        ):
            try:
                if path.suffix.lower() in VIDEO_SUFFIXES:
                    self.video(Video(path), name)
                elif is_animation(path):
                    self.video(Animation(path), name)
                else:
                    self.image(path, name)
            except UserError as error:
                if len(files) == 1:
                    raise
                failed += 1
                tqdm.write(f"error: {printable(str(error))}; skipped", file=sys.stderr)
        if failed:
            warn(f"{failed} of {len(files)} files could not be read")
        return INCOMPLETE if failed or self.incomplete else 0

    def image(self, path: Path, name: str) -> None:
        """Analyze an image."""
        with self.stopwatch.stage("read"):
            image = read_image(path)
        faces, milliseconds = timed(self.analyzer.analyze, image)
        self.images += 1
        self.table.add(str(path), 0, 0.0, faces, milliseconds)
        say(describe_image(str(path), faces))
        if self.marked:
            with self.stopwatch.stage("draw"):
                marked = Image.fromarray(annotate(image.pixels, faces, image.scale))
            with self.stopwatch.stage("write"):
                target = self.out / marked_name(name)
                with atomic_write(target) as temporary:
                    marked.save(temporary, **WRITABLE_SUFFIXES[target.suffix.lower()])

    def video(self, frames: Video | Animation, name: str, max_seconds: float | None = None) -> None:
        """Analyze a video's frames, until its end, ``max_seconds`` or Ctrl-C."""
        self.analyzer.start_video()
        timeline = ScoreTimeline(self.analyzer.classifier.labels)
        with ExitStack() as files:
            files.callback(frames.close)
            writer = None
            if self.marked:
                target = files.enter_context(atomic_write(self.out / f"{name}-faces.mp4"))
                writer = VideoWriter(target, frames.rate)
                files.callback(writer.close)
            bar = files.enter_context(
                tqdm(total=frames.count or None, unit="frame", desc=printable(frames.name))
            )
            interrupted = False
            try:
                for seconds, image in self.timed_frames(frames):
                    if max_seconds is not None and seconds >= max_seconds:
                        break
                    faces, milliseconds = timed(self.analyzer.analyze_next, image)
                    self.frames += 1
                    number = frames.frames_read - 1
                    self.table.add(frames.name, number, seconds, faces, milliseconds)
                    timeline.add(seconds, faces)
                    if writer is not None:
                        with self.stopwatch.stage("draw"):
                            marked = annotate(image.pixels, faces, image.scale)
                        with self.stopwatch.stage("write"):
                            writer.write(marked)
                    bar.set_postfix_str(", ".join(f.expression for f in faces[:4]), refresh=False)
                    bar.update()
                else:
                    if frames.fault:
                        self.incomplete = True
                        warn(frames.fault)
            except KeyboardInterrupt:  # the results so far are kept
                interrupted = True
            if not frames.frames_read:
                raise UserError(frames.fault or f"{frames.name}: no frame was read")
        say(timeline.describe(frames.name))
        if timeline.faces:
            with atomic_write(self.out / f"{name}-scores.png") as temporary:
                timeline.plot(frames.name).save(temporary)
        if interrupted and not frames.name.startswith("webcam"):
            raise KeyboardInterrupt  # a webcam has no other end

    def timed_frames(self, frames: Video | Animation) -> Iterator[tuple[float, InputImage]]:
        """The frames, with the time that reading them takes."""
        iterator = iter(frames)
        while True:
            with self.stopwatch.stage("read"):
                frame = next(iterator, None)
            if frame is None:
                return
            yield frame

    def time_table(self) -> str:
        """Milliseconds of each stage for an image or a frame."""
        what = "frame" if self.frames else "picture"
        return self.stopwatch.table(self.images + self.frames, what)


def timed(analyze: Callable[..., list[Face]], image: InputImage) -> tuple[list[Face], float]:
    """The faces of an image and the milliseconds that finding and classifying them took."""
    start = time.perf_counter()
    faces = analyze(image.pixels, image.scale)
    return faces, (time.perf_counter() - start) * 1e3


def marked_name(name: str) -> str:
    """Name of a marked image, which is never that of an image it was made from."""
    path = Path(name)
    if path.suffix.lower() in WRITABLE_SUFFIXES:
        return str(path.with_name(f"{path.stem}-faces{path.suffix}"))
    return f"{name}-faces.png"
