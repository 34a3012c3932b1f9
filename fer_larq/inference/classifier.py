"""From a face to seven named scores."""

from __future__ import annotations

import os

import numpy as np
from numpy.typing import NDArray

from fer_larq.datasets.crops import FACE_SIZE
from fer_larq.tflite.network import TFLiteNetwork
from fer_larq.utils.errors import UserError


class FaceClassifier:
    """A converted network that cuts its crops itself: a model of ``fer_larq.convert``.

    Args:
        model: a .tflite file; its input is a face, uint8 ``[1, 48, 48, 1]``, its output scores,
            float32 ``[1, 7]``.
        num_threads: that one call may use.
        kernel: one of ``fer_larq.tflite.delegate.kernels()``; the fastest if None.

    Raises ``UserError`` if the file is no such model.

    An object holds the memory of one call, so each thread needs its own.
    """

    def __init__(
        self, model: str | os.PathLike[str], *, num_threads: int = 1, kernel: str | None = None
    ):
        self.network = TFLiteNetwork(model, num_threads, kernel=kernel)
        if self.network.crops == "none":
            raise UserError(
                f"{model}: takes crops, not a face: convert the network with `--crops five`"
            )
        self.labels = self.network.labels
        """Names of the scores, in their order."""
        self.temperature = self.network.temperature
        """What scores are divided by before softmax makes probabilities of them, or None."""

    def scores(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Scores of many faces: uint8 ``[N, 48, 48]`` to float32 ``[N, 7]``; no probabilities."""
        faces = np.asarray(faces)
        if faces.dtype != np.uint8 or faces.shape[1:] != (FACE_SIZE, FACE_SIZE):
            raise UserError(
                f"faces are {faces.dtype} {list(faces.shape)}, expected grey pixels: uint8 "
                f"[N, {FACE_SIZE}, {FACE_SIZE}]"
            )
        return self.network.scores(faces, self.network.crops)

    def predict(self, face: NDArray[np.uint8]) -> dict[str, float]:
        """Scores of one face, uint8 ``[48, 48]``, by expression; the largest is the answer."""
        face = np.asarray(face)
        if face.shape == (FACE_SIZE, FACE_SIZE, 1):
            face = face[..., 0]
        if face.ndim != 2:
            raise UserError(
                f"a face of shape {list(face.shape)}, expected [{FACE_SIZE}, {FACE_SIZE}]"
            )
        return dict(zip(self.labels, self.scores(face[np.newaxis])[0].tolist(), strict=True))
