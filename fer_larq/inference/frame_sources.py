"""What gives frames one at a time: a camera, an animated image; video files are in ``video``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, Protocol

import cv2
from numpy.typing import NDArray

from fer_larq.inference.images import InputImage, read_animation, shrink_pixels
from fer_larq.utils.errors import UserError

DEFAULT_RATE = 25.0
"""Frames a second of a video that does not say."""


class FrameSource(Protocol):
    """Frames in the order in which they are shown.

    Attributes:
        name: for messages.
        rate: frames a second, on average.
        count: frames that are announced; 0 if it is not known.
        frames_read: frames that came so far.
        fault: after the last frame, one line if frames are missing or damaged; else None.
    """

    name: str
    rate: float
    count: int
    frames_read: int
    fault: str | None

    def __iter__(self) -> Iterator[tuple[float, InputImage]]:
        """The second at which a frame is shown, from the beginning, and the frame."""

    def close(self) -> None:
        """Release what is held open."""


class Webcam:
    """A camera, with the interface of ``Video``; frames come until the camera goes."""

    def __init__(self, number: int):
        set_opencv_silent()
        self.name = f"webcam {number}"
        self.count = 0
        self.frames_read = 0
        self.fault: str | None = None
        self.capture = cv2.VideoCapture(number)
        if not self.capture.isOpened():
            raise UserError(
                f"{self.name}: cannot be opened: connect it, close other programs that use it, or "
                "choose another number"
            )
        rate = self.capture.get(cv2.CAP_PROP_FPS)
        self.rate = rate if 0 < rate <= 1000 else DEFAULT_RATE

    def __iter__(self) -> Iterator[tuple[float, InputImage]]:
        """The second at which a frame came, since the first one, and the frame."""
        begin = None
        while True:
            there, frame = self.capture.read()
            if not there or frame is None:
                return
            now = cv2.getTickCount() / cv2.getTickFrequency()
            begin = now if begin is None else begin
            self.frames_read += 1
            height, width = frame.shape[:2]
            pixels: NDArray[Any] = cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
            yield now - begin, InputImage(shrink_pixels(pixels), width, height)

    def close(self) -> None:
        """Release the camera."""
        self.capture.release()


def set_opencv_silent() -> None:
    """That a camera is absent is our own one line."""
    logging = getattr(cv2.utils, "logging", None)  # one of two names, by OpenCV's version
    if logging is not None:
        logging.setLogLevel(logging.LOG_LEVEL_SILENT)
    elif hasattr(cv2, "setLogLevel"):
        cv2.setLogLevel(0)


class Animation:
    """An animated image, with the interface of ``Video``."""

    def __init__(self, path: str | os.PathLike[str]):
        self.name = str(path)
        self.path = path
        self.count = 0
        self.frames_read = 0
        self.fault: str | None = None
        beginnings = [seconds for (seconds, _), _ in zip(read_animation(path), range(2))]  # noqa: B905
        self.rate = 1 / (beginnings[1] - beginnings[0]) if len(beginnings) > 1 else DEFAULT_RATE

    def __iter__(self) -> Iterator[tuple[float, InputImage]]:
        try:
            for seconds, image in read_animation(self.path):
                self.frames_read += 1
                yield seconds, image
        except UserError as error:
            self.fault = f"{error}; {self.frames_read} frames could be read, and they are kept"

    def close(self) -> None:
        """Nothing is held open."""
