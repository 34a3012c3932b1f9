"""The faces on which a converted model is compared with its network. Never loads TensorFlow."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fer_larq.datasets import loading
from fer_larq.datasets.crops import FACE_SIZE
from fer_larq.datasets.synthetic import draw_faces
from fer_larq.utils.errors import UserError

QUICK_FACES = 100
"""Faces of the quick verification, five crops each: some ten seconds for BDNN4."""

RANDOM_FACES = {"quick": 20, "full": 400}
"""Images of random pixels beside them: they reach sums that faces do not."""

VERIFICATION_SEED = 0


def verification_faces(source: str | None, extent: str) -> tuple[NDArray[np.uint8], str]:
    """The faces that a model is compared on, uint8 ``[N, 48, 48]``, and what they are.

    Without data they are synthetic: to compare two computations, drawings do as well.
    """
    if source is None:
        images, name = draw_faces(QUICK_FACES, VERIFICATION_SEED).images, "synthetic faces"
        if extent == "full":
            raise UserError("--verify full compares all faces of PublicTest: give --data as well")
    else:
        dataset = loading.load(source)
        images, name = dataset.split("validation").images, f"faces of {dataset.name}, validation"
        if extent == "quick":
            images = images[:QUICK_FACES]
    shape = (RANDOM_FACES[extent], FACE_SIZE, FACE_SIZE)
    noise = np.random.default_rng(VERIFICATION_SEED).integers(0, 256, shape, dtype=np.uint8)
    origin = f"{len(images)} {name} and {len(noise)} images of random pixels"
    return np.concatenate([images, noise]), origin
