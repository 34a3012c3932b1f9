"""Results as lines on the terminal."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from tqdm import tqdm

from fer_larq.inference.face import Face


def describe_image(name: str, faces: Sequence[Face]) -> str:
    """A line on the image, and below it one for each face."""
    if not faces:
        return f"{printable(name)}: no face found"
    lines = [f"{printable(name)}: {plural(len(faces), 'face')}"]
    for face in faces:
        scores = "  ".join(f"{label} {score:+.2f}" for label, score in face.scores.items())
        lines.append(
            f"  {face.number}  {face.expression:9} {face.side}x{face.side} at "
            f"{face.left},{face.top}:  {scores}"
        )
    return "\n".join(lines)


def plural(count: int, thing: str) -> str:
    """``1 face``, ``2 faces``."""
    return f"{count} {thing}{'' if count == 1 else 's'}"


def printable(name: str) -> str:
    """A file's name without what could move a terminal's cursor or end the line."""
    return "".join(letter if letter.isprintable() else "?" for letter in name)


def say(text: str) -> None:
    """Print to standard output, above a progress bar."""
    tqdm.write(text, file=sys.stdout)
