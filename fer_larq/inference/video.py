"""Frames of videos, webcams and animated images, one at a time; and writing a video."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

# FFmpeg reads what a file tells it to, from the network, too, unless it is told not to; and it
# talks. Both are read from the environment when a video is opened.
os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", "protocol_whitelist;file")
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

import cv2
import numpy as np

from fer_larq.inference.images import MAX_PIXELS, MAX_SIDE, InputImage, read_animation
from fer_larq.utils.errors import UserError

VIDEO_SUFFIXES = frozenset(
    ".3gp .avi .flv .m4v .mkv .mov .mp4 .mpeg .mpg .ogv .ts .webm .wmv".split()
)
"""Endings by which a folder's videos are told from its other files."""

USUAL_RATE = 25.0
"""Frames a second of a video that does not say."""

FASTEST_RATE = 240.0

MISSING = 0.02
"""Share of the announced frames, and two more, that may lack before a video counts as broken:
containers do not count exactly."""

if hasattr(cv2, "setLogLevel"):  # until OpenCV 4.11; an absent camera is our own one line
    cv2.setLogLevel(0)
else:
    cv2.utils.logging.setLogLevel(0)  # type: ignore[attr-defined]


class Video:
    """A video file, or a webcam: iterate to get its frames.

    Attributes:
        name: for messages.
        rate: frames a second.
        count: frames that the file announces; 0 if it does not say, and for a webcam.
        frames_read: frames that came so far.

    Raises ``UserError`` if it cannot be opened.
    """

    def __init__(self, source: str | os.PathLike[str] | int):
        if isinstance(source, int):
            self.name = f"webcam {source}"
            self.capture = cv2.VideoCapture(source)
            fault = (
                f"{self.name}: cannot be opened: connect it, close other programs that use it, or "
                "choose another number"
            )
        else:
            path = Path(source)
            self.name = str(path)
            if not path.is_file():
                raise UserError(f"{path}: no such file")
            # An absolute path cannot be taken for the name of a protocol or of a device.
            self.capture = cv2.VideoCapture(str(path.resolve()), cv2.CAP_FFMPEG)
            fault = f"{path}: is damaged, or no video that FFmpeg reads"
        if not self.capture.isOpened():
            raise UserError(fault)
        size = [self.capture.get(p) for p in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)]
        if size[0] * size[1] > MAX_PIXELS:
            raise UserError(
                f"{self.name}: frames of {size[0]:.0f}x{size[1]:.0f} are more than the "
                f"{MAX_PIXELS:,} pixels that are read"
            )
        rate = self.capture.get(cv2.CAP_PROP_FPS)
        self.rate = rate if 0 < rate <= FASTEST_RATE else USUAL_RATE
        count = self.capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self.count = int(count) if 0 < count < 1e9 and not isinstance(source, int) else 0
        self.frames_read = 0

    def __iter__(self) -> Iterator[tuple[float, InputImage]]:
        """The second at which a frame begins, and the frame."""
        while True:
            there, frame = self.capture.read()
            if not there or frame is None:
                return
            seconds = self.frames_read / self.rate
            self.frames_read += 1
            height, width = frame.shape[:2]
            if max(height, width) > MAX_SIDE:
                scale = MAX_SIDE / max(height, width)
                frame = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            yield seconds, InputImage(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB), width, height)

    @property
    def fault(self) -> str | None:
        """After the last frame: one line if the file announced many more; else None."""
        if not self.frames_read:
            return f"{self.name}: holds no frame that can be read"
        if self.count - self.frames_read > 2 + MISSING * self.count:
            return (
                f"{self.name}: breaks off: {self.frames_read} of {self.count} frames could be "
                "read, and they are kept"
            )
        return None

    def close(self) -> None:
        """Release the file or the camera."""
        self.capture.release()


class Animation:
    """An animated image, with the interface of ``Video``."""

    def __init__(self, path: str | os.PathLike[str]):
        self.name = str(path)
        self.path = path
        self.count = 0
        self.frames_read = 0
        self.fault: str | None = None
        # The frames of an animation may last differently long; the video that is written has
        # them all as long as the first.
        beginnings = [seconds for seconds, _ in zip(self.beginnings(), range(2), strict=False)]
        self.rate = 1 / (beginnings[1] - beginnings[0]) if len(beginnings) > 1 else USUAL_RATE

    def beginnings(self) -> Iterator[float]:
        """Seconds at which the frames begin."""
        return (seconds for seconds, _ in read_animation(self.path))

    def __iter__(self) -> Iterator[tuple[float, InputImage]]:
        try:
            for seconds, picture in read_animation(self.path):
                self.frames_read += 1
                yield seconds, picture
        except UserError as error:
            self.fault = f"{error}; {self.frames_read} frames could be read, and they are kept"

    def close(self) -> None:
        """Nothing is held open."""


class VideoWriter:
    """Writes frames, uint8 ``[H, W, 3]`` in RGB, as MPEG-4 into an .mp4 file, without sound."""

    def __init__(self, path: Path, rate: float):
        self.path = path
        self.rate = rate
        self.writer: cv2.VideoWriter | None = None

    def write(self, frame: np.ndarray) -> None:
        """Add a frame; the first one determines the size."""
        if self.writer is None:
            # MPEG-4 wants even sizes.
            self.size = tuple(2 * math.ceil(length / 2) for length in frame.shape[1::-1])
            codec = cv2.VideoWriter.fourcc(*"mp4v")
            self.writer = cv2.VideoWriter(
                str(self.path), cv2.CAP_FFMPEG, codec, self.rate, self.size
            )
            if not self.writer.isOpened():
                raise UserError(f"{self.path}: OpenCV cannot write a video there")
        if frame.shape[1::-1] != self.size:
            frame = cv2.resize(frame, self.size)
        self.writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))

    def close(self) -> None:
        """Complete the file."""
        if self.writer is not None:
            self.writer.release()
