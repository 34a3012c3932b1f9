"""Read and write video files, one frame at a time.

Video files are read with PyAV, which brings FFmpeg along: it says when a frame is shown and how it
is turned. OpenCV counts frames instead.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import cv2
import numpy as np
from av.sidedata.sidedata import Type as SideData
from av.stream import Disposition
from numpy.typing import NDArray

from fer_larq.inference.frame_sources import DEFAULT_RATE
from fer_larq.inference.images import MAX_PIXELS, InputImage, shrink_pixels
from fer_larq.inference.output.results import RESULT_MARK
from fer_larq.utils.errors import UserError

CONTAINERS = "mov,matroska,avi,mpegts,mpeg,mpegvideo,flv,ogg,asf,h264,hevc,ivf"
"""FFmpeg's names of the formats that are read: none that leads to other files or addresses."""

BROKEN_OFF_SECONDS = 1.0
"""What may lack at the end of a video, or ``BROKEN_OFF_SHARE`` of it, before it counts as broken
off: containers do not say it exactly."""

BROKEN_OFF_SHARE = 0.02

MAX_ASPECT = 4.0
"""Width of a pixel in its heights, or the reverse, that is believed."""


class Video:
    """A video file: iterate to get its frames.

    Attributes:
        name: for messages.
        rate: frames a second, on average.
        count: frames that the file announces; 0 if it does not say.
        frames_read: frames that came so far.

    Raises ``UserError`` if it cannot be opened.
    """

    def __init__(self, path: str | os.PathLike[str]):
        self.name = str(path)
        if not Path(path).is_file():
            raise UserError(f"{path}: no such file")
        options = {"protocol_whitelist": "file", "format_whitelist": CONTAINERS}
        try:
            # An absolute path cannot be taken for the name of a protocol or of a device.
            self.container = av.open(str(Path(path).resolve()), options=options)
        except (av.FFmpegError, OSError, ValueError) as error:
            if isinstance(error, PermissionError):
                raise UserError(f"{path}: cannot be read ({error.strerror})") from None
            raise UserError(f"{path}: is damaged, or no video that FFmpeg reads") from None
        pictures = [
            stream
            for stream in self.container.streams.video
            if not stream.disposition & Disposition.attached_pic  # the cover of a song
        ]
        if not pictures or not pictures[0].codec_context:
            self.container.close()
            raise UserError(f"{path}: holds no video that FFmpeg reads, only other streams")
        self.stream = pictures[0]
        context = self.stream.codec_context
        if context.width * context.height > MAX_PIXELS:
            self.container.close()
            raise UserError(
                f"{path}: frames of {context.width}x{context.height} are more than the "
                f"{MAX_PIXELS:,} pixels that are read"
            )
        context.options = {"max_pixels": str(MAX_PIXELS)}
        self.rate = float(self.stream.average_rate or self.stream.guessed_rate or DEFAULT_RATE)
        self.count = self.stream.frames
        self.frames_read = 0
        self.fault: str | None = f"{self.name}: holds no frame that can be read"
        """After the last frame: one line if the file breaks off or is damaged; else None."""

    def __iter__(self) -> Iterator[tuple[float, InputImage]]:
        """The second at which a frame is shown, from the video's beginning, and the frame."""
        base = float(self.stream.time_base or Fraction(1, 1000))
        begin = None if self.stream.start_time is None else self.stream.start_time * base
        damaged, cut = 0, False
        seconds = end = 0.0
        for packet in self.packets():
            if packet.dts is not None and packet.time_base:
                at = packet.pts if packet.pts is not None else packet.dts
                end = max(end, float((at + (packet.duration or 0)) * packet.time_base))
            if packet.stream != self.stream:
                continue
            try:
                frames = packet.decode()
            except av.FFmpegError:
                damaged += 1
                cut = True  # unless another frame follows
                continue
            for frame in frames:
                if begin is None:
                    begin = frame.time or 0.0
                if frame.time is not None:
                    seconds = max(frame.time - begin, 0.0)
                elif self.frames_read:
                    seconds += 1 / self.rate
                self.frames_read += 1
                cut = False
                yield seconds, self.upright(frame)
        if self.frames_read:
            self.fault = self.find_fault(damaged, cut, end)

    def packets(self) -> Iterator[Any]:
        """All packets of the file, as far as it can be read, and those that flush the decoder."""
        packets = self.container.demux()
        while True:
            try:
                yield next(packets)
            except (StopIteration, av.FFmpegError):
                return

    def find_fault(self, damaged: int, cut: bool, end: float) -> str | None:
        """One line if the file breaks off before the end that it announces, or is damaged.

        Args:
            damaged: frames that could not be decoded.
            cut: whether the last one could not.
            end: second at which the last packet of any stream ends.
        """
        announced = (self.container.duration or 0) / av.time_base
        missing = announced + max((self.container.start_time or 0) / av.time_base, 0) - end
        kept = f"{self.frames_read} frames could be read, and they are kept"
        if cut or missing > max(BROKEN_OFF_SECONDS, BROKEN_OFF_SHARE * announced):
            return f"{self.name}: breaks off: {kept}"
        return f"{self.name}: is damaged in {damaged} places: {kept}" if damaged else None

    def upright(self, frame: av.VideoFrame) -> InputImage:
        """A frame as a player shows it: turned, mirrored and with square pixels."""
        pixels: NDArray[Any] = frame.to_ndarray(format="rgb24")
        aspect = self.stream.sample_aspect_ratio or self.stream.codec_context.sample_aspect_ratio
        if aspect and aspect != 1 and 1 / MAX_ASPECT <= aspect <= MAX_ASPECT:
            width = max(round(pixels.shape[1] * float(aspect)), 1)
            pixels = cv2.resize(pixels, (width, pixels.shape[0]))
        pixels = apply_display_matrix(pixels, self.display_matrix(frame))
        height, width = pixels.shape[:2]
        return InputImage(shrink_pixels(pixels), width, height)

    def display_matrix(self, frame: av.VideoFrame) -> NDArray[Any]:
        """How a frame's pixels are turned, int ``[2, 2]``, see ``apply_display_matrix``.

        From a matrix (of the track, or in the coded frame), or from the tag ``rotate``, degrees
        to the right, that programs write into containers without such a matrix.
        """
        side_data: Any = frame.side_data  # releases of PyAV declare its keys differently
        if SideData.DISPLAYMATRIX in side_data:
            matrix = np.frombuffer(bytes(side_data[SideData.DISPLAYMATRIX]), np.int32, 9)
            return matrix.reshape(3, 3)[:2, :2]
        tag = self.stream.metadata.get("rotate") or self.stream.metadata.get("ROTATE") or "0"
        try:
            turn = math.radians(float(tag))
        except ValueError:
            turn = 0.0
        cosine, sine = round(math.cos(turn)), round(math.sin(turn))
        return np.array([[cosine, sine], [-sine, cosine]])

    def close(self) -> None:
        """Release the file."""
        self.container.close()


