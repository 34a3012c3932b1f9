"""What is read in photographs with names: ``python -m fer_larq.benchmark photographs``.

The photographs come with scikit-image and Matplotlib. A few pictures are no measure of accuracy;
they show what an answer looks like.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from matplotlib.cbook import get_sample_data
from numpy.typing import NDArray
from PIL import Image

from fer_larq.benchmark.detection import sample_image
from fer_larq.inference.analyzer import analyze
from fer_larq.inference.detectors import DETECTORS
from fer_larq.inference.face import Face
from fer_larq.inference.output.annotate import annotate
from fer_larq.utils.errors import UserError
from fer_larq.utils.files import atomic_write

SEEN = {
    "astronaut": "a smile",
    "camera": "a man in profile, absorbed",
    "grace_hopper.jpg": "serious, a trace of a smile",
    "cat": "no face of a human",
    "coffee": "no face",
    "coins": "no face but profiles in relief",
    "rocket": "no face",
}
"""Names in ``skimage.data``, or of Matplotlib's sample data, and what a human sees."""


def photographs(names: Iterable[str]) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """Name and pixels, uint8 ``[H, W, 3]``, of photographs among ``SEEN``."""
    for name in names:
        if "." in name:
            with Image.open(str(get_sample_data(name, asfileobj=False))) as image:
                yield name, np.asarray(image.convert("RGB"))
        else:
            yield name, sample_image(name)


def row(name: str, faces: list[Face]) -> str:
    """A row of the table: of each face, the two largest scores."""
    read = []
    for face in faces:
        first, second = sorted(face.scores, key=face.scores.__getitem__)[:-3:-1]
        read.append(
            f"{first} {face.scores[first]:+.2f} (next: {second} {face.scores[second]:+.2f})"
        )
    return f"| `{name}` | {SEEN[name]} | {len(faces)} | {'; '.join(read)} |"


def add_options(parser: argparse.ArgumentParser) -> None:
    """The flags of ``python -m fer_larq.benchmark photographs``."""
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"of {', '.join(SEEN)} (default: all)"
    )
    parser.add_argument("--model", help="a .tflite of fer_larq.convert (default: ours)")
    parser.add_argument("--detector", choices=DETECTORS, default="auto", help="(default: auto)")
    parser.add_argument("--out", type=Path, help="folder for the pictures with their faces marked")
    parser.set_defaults(command=main)


def main(options: argparse.Namespace) -> int:
    """Read them and print the table."""
    if unknown := set(options.names) - set(SEEN):
        raise UserError(f"{' and '.join(sorted(unknown))}: choose among {', '.join(SEEN)}")
    print("| photograph | seen by a human | faces found | classified as, with its score |")
    print("|---|---|---|---|")
    for name, pixels in photographs(options.names or SEEN):
        faces = analyze(pixels, model=options.model, detector=options.detector)
        print(row(name, faces))
        if options.out is not None and faces:
            with atomic_write(options.out / f"{Path(name).stem}.jpg") as temporary:
                Image.fromarray(annotate(pixels, faces)).save(temporary, quality=85)
    return 0
