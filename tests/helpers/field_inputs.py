"""Photographs and videos as people have them, made of scikit-image's astronaut."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

import fer_larq
from fer_larq.inference.analyzer import PACKAGED_MODEL
from fer_larq.inference.detectors.blazeface_file import model_file
from fer_larq.tflite.delegate import library_path
from fer_larq.utils.errors import UserError

FACE = (165, 55, 121)
"""Left, top and side of the astronaut's face as FER2013 frames it, in pixels, about."""


def smile() -> Image.Image:
    """The astronaut, 512x512."""
    data = pytest.importorskip("skimage.data")
    return Image.fromarray(data.astronaut())


def need_detector() -> None:
    """Skip a test where the packaged network, its delegate or BlazeFace is not here."""
    if not PACKAGED_MODEL.is_file():
        pytest.skip("no trained model is packaged")
    try:
        library_path()
        model_file()
    except UserError as error:
        pytest.skip(str(error))


def expressions(source, **options) -> list[str]:
    """What ``analyze`` says of each face."""
    return [face.expression for face in fer_larq.analyze(source, **options)]


def write_video(
    path: Path,
    frames: Sequence[np.ndarray],
    times: Sequence[float],
    codec: str = "libx264",
    metadata: dict[str, str] | None = None,
    **stream_options,
) -> Path:
    """Frames, uint8 ``[H, W, 3]``, each at its second, in the container that the suffix names."""
    clock = Fraction(1, 1000)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=30)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = stream.time_base = clock
        stream.metadata.update(metadata or {})
        for name, value in stream_options.items():
            setattr(stream.codec_context, name, value)
        for pixels, seconds in zip(frames, times, strict=True):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
            frame.pts, frame.time_base = round(seconds * 1000), clock
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def set_track_matrix(path: Path, matrix: Sequence[int]) -> None:
    """Change the matrix of an .mp4's first track: a, b, c, d in whole numbers."""
    content = bytearray(path.read_bytes())
    at = content.index(b"tkhd") + 4 + 40  # of version 0
    a, b, c, d = (value << 16 for value in matrix)
    content[at : at + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(content)
