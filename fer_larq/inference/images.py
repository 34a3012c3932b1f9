"""Read images as people have them: turned by a camera, grey, transparent, deep, huge, damaged."""

from __future__ import annotations

import io
import math
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    TgaImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from fer_larq.inference.formats import HEAD_BYTES, content_kind
from fer_larq.utils.errors import UserError

PILLOW_FORMATS = (
    "AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP",
)  # fmt: skip
"""Pillow's names of the formats that are read. Not all that it knows: some, PostScript for one,
start other programs."""

PILLOW_PLUGINS = (
    AvifImagePlugin, BmpImagePlugin, GifImagePlugin, JpegImagePlugin, Jpeg2KImagePlugin,
    PngImagePlugin, PpmImagePlugin, TgaImagePlugin, TiffImagePlugin, WebPImagePlugin,
)  # fmt: skip
"""Importing these is what lets Pillow read ``PILLOW_FORMATS``. Asked for a format that it has not
loaded yet, it would load all of its 40 and more, which takes as long as decoding a photograph."""

MAX_SHORTER_SIDE = 1536
"""Larger images are shrunk on reading until their shorter side has so many pixels. By the longer
side, the faces in a panorama or a scrolled screenshot would become too small."""

MAX_WORKING_PIXELS = 16_000_000
"""However long they are, images are shrunk to so many pixels on reading."""

MAX_PIXELS = 120_000_000
"""Pixels of the largest image that is read. Decoding one of this size takes about 0.6 GB."""

ORIENTATION_TAG = 0x0112
"""Of EXIF."""

TRANSPOSE = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What makes an image with this EXIF orientation stand upright."""

SIDEWAYS = (5, 6, 7, 8)
"""Orientations of images whose width is the height of what they show."""


@dataclass(frozen=True)
class InputImage:
    """An image to look for faces in.

    Attributes:
        pixels: uint8 ``[H, W, 3]``, RGB, upright, shrunk to ``working_size``.
        width, height: of the file's image when it stands upright.
    """

    pixels: NDArray[np.uint8]
    width: int
    height: int

    @property
    def scale(self) -> float:
        """Pixels of the file's image for each of ``pixels``."""
        return max(self.width, self.height) / max(self.pixels.shape)