def apply_display_matrix(pixels: NDArray[np.uint8], matrix: NDArray[Any]) -> NDArray[Any]:
    """Turn or mirror pixels, in steps of 90 degrees.

    Args:
        pixels: uint8 ``[H, W, 3]``.
        matrix: int ``[2, 2]``, ``[[a, b], [c, d]]``: what is at x, y is shown at
            a x + c y, b x + d y, as in QuickTime's track header, up to a shift and a factor.
    """
    (a, b), (c, d) = matrix.astype(float).tolist()
    if abs(b) + abs(c) > abs(a) + abs(d):
        pixels, a, d = pixels.transpose(1, 0, 2), c, b
    if a < 0:
        pixels = pixels[:, ::-1]
    if d < 0:
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


class VideoWriter:
    """Writes frames, each at its time, into an .mp4 file without sound.

    Args:
        path: of the file.
        rate: frames a second, about: what the last frame's duration is told from.
        codec: FFmpeg's name; by default H.264, which browsers play, or MPEG-4 where FFmpeg was
            built without that encoder.
    """

    CLOCK = Fraction(1, 60_000)
    """Times are rounded to this, in seconds. MPEG-4 knows no finer one."""

    def __init__(self, path: Path, rate: float, codec: str | None = None):
        self.path = path
        self.rate = rate
        self.codec = codec or ("libx264" if "libx264" in av.codecs_available else "mpeg4")
        self.container: av.container.OutputContainer | None = None
        self.last = -1

    def write(self, frame: NDArray[np.uint8], seconds: float) -> None:
        """Add a frame, uint8 ``[H, W, 3]`` in RGB; the first one determines the size."""
        if self.container is None:
            self.open(frame.shape[1], frame.shape[0])
        pixels: NDArray[Any] = np.ascontiguousarray(frame)
        if frame.shape[1::-1] != self.size:
            pixels = cv2.resize(pixels, self.size)
        picture = av.VideoFrame.from_ndarray(pixels, format="rgb24")
        picture.time_base = self.CLOCK
        # Two frames at one time, as hostile files have them, would be refused.
        self.last = picture.pts = max(round(seconds / self.CLOCK), self.last + 1)
        self.mux(picture)

    def open(self, width: int, height: int) -> None:
        """Begin the file."""
        self.size = (2 * math.ceil(width / 2), 2 * math.ceil(height / 2))  # encoders want it even
        try:
            self.container = av.open(str(self.path), "w", format="mp4")
        except (av.FFmpegError, OSError) as error:
            raise UserError(f"{self.path}: cannot be written ({error.strerror})") from None
        self.container.metadata["comment"] = RESULT_MARK
        rate = Fraction(min(max(self.rate, 1.0), 1000.0)).limit_denominator(1000)
        self.stream = cast(av.VideoStream, self.container.add_stream(self.codec, rate=rate))
        self.stream.width, self.stream.height = self.size
        self.stream.pix_fmt = "yuv420p"
        self.stream.time_base = self.stream.codec_context.time_base = self.CLOCK
        if self.codec == "libx264":
            self.stream.options = {"preset": "veryfast", "crf": "20", "bf": "0"}
        else:
            self.stream.bit_rate = 4_000_000

    def mux(self, picture: av.VideoFrame | None) -> None:
        """Encode a frame, or what is left at the end."""
        assert self.container is not None
        for packet in self.stream.encode(picture):
            packet.duration = packet.duration or round(1 / (self.rate * self.CLOCK))
            self.container.mux(packet)

    def close(self) -> None:
        """Complete the file."""
        if self.container is not None:
            self.mux(None)
            self.container.close()
