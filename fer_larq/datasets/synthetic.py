"""Synthetic faces: the data that is at hand where FER2013 is not.

They are drawings: they show that training works, and accuracy on them says nothing about people.

``python -m fer_larq.datasets.synthetic --out sheet.png`` draws a sheet of them to look at.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from fer_larq.datasets.crops import FACE_SIZE
from fer_larq.datasets.dataset import SPLITS, Dataset, Faces, fingerprint, in_canonical_order
from fer_larq.datasets.face_drawing import draw_face
from fer_larq.datasets.integrity import SYNTHETIC
from fer_larq.datasets.labels import EXPRESSIONS
from fer_larq.utils.errors import UserError, run_command
from fer_larq.utils.files import atomic_write

NOTICE = """\
************************************************************************************
*  No FER2013 was given: this run uses SYNTHETIC FACES, made by this program.      *
*  They show that everything works. Accuracy on them says NOTHING about people.    *
*                                                                                  *
*  To use FER2013:  --data kaggle          fetches a public mirror (60 MB)         *
*               or  --data fer2013.csv     or a zip or folder of its images, from  *
*                   https://www.kaggle.com/datasets/msambare/fer2013               *
************************************************************************************"""


def announce() -> None:
    """Say loudly, on standard error, that the faces are drawings and how to get FER2013."""
    print(NOTICE, file=sys.stderr, flush=True)


def synthetic_dataset(
    training: int = 4200, validation: int = 700, test: int = 700, seed: int = 0
) -> Dataset:
    """Draw a data set with the three splits of FER2013.

    Args:
        training, validation, test: number of faces; a split of 0 is absent.
        seed: 0 or more. Another seed draws other faces in every split.
    """
    splits = {}
    for index, (split, count) in enumerate(zip(SPLITS, (training, validation, test), strict=True)):
        if count:
            faces = draw_faces(count, len(SPLITS) * seed + index)
            pixels = (image.tobytes() for image in faces.images)
            listed = zip(pixels, faces.labels.tolist(), strict=True)
            splits[split], _ = in_canonical_order(listed)
    return Dataset("synthetic faces", f"seed {seed}", fingerprint(splits), True, splits, SYNTHETIC)


def draw_faces(count: int, seed: int) -> Faces:
    """Draw faces whose expressions take turns, so that all are equally frequent.

    Face k of a seed is the same whatever ``count`` is. The same seed gives the same bytes with
    the same versions of NumPy and Pillow.

    Args:
        count: number of faces.
        seed: 0 or more.

    Returns:
        images uint8 ``[count, 48, 48]``, labels int64 ``[count]``.
    """
    labels = np.arange(count, dtype=np.int64) % len(EXPRESSIONS)
    images = np.empty((count, FACE_SIZE, FACE_SIZE), np.uint8)
    for index, label in enumerate(labels):
        images[index] = draw_face(EXPRESSIONS[label], np.random.default_rng((seed, index)))
    return Faces(images, labels)


def contact_sheet(faces_each: int, seed: int) -> Image.Image:
    """One row of faces for every expression, with its name before it."""
    margin, zoom = 84, 2
    faces = draw_faces(faces_each * len(EXPRESSIONS), seed)
    size = FACE_SIZE * zoom
    sheet = Image.new("L", (margin + faces_each * size, len(EXPRESSIONS) * size), 255)
    pen = ImageDraw.Draw(sheet)
    for label, expression in enumerate(EXPRESSIONS):
        pen.text((8, label * size + size // 2 - 6), expression, fill=0)
        for column, face in enumerate(faces.images[faces.labels == label]):
            enlarged = Image.fromarray(face).resize((size, size), Image.Resampling.BICUBIC)
            sheet.paste(enlarged, (margin + column * size, label * size))
    return sheet


def main(arguments: list[str] | None = None) -> int:
    """Write a contact sheet."""
    parser = argparse.ArgumentParser(
        prog="python -m fer_larq.datasets.synthetic",
        description="Draw a sheet of the faces that stand in where FER2013 is not at hand.",
    )
    parser.add_argument("--out", type=Path, required=True, help="PNG file to write")
    parser.add_argument("--seed", type=int, default=0, help="0 or more (default: 0)")
    parser.add_argument("--columns", type=int, default=10, help="faces in a row (default: 10)")
    options = parser.parse_args(arguments)
    if options.seed < 0 or not 1 <= options.columns <= 100:
        parser.error("--seed must be 0 or more, and --columns from 1 to 100")
    if options.out.suffix.lower() != ".png":
        raise UserError(f"{options.out} is no PNG file: give --out a name that ends in .png")
    with atomic_write(options.out) as temporary:
        contact_sheet(options.columns, options.seed).save(temporary)
    print(f"synthetic faces, seed {options.seed}: {options.out}")
    return 0


if __name__ == "__main__":
    run_command(main)
