"""Results as lines on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from fer_larq.inference.face import Face
from fer_larq.utils.progress import write_line


def describe_image(name: str, faces: Sequence[Face]) -> str:
    """A line on the image, and below it one for each face."""
    if not faces:
        return f"{printable(name)}: no face found"
    lines = [f"{printable(name)}: {plural(len(faces), 'face')}"]
    for face in faces:
        values = face.probabilities
        shown = "  ".join(
            f"{label} {values[label]:.0%}" if values else f"{label} {score:+.2f}"
            for label, score in face.scores.items()
        )
        turned = f" turned by {face.angle:+.0f} degrees" if face.angle else ""
        doubt = f"  (uncertain: {', '.join(face.quality)})" if face.quality else ""
        lines.append(
            f"  {face.number}  {face.expression:9} {face.side}x{face.side} at "
            f"{face.left},{face.top}{turned}:  {shown}{doubt}"
        )
    return "\n".join(lines)


def plural(count: int, thing: str) -> str:
    """``1 face``, ``2 faces``."""
    return f"{count} {thing}{'' if count == 1 else 's'}"


def printable(name: str) -> str:
    """A file's name without what could move a terminal's cursor or end the line."""
    return "".join(letter if letter.isprintable() else "?" for letter in name)


def say(text: str, file: TextIO) -> None:
    """Print above a progress bar, whatever letters the terminal knows."""
    encoding = getattr(file, "encoding", None) or "utf-8"
    write_line(text.encode(encoding, "backslashreplace").decode(encoding), file)
