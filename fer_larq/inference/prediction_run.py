"""Images and videos through analyzers, into marked copies, a table and curves."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, TextIO

from PIL import Image

from fer_larq.inference.analyzer import FaceAnalyzer
from fer_larq.inference.face import Face
from fer_larq.inference.frame_sources import Animation, FrameSource, Webcam
from fer_larq.inference.images import InputImage, is_animation, read_image
from fer_larq.inference.inputs import InputFiles
from fer_larq.inference.output.annotate import annotate
from fer_larq.inference.output.results import result_mark
from fer_larq.inference.output.tables import Table
from fer_larq.inference.output.text import describe_image, plural, printable, say
from fer_larq.inference.output.timeline import ScoreTimeline
from fer_larq.inference.pool import Pool
from fer_larq.utils.errors import UserError, warn
from fer_larq.utils.files import atomic_write
from fer_larq.utils.progress import progress_bar, write_line
from fer_larq.utils.stopwatch import Stopwatch

INCOMPLETE = 1
"""Exit code when some of the files could not be read, or not to their end."""

WRITABLE_SUFFIXES: dict[str, dict[str, Any]] = {
    ".jpg": {"quality": 92},
    ".jpeg": {"quality": 92},
    ".png": {"compress_level": 3},
    ".webp": {"quality": 92},
}
"""Of marked images, and Pillow's options; images of other kinds become PNG."""

CUT_ALREADY_SIDE = 256
"""Pixels: a square image of at most this size in which no face is found may be a face."""


@dataclass
class ImageResult:
    """What was found in an image.

    Attributes:
        milliseconds: that finding and classifying took.
        size: width and height of the image.
    """

    faces: list[Face]
    milliseconds: float
    size: tuple[int, int]


