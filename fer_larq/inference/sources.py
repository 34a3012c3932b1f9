"""Images in the forms in which programs hold them: names, bytes, files, arrays, data URIs."""

from __future__ import annotations

import base64
import binascii
import os
import re
import threading
from typing import IO, Any, TypeAlias
from urllib.parse import unquote_to_bytes

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fer_larq.inference.images import InputImage, decode, read_image
from fer_larq.utils.errors import UserError

ImageSource: TypeAlias = "str | os.PathLike[str] | bytes | IO[bytes] | Image.Image | NDArray[Any]"
"""A file's name, its content, an open file, a data URI, a Pillow image, or pixels."""

ADDRESS = re.compile(r"(?!data:)([a-z][a-z0-9+.-]+):/+", re.IGNORECASE)
"""Begins an address. Of one that went through ``pathlib``, a slash is gone."""

BASE64 = re.compile(r"[A-Za-z0-9+/_\s-]{200,}={0,2}\s*")

SHOWN = 40
"""Letters of a long text that a message repeats."""

PILLOW_LOADS = threading.Lock()
"""Pillow decodes an opened file when its pixels are first asked for, one thread at a time."""


def load_image(source: ImageSource) -> InputImage:
    """Read an image in any of the forms of ``ImageSource``; the source itself is not changed.

    Raises ``UserError`` in one line if it is none of them or cannot be read.
    """
    if isinstance(source, Image.Image):
        with PILLOW_LOADS:
            source.load()
        return decode(source, "the image", own=False)
    if isinstance(source, str):
        return read_image(data_uri(source) if source[:5].lower() == "data:" else file_named(source))
    if isinstance(source, os.PathLike):
        return read_image(file_named(os.fspath(source)))
    if isinstance(source, (bytes, bytearray, memoryview)):
        return read_image(bytes(source))
    if not isinstance(source, np.ndarray) and hasattr(source, "read"):
        return read_image(content_of_file(source), getattr(source, "name", None))
    if hasattr(source, "__array__"):
        return decode(Image.fromarray(pixels_of(np.asarray(source))), "the image")
    hint = " (OpenCV's imread gives None for a file that it cannot read)" if source is None else ""
    raise UserError(
        f"an image of the type {type(source).__name__}{hint}: expected a file's name, its bytes, "
        "an open file, a Pillow image or a NumPy array"
    )


def file_named(name: str | bytes) -> str:
    """The name of a file; ``UserError`` if it cannot be one, with what it seems to be."""
    text = os.fsdecode(name)
    shown = text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
    if "\0" in text:
        raise UserError(f"{shown!a}: no name of a file")
    if os.path.exists(text):
        return text
    if address := ADDRESS.match(text):
        raise UserError(
            f"{shown}: an address ({address[1]}), and nothing is fetched: download the file and "
            "give its name or its bytes"
        )
    if BASE64.fullmatch(text):
        raise UserError(
            f"{shown}: no such file; if it is an image in base64, put data:image/jpeg;base64, in "
            "front or give base64.b64decode(text)"
        )
    if len(text) > 255 and not os.path.exists(os.path.dirname(text)):
        raise UserError(f"{shown}: no such file, nor could a file be called so")
    return text


def data_uri(uri: str) -> bytes:
    """The content of a data URI (RFC 2397), such as ``data:image/png;base64,iVBO...``."""
    header, comma, body = uri.partition(",")
    if not comma:
        raise UserError(f"{uri[:SHOWN]}...: a data URI without a comma, so without content")
    content = unquote_to_bytes(body)
    if not header.rstrip().lower().endswith(";base64"):
        return content
    try:
        letters = re.sub(rb"\s+", b"", content).translate(bytes.maketrans(b"-_", b"+/"))
        return base64.b64decode(letters + b"=" * (-len(letters) % 4), validate=True)
    except binascii.Error:
        raise UserError(f"{uri[:SHOWN]}...: its base64 is damaged") from None


def content_of_file(file: IO[bytes]) -> bytes:
    """What is left to read of an open file."""
    content = file.read()
    if not isinstance(content, bytes):
        raise UserError("the image is a file that was opened as text: open it with mode 'rb'")
    if not content:
        raise UserError("the image is an open file at whose end nothing is left: file.seek(0)")
    return content


def pixels_of(pixels: NDArray[np.uint8]) -> NDArray[Any]:
    """Pixels as Pillow takes them: uint8 ``[H, W]``, ``[H, W, 3]`` or ``[H, W, 4]``."""
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    if pixels.dtype != np.uint8 or pixels.ndim not in (2, 3) or channels not in (1, 3, 4):
        hint = ": give values from 0 to 255 as uint8" if pixels.dtype.kind in "fiu" else ""
        raise UserError(
            f"an image of {pixels.dtype} {list(pixels.shape)}, expected uint8 [H, W, 3] (RGB), "
            f"[H, W, 4] (RGBA), [H, W] or [H, W, 1] (grey){hint}"
        )
    if not pixels.size:
        raise UserError(f"an image of {list(pixels.shape)} has no pixels")
    return pixels[..., 0] if pixels.ndim == 3 and channels == 1 else pixels
