"""Read pictures as people have them: turned by a camera, grey, transparent, deep, huge, damaged."""

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

FORMATS = (
    "AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TGA", "TIFF", "WEBP",
)  # fmt: skip
"""Pillow's names of the formats that are read. Not all that it knows: some, PostScript for one,
start other programs."""

SUFFIXES = frozenset(
    ".avif .bmp .dib .gif .jfif .jpe .jpeg .jpg .jp2 .j2k .mpo .pbm .pgm .png .ppm .pnm .tga .tif "
    ".tiff .webp .apng".split()
)
"""Endings by which a folder's pictures are told from its other files."""

LONGEST_SIDE = 2048
"""Larger pictures are shrunk to this on reading; a face in the crowd keeps its 48 pixels."""

MOST_PIXELS = 120_000_000
"""Pixels of the largest picture that is read. Decoding one of this size takes about 0.6 GB."""


@dataclass(frozen=True)
class Picture:
    """A picture to look for faces in.

    Attributes:
        pixels: uint8 ``[H, W, 3]``, RGB, upright, at most ``LONGEST_SIDE`` on each side.
        width, height: of the file's picture when it stands upright.
    """

    pixels: np.ndarray
    width: int
    height: int

    @property
    def scale(self) -> float:
        """Pixels of the file's picture for each of ``pixels``."""
        return max(self.width, self.height) / max(self.pixels.shape)


def read_picture(path: str | os.PathLike[str]) -> Picture:
    """Read a picture; of an animation, the first frame.

    The orientation that a camera noted (EXIF) is applied, what is transparent becomes white, and
    pixels deeper than 8 bits are stretched from the darkest to the brightest of the picture.

    Raises:
        UserError: the file is absent, no picture, damaged, or larger than ``MOST_PIXELS``; the
            message is one line that names it.
    """
    with opened(path) as image:
        return decoded(image, path)


def is_animation(path: str | os.PathLike[str]) -> bool:
    """Whether a file is a picture of several frames (GIF, WebP, PNG)."""
    with opened(path) as image:
        try:
            # An MPO file or a TIFF holds several pictures, but no film.
            return image.format in ("GIF", "PNG", "WEBP") and getattr(image, "is_animated", False)
        except Exception as error:
            raise unreadable(path, error) from None


def read_animation(path: str | os.PathLike[str]) -> Iterator[tuple[float, Picture]]:
    """The frames of an animation and the seconds at which each begins, one at a time.

    Raises ``UserError`` as ``read_picture`` does, possibly after some frames.
    """
    with opened(path) as image:
        seconds = 0.0
        for index in count():
            try:
                image.seek(index)
                frame = image.copy()
            except EOFError:
                return
            except Exception as error:
                raise unreadable(path, error) from None
            yield seconds, decoded(frame, path)
            # As browsers do, what is shorter than 20 ms is taken for 100 ms.
            milliseconds = float(image.info.get("duration") or 0)
            seconds += (milliseconds if milliseconds >= 20 else 100.0) / 1000


def opened(path: str | os.PathLike[str]) -> Image.Image:
    """Open a picture without decoding it.

    Raises ``UserError`` for a file that is absent, no picture, or too large.
    """
    name = str(path)
    if not Path(path).exists():
        raise UserError(f"{name}: no such file")
    try:
        with quiet():
            image = Image.open(path, formats=FORMATS)
    except Image.DecompressionBombError:
        raise too_large(name) from None
    except Exception as error:
        raise unreadable(path, error) from None
    if image.width * image.height > MOST_PIXELS:
        size = f"{image.width}x{image.height} "
        image.close()
        raise too_large(name, size)
    return image


@contextmanager
def quiet() -> Iterator[None]:
    """Without Pillow's warnings: of large pictures, where MOST_PIXELS decides, and of flaws."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def too_large(name: str, size: str = "") -> UserError:
    """The one line about a picture of more than ``MOST_PIXELS``."""
    return UserError(
        f"{name}: {size or 'more than 178 million '}pixels are more than the {MOST_PIXELS:,} that "
        "are read: shrink the picture"
    )


def unreadable(path: str | os.PathLike[str], error: Exception) -> UserError:
    """The one line about a file that Pillow cannot read, whatever exception it chose."""
    if isinstance(error, (IsADirectoryError, PermissionError)):
        return UserError(f"{path}: cannot be read ({error.strerror})")
    if str(path).lower().endswith((".heic", ".heif")):
        return UserError(f"{path}: HEIC is not read: export the picture as JPEG")
    if isinstance(error, Image.UnidentifiedImageError):
        return UserError(f"{path}: is no picture of a known format ({', '.join(FORMATS)})")
    reason = " ".join(str(error).split()) or type(error).__name__
    return UserError(f"{path}: is damaged ({reason}): export it again, or leave it out")


def decoded(image: Image.Image, path: str | os.PathLike[str]) -> Picture:
    """Decode an opened picture."""
    try:
        with quiet():
            turned = image.getexif().get(0x0112, 1) in (5, 6, 7, 8)  # EXIF's Orientation
            size = image.size[::-1] if turned else image.size
            # A JPEG can be decoded at a half, a quarter or an eighth of its size.
            image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
            image = ImageOps.exif_transpose(eight_bits(image))
            return Picture(np.asarray(image), *size)
    except Exception as error:  # of hostile files, Pillow's decoders raise what they like
        raise unreadable(path, error) from None


def eight_bits(image: Image.Image) -> Image.Image:
    """A picture of any mode, as RGB of 8 bits and at most ``LONGEST_SIDE``."""
    exif = image.getexif()
    if image.mode.startswith("I") or image.mode == "F":  # grey of 16 or 32 bits
        values = np.asarray(shrunk(image.convert("F")))
        values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
        darkest, brightest = float(values.min()), float(values.max())
        values = (values - darkest) * (255 / max(brightest - darkest, 1e-9))
        image = Image.fromarray(np.round(values).astype(np.uint8))
    if image.has_transparency_data:
        image = shrunk(image.convert("RGBA"))
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    elif image.mode in ("1", "P"):  # averaging needs colours, not numbers of colours
        image = image.convert("RGB")
    image = shrunk(image).convert("RGB")
    image.getexif().update(exif)
    image.info["exif"] = image.getexif().tobytes() if len(exif) else b""
    return image


def shrunk(image: Image.Image) -> Image.Image:
    """At most ``LONGEST_SIDE``; shrinking averages."""
    if max(image.size) > LONGEST_SIDE:
        image.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.BOX, reducing_gap=2.0)
    return image