def working_size(width: int, height: int) -> tuple[int, int]:
    """The width and height in pixels to which a larger image is shrunk on reading."""
    factor = min(
        1.0,
        MAX_SHORTER_SIDE / max(min(width, height), 1),
        math.sqrt(MAX_WORKING_PIXELS / max(width * height, 1)),
    )
    narrow, low = max(round(width * factor), 1), max(round(height * factor), 1)
    return min(narrow, MAX_WORKING_PIXELS // low or 1), min(low, MAX_WORKING_PIXELS)


def read_image(
    source: str | os.PathLike[str] | bytes, name: str | os.PathLike[str] | None = None
) -> InputImage:
    """Read an image; of an animation, the first frame.

    The orientation that a camera noted (EXIF) is applied, transparent pixels become white, and
    pixels deeper than 8 bits are stretched from the darkest to the brightest of the image.
    Metadata that cannot be understood are ignored.

    Args:
        source: a file or its content.
        name: in messages; that of the file if None.

    Raises:
        UserError: the file is absent, no image, damaged, or larger than ``MAX_PIXELS``; the
            message is one line that names it.
    """
    name = str(name or ("the image" if isinstance(source, bytes) else source))
    try:
        with open_image(source, name) as image:
            return decode(image, name)
    except UserError:
        bare = without_metadata(source if isinstance(source, bytes) else content_of(source))
        if bare is None:
            raise
        try:
            with open_image(bare, name) as image:
                return decode(image, name)
        except UserError:
            pass
        raise


def content_of(path: str | os.PathLike[str]) -> bytes:
    """A file's bytes; none if it cannot be read, or is too large to be an image's."""
    try:
        return Path(path).read_bytes() if os.path.getsize(path) < 4 * MAX_PIXELS else b""
    except OSError:
        return b""


def is_animation(path: str | os.PathLike[str]) -> bool:
    """Whether a file is an image of several frames (GIF, WebP, PNG)."""
    try:
        with open_image(path) as image:
            # An MPO file or a TIFF holds several images, but no film.
            return image.format in ("GIF", "PNG", "WEBP") and getattr(image, "is_animated", False)
    except Exception:  # ``read_image`` has the words for it
        return False


def read_animation(path: str | os.PathLike[str]) -> Iterator[tuple[float, InputImage]]:
    """The frames of an animation and the seconds at which each begins, one at a time.

    Raises ``UserError`` as ``read_image`` does, possibly after some frames.
    """
    with open_image(path) as image:
        seconds = 0.0
        for index in count():
            try:
                image.seek(index)
                frame = image.copy()
            except EOFError:
                return
            except Exception as error:
                raise unreadable(path, error) from None
            yield seconds, decode(frame, path)
            # As browsers do, what is shorter than 20 ms is taken for 100 ms.
            milliseconds = float(image.info.get("duration") or 0)
            seconds += (milliseconds if milliseconds >= 20 else 100.0) / 1000


def open_image(
    source: str | os.PathLike[str] | bytes, name: str | os.PathLike[str] | None = None
) -> Image.Image:
    """Open an image without decoding it.

    Raises ``UserError`` for a file that is absent, no image, or too large.
    """
    name = str(name or source)
    formats = [*PILLOW_FORMATS]
    try:
        if isinstance(source, bytes):
            head = source[:HEAD_BYTES]
        else:
            with open(source, "rb") as file:
                head = file.read(HEAD_BYTES)
        if content_kind(head) == "heic":
            formats = [heif_format(name)]
        elif content_kind(head) is None and name.lower().endswith(".tga"):
            formats = ["TGA"]  # whose beginning looks like anything
        with quiet():
            file_or_path = io.BytesIO(source) if isinstance(source, bytes) else source
            image = Image.open(file_or_path, formats=formats)
    except UserError:
        raise
    except Image.DecompressionBombError:
        raise too_large(name) from None
    except Exception as error:
        raise unreadable(name, error) from None
    if image.width * image.height > MAX_PIXELS:
        size = f"{image.width}x{image.height} "
        image.close()
        raise too_large(name, size)
    return image


def heif_format(name: str) -> str:
    """Let Pillow read HEIC, the format of many phones; ``UserError`` without ``pillow-heif``."""
    try:
        import pillow_heif
    except ModuleNotFoundError:
        raise UserError(
            f"{name}: HEIC is read where pillow-heif is installed, `pip install "
            "'fer_larq[heic]'`: do so, or export the image as JPEG"
        ) from None
    pillow_heif.register_heif_opener()
    return "HEIF"


@contextmanager
def quiet() -> Iterator[None]:
    """Without Pillow's warnings: of large images, where MAX_PIXELS decides, and of flaws."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def too_large(name: str, size: str = "") -> UserError:
    """The one line about an image of more than ``MAX_PIXELS``."""
    return UserError(
        f"{name}: {size or 'more than 178 million '}pixels are more than the {MAX_PIXELS:,} that "
        "are read: shrink the image"
    )


def unreadable(path: str | os.PathLike[str], error: Exception) -> UserError:
    """The one line about a file that Pillow cannot read, whatever exception it chose."""
    if isinstance(error, FileNotFoundError):
        return UserError(f"{path}: no such file")
    if isinstance(error, (IsADirectoryError, PermissionError)):
        return UserError(f"{path}: cannot be read ({error.strerror})")
    if isinstance(error, UnidentifiedImageError):
        return UserError(f"{path}: is no image of a known format ({', '.join(PILLOW_FORMATS)})")
    reason = " ".join(str(error).split()) or type(error).__name__
    return UserError(f"{path}: is damaged ({reason}): export it again, or leave it out")


def decode(image: Image.Image, name: str | os.PathLike[str], *, own: bool = True) -> InputImage:
    """Decode an opened image.

    Args:
        name: in messages.
        own: whether the image may be changed, so that a large JPEG is decoded faster.
    """
    try:
        with quiet():
            turn = orientation(image)
            size = image.size[::-1] if turn in SIDEWAYS else image.size
            target = working_size(*image.size)
            # A JPEG can be decoded at a half, a quarter or an eighth of its size. A tenth less
            # than the size that is wanted costs nothing.
            if own and image.format in ("JPEG", "MPO"):
                image.draft("RGB", (round(0.9 * target[0]), round(0.9 * target[1])))
            image = eight_bits(image, target)
            if turn in TRANSPOSE:
                image = image.transpose(TRANSPOSE[turn])
            return InputImage(np.asarray(image), *size)
    except Exception as error:  # of hostile files, Pillow's decoders raise what they like
        raise unreadable(name, error) from None


def orientation(image: Image.Image) -> int:
    """EXIF's orientation, 1 to 8; 1 if there is none, or none that can be understood."""
    try:
        value = image.getexif().get(ORIENTATION_TAG, 1)
    except Exception:
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def eight_bits(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """An image of any mode, as a new RGB one of 8 bits and at most ``size``."""
    if image.mode.startswith("I") or image.mode == "F":  # grey of 16 or 32 bits
        values = np.asarray(shrink(image.convert("F"), size))
        values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
        darkest, brightest = float(values.min()), float(values.max())
        values = (values - darkest) * (255 / max(brightest - darkest, 1e-9))
        return Image.fromarray(np.round(values).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        image = shrink(image.convert("RGBA"), size)
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    elif image.mode in ("1", "P"):  # averaging needs colours, not numbers of colours
        image = image.convert("RGB")
    return shrink(image, size).convert("RGB")


def shrink(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """An image of at most ``size``; shrinking averages."""
    if image.width <= size[0] and image.height <= size[1]:
        return image
    return image.resize(size, Image.Resampling.BOX, reducing_gap=2.0)


def shrink_pixels(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Pixels, uint8 ``[H, W, 3]``, shrunk to ``working_size``."""
    height, width = pixels.shape[:2]
    size = working_size(width, height)
    if size == (width, height):
        return pixels
    shrunk: NDArray[Any] = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return shrunk


def without_metadata(content: bytes) -> bytes | None:
    """A JPEG or PNG without the parts that say something about it; None if it is neither."""
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        # A chunk whose name begins with a small letter is not needed to decode the pixels, but
        # transparency is.
        parts, at = [content[:8]], 8
        while at + 12 <= len(content):
            end = at + 12 + int.from_bytes(content[at : at + 4], "big")
            name = content[at + 4 : at + 8]
            if not name[:1].islower() or name == b"tRNS":
                parts.append(content[at:end])
            at = end
        return b"".join(parts)
    if content.startswith(b"\xff\xd8\xff"):
        # Application segments 1 to 13 and 15, and comments; of the others, 0 is JFIF and 14 says
        # which colours these are.
        parts, at = [content[:2]], 2
        while content[at : at + 1] == b"\xff" and content[at + 1 : at + 2] not in (b"\xda", b""):
            marker = content[at + 1]
            end = at + 2 + max(int.from_bytes(content[at + 2 : at + 4], "big"), 2)
            if not (0xE1 <= marker <= 0xED or marker in (0xEF, 0xFE)):
                parts.append(content[at:end])
            at = end
        return b"".join([*parts, content[at:]])
    return None
