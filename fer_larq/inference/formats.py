"""What a file is, told from its first bytes: names lie."""

from __future__ import annotations

import os
from pathlib import Path

HEAD_BYTES = 512
"""So many are looked at."""

IMAGE_SUFFIXES = frozenset(
    ".avif .bmp .dib .gif .heic .heif .jfif .jpe .jpeg .jpg .jp2 .j2k .mpo .pbm .pgm .png .ppm "
    ".pnm .tga .tif .tiff .webp .apng".split()
)
"""Of files that are meant as images, whatever is in them."""

VIDEO_SUFFIXES = frozenset(
    ".3gp .avi .flv .m4v .mkv .mov .mp4 .mpeg .mpg .mts .ogv .ts .webm .wmv".split()
)
"""Of files that are meant as videos."""

HEIC_BRANDS = frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"))

SOUND_BRANDS = frozenset((b"M4A ", b"M4B ", b"M4P ", b"F4A "))

IMAGE_BEGINNINGS = (
    b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"BM", b"II*\0", b"MM\0*",
    b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51",
)  # fmt: skip
"""JPEG, PNG, GIF, BMP, TIFF, JPEG 2000 and its bare code stream."""

VIDEO_BEGINNINGS = (
    b"\x1a\x45\xdf\xa3", b"FLV\x01", b"OggS", b"\x30\x26\xb2\x75\x8e\x66\xcf\x11",
    b"\0\0\x01\xba", b"\0\0\x01\xb3",
)  # fmt: skip
"""Matroska and WebM, Flash, Ogg, ASF (WMV), MPEG program and video streams."""

QUICKTIME_ATOMS = frozenset((b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"))


def file_kind(path: str | os.PathLike[str]) -> str | None:
    """``image``, ``heic``, ``video`` or None, by a file's content.

    Where the content says nothing, it is what the name says that it should be, so that a damaged
    image is called one.

    Raises ``OSError`` if the file cannot be read.
    """
    with open(path, "rb") as file:
        kind = content_kind(file.read(HEAD_BYTES))
    suffix = Path(path).suffix.lower()
    if kind is None and suffix in IMAGE_SUFFIXES:
        return "image"
    if kind is None and suffix in VIDEO_SUFFIXES:
        return "video"
    return kind


def content_kind(head: bytes) -> str | None:
    """``image``, ``heic``, ``video`` or None, by the first ``HEAD_BYTES`` of a file."""
    if head[4:8] == b"ftyp":
        return iso_kind(head)
    if head.startswith(b"RIFF"):
        return {b"WEBP": "image", b"AVI ": "video"}.get(head[8:12])
    if head[:1] == b"P" and head[1:2] in b"1234567f" and head[2:3].isspace():
        return "image"  # PBM, PGM, PPM, PAM
    if head.startswith(b"BM") and (len(head) < 18 or head[6:10] != bytes(4)):
        return None  # a text that begins so
    if head.startswith(IMAGE_BEGINNINGS):
        return "image"
    if head.startswith(VIDEO_BEGINNINGS) or head[4:8] in QUICKTIME_ATOMS:
        return "video"
    # An MPEG transport stream has this byte in front of every packet of 188 or 192 bytes.
    if head[:1] == head[188:189] == head[376:377] == b"G":
        return "video"
    if head[4:5] == head[196:197] == head[388:389] == b"G":
        return "video"
    return None


def iso_kind(head: bytes) -> str | None:
    """What a file in the ISO base media format is, by its brands."""
    major = head[8:12]
    size = int.from_bytes(head[:4], "big")
    brands = {head[at : at + 4] for at in range(16, min(max(size, 16), len(head) - 3), 4)}
    if major in (b"avif", b"avis") or (major in (b"mif1", b"msf1") and b"avif" in brands):
        return "image"
    if major in HEIC_BRANDS:
        return "heic"
    return None if major in SOUND_BRANDS else "video"