class PredictionRun:
    """One run of the command.

    Args:
        analyzers: find and classify the faces, one in each thread.
        table: takes a row for each.
        out: folder of marked images and videos, and of curves.
        marked: whether marked images and videos are written.
        stopwatch: that the analyzers have, too.
        lines: where what was found is told.
    """

    def __init__(
        self,
        analyzers: Pool[FaceAnalyzer],
        table: Table,
        out: Path,
        marked: bool,
        stopwatch: Stopwatch,
        lines: TextIO,
    ):
        self.analyzers = analyzers
        self.table = table
        self.out = out
        self.marked = marked
        self.stopwatch = stopwatch
        self.lines = lines
        self.images = 0
        self.frames = 0
        self.failed = 0
        self.cut_already = 0
        self.incomplete = False

    def files(self, files: InputFiles) -> int:
        """Analyze files; returns the exit code.

        Images are analyzed side by side and their results written in order. Those that cannot be
        read are named and skipped; a single one raises ``UserError``.
        """
        single = len(files.names) == 1
        waiting: deque[tuple[Path, Future[ImageResult]]] = deque()
        with ExitStack() as stack:
            bar = None
            if not single:
                bar = progress_bar(total=len(files.names), unit="file", desc="files", position=0)
                stack.enter_context(bar)
            threads = stack.enter_context(ThreadPoolExecutor(self.analyzers.limit))
            try:
                for path, name in files.names.items():
                    is_video = files.kinds[path] == "video" or is_animation(path)
                    while waiting and (is_video or len(waiting) >= 2 * self.analyzers.limit):
                        self.finish(*waiting.popleft(), bar)
                    if is_video:
                        self.video_file(path, name, files.kinds[path], bar)
                    else:
                        waiting.append((path, threads.submit(self.image, path, name)))
                while waiting:
                    self.finish(*waiting.popleft(), bar)
            except BaseException:
                threads.shutdown(cancel_futures=True)
                raise
        if self.failed:
            warn(f"{self.failed} of {len(files.names)} files could not be read")
        if self.cut_already:
            count = plural(self.cut_already, "small square image")
            warn(f"no face was found in {count}: if these are faces already, try --detector none")
        return INCOMPLETE if self.failed or self.incomplete else 0

    def finish(self, path: Path, future: Future[ImageResult], bar: Any) -> None:
        """Wait for an image's result, tell it and put it into the table.

        ``bar`` counts the files; it is None for a single one, which has to be readable.
        """
        try:
            result = future.result()
        except UserError as error:
            self.skip(error, bar)
        else:
            self.images += 1
            width, height = result.size
            if not result.faces and width == height <= CUT_ALREADY_SIDE:
                self.cut_already += 1
            self.table.add(str(path), 0, 0.0, result.faces, result.milliseconds)
            say(describe_image(str(path), result.faces), self.lines)
        if bar is not None:
            bar.update()

    def video_file(self, path: Path, name: str, kind: str, bar: Any) -> None:
        """Analyze a video or an animated image."""
        try:
            self.video(video_files().Video(path) if kind == "video" else Animation(path), name)
        except UserError as error:
            self.skip(error, bar)
        if bar is not None:
            bar.update()

    def skip(self, error: UserError, bar: Any) -> None:
        """Name a file that cannot be read."""
        if bar is None:
            raise error
        self.failed += 1
        write_line(f"error: {printable(str(error))}; skipped", sys.stderr)

    def image(self, path: Path, name: str) -> ImageResult:
        """Analyze an image and write its marked copy."""
        with self.stopwatch.stage("read"):
            image = read_image(path)
        with self.analyzers.lend() as analyzer:
            faces, milliseconds = timed(analyzer.analyze, image)
        if self.marked:
            with self.stopwatch.stage("draw"):
                marked = Image.fromarray(annotate(image.pixels, faces, image.scale))
            with self.stopwatch.stage("write"):
                target = self.out / marked_name(name)
                with atomic_write(target) as temporary:
                    options = WRITABLE_SUFFIXES[target.suffix.lower()]
                    marked.save(temporary, exif=result_mark(), **options)
        return ImageResult(faces, milliseconds, (image.width, image.height))

    def video(self, frames: FrameSource, name: str, max_seconds: float | None = None) -> None:
        """Analyze a video's frames, until its end, ``max_seconds`` or Ctrl-C."""
        with self.analyzers.lend() as analyzer:
            self.video_with(analyzer, frames, name, max_seconds)

    def video_with(
        self,
        analyzer: FaceAnalyzer,
        frames: FrameSource,
        name: str,
        max_seconds: float | None,
    ) -> None:
        """``video`` with a given analyzer."""
        analyzer.start_video()
        timeline = ScoreTimeline(analyzer.classifier.labels)
        with ExitStack() as files:
            files.callback(frames.close)
            writer = None
            if self.marked:
                target = files.enter_context(atomic_write(self.out / f"{name}-faces.mp4"))
                writer = video_files().VideoWriter(target, frames.rate)
                files.callback(writer.close)
            bar = files.enter_context(
                progress_bar(total=frames.count or None, unit="frame", desc=printable(frames.name))
            )
            interrupted = False
            try:
                for seconds, image in self.timed_frames(frames):
                    if max_seconds is not None and seconds >= max_seconds:
                        break
                    faces, milliseconds = timed(analyzer.analyze_next, image)
                    self.frames += 1
                    number = frames.frames_read - 1
                    self.table.add(frames.name, number, seconds, faces, milliseconds)
                    timeline.add(seconds, faces)
                    if writer is not None:
                        with self.stopwatch.stage("draw"):
                            marked = annotate(image.pixels, faces, image.scale)
                        with self.stopwatch.stage("write"):
                            writer.write(marked, seconds)
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
        say(timeline.describe(frames.name), self.lines)
        if timeline.faces:
            with atomic_write(self.out / f"{name}-scores.png") as temporary:
                timeline.plot(frames.name).save(temporary, exif=result_mark())
        if interrupted and not isinstance(frames, Webcam):
            raise KeyboardInterrupt  # a webcam has no other end

    def timed_frames(self, frames: FrameSource) -> Iterator[tuple[float, InputImage]]:
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


def video_files() -> ModuleType:
    """``fer_larq.inference.video``, loaded when there is a video: PyAV takes as long to load as a
    small photograph takes to analyze."""
    return import_module("fer_larq.inference.video")


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
