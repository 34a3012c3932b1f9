"""Read images as people have them: turned by a camera, grey, transparent, deep, huge, damaged."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from fer_larq.utils.errors import UserError

IMAGE_FORMATS = (
    "AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TGA", "TIFF", "WEBP",
)  # fmt: skip
"""Pillow's names of the formats that are read. Not all that it knows: some, PostScript for one,
start other programs."""

IMAGE_SUFFIXES = frozenset(
    ".avif .bmp .dib .gif .jfif .jpe .jpeg .jpg .jp2 .j2k .mpo .pbm .pgm .png .ppm .pnm .tga .tif "
    ".tiff .webp .apng".split()
)
"""Endings by which a folder's images are told from its other files."""

MAX_SIDE = 2048
"""Larger images are shrunk to this on reading; a face in the crowd keeps its 48 pixels."""

MAX_PIXELS = 120_000_000
"""Pixels of the largest image that is read. Decoding one of this size takes about 0.6 GB."""


@dataclass(frozen=True)
class InputImage:
    """An image to look for faces in.

    Attributes:
        pixels: uint8 ``[H, W, 3]``, RGB, upright, at most ``MAX_SIDE`` on each side.
        width, height: of the file's image when it stands upright.
    """

    pixels: np.ndarray
    width: int
    height: int

    @property
    def scale(self) -> float:
        """Pixels of the file's image for each of ``pixels``."""
        return max(self.width, self.height) / max(self.pixels.shape)


def read_image(path: str | os.PathLike[str]) -> InputImage:
    """Read an image; of an animation, the first frame.

    The orientation that a camera noted (EXIF) is applied, what is transparent becomes white, and
    pixels deeper than 8 bits are stretched from the darkest to the brightest of the image.

    Raises:
        UserError: the file is absent, no image, damaged, or larger than ``MAX_PIXELS``; the
            message is one line that names it.
    """
    with open_image(path) as image:
        return decode(image, path)


def is_animation(path: str | os.PathLike[str]) -> bool:
    """Whether a file is an image of several frames (GIF, WebP, PNG)."""
    with open_image(path) as image:
        try:
            # An MPO file or a TIFF holds several images, but no film.
            return image.format in ("GIF", "PNG", "WEBP") and getattr(image, "is_animated", False)
        except Exception as error:
            raise unreadable(path, error) from None


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


def open_image(path: str | os.PathLike[str]) -> Image.Image:
    """Open an image without decoding it.

    Raises ``UserError`` for a file that is absent, no image, or too large.
    """
    name = str(path)
    if not Path(path).exists():
        raise UserError(f"{name}: no such file")
    try:
        with quiet():
            image = Image.open(path, formats=IMAGE_FORMATS)
    except Image.DecompressionBombError:
        raise too_large(name) from None
    except Exception as error:
        raise unreadable(path, error) from None
    if image.width * image.height > MAX_PIXELS:
        size = f"{image.width}x{image.height} "
        image.close()
        raise too_large(name, size)
    return image


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
    if isinstance(error, (IsADirectoryError, PermissionError)):
        return UserError(f"{path}: cannot be read ({error.strerror})")
    if str(path).lower().endswith((".heic", ".heif")):
        return UserError(f"{path}: HEIC is not read: export the image as JPEG")
    if isinstance(error, Image.UnidentifiedImageError):
        return UserError(f"{path}: is no image of a known format ({', '.join(IMAGE_FORMATS)})")
    reason = " ".join(str(error).split()) or type(error).__name__
    return UserError(f"{path}: is damaged ({reason}): export it again, or leave it out")


def decode(image: Image.Image, path: str | os.PathLike[str]) -> InputImage:
    """Decode an opened image."""
    try:
        with quiet():
            turned = image.getexif().get(0x0112, 1) in (5, 6, 7, 8)  # EXIF's Orientation
            size = image.size[::-1] if turned else image.size
            # A JPEG can be decoded at a half, a quarter or an eighth of its size.
            image.draft("RGB", (MAX_SIDE, MAX_SIDE))
            image = ImageOps.exif_transpose(to_eight_bits(image))
            return InputImage(np.asarray(image), *size)
    except Exception as error:  # of hostile files, Pillow's decoders raise what they like
        raise unreadable(path, error) from None


def to_eight_bits(image: Image.Image) -> Image.Image:
    """An image of any mode, as RGB of 8 bits and at most ``MAX_SIDE``."""
    exif = image.getexif()
    if image.mode.startswith("I") or image.mode == "F":  # grey of 16 or 32 bits
        values = np.asarray(shrink(image.convert("F")))
        values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
        darkest, brightest = float(values.min()), float(values.max())
        values = (values - darkest) * (255 / max(brightest - darkest, 1e-9))
        image = Image.fromarray(np.round(values).astype(np.uint8))
    if image.has_transparency_data:
        image = shrink(image.convert("RGBA"))
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    elif image.mode in ("1", "P"):  # averaging needs colours, not numbers of colours
        image = image.convert("RGB")
    image = shrink(image).convert("RGB")
    image.getexif().update(exif)
    image.info["exif"] = image.getexif().tobytes() if len(exif) else b""
    return image


def shrink(image: Image.Image) -> Image.Image:
    """At most ``MAX_SIDE``; shrinking averages."""
    if max(image.size) > MAX_SIDE:
        image.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.BOX, reducing_gap=2.0)
    return image
