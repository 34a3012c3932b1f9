"""From a face to seven named scores."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from fer_larq.datasets.crops import FACE_SIZE
from fer_larq.datasets.labels import EXPRESSIONS
from fer_larq.datasets.normalisation import normalise
from fer_larq.tflite.delegate import open_model
from fer_larq.tflite.metadata import check_digest, normalisation_of, read_document
from fer_larq.tflite.parser import parse_model, read_bytes
from fer_larq.utils.errors import UserError

FACE_SHAPE = (1, FACE_SIZE, FACE_SIZE, 1)


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
        path = Path(model)
        content = read_bytes(path)
        parsed = parse_model(content, str(path))
        check_digest(content, str(path))  # a damaged file could take the runtime down
        document = read_document(parsed)
        self.labels = labels_of(document, str(path))
        """Names of the scores, in their order."""
        self.normalisation = normalisation_of(document, str(path))
        """How a face is prepared for the network."""
        takes = [parsed.tensors[index] for index in parsed.inputs]
        gives = [parsed.tensors[index] for index in parsed.outputs]
        if [(t.type, t.shape) for t in takes] != [("uint8", FACE_SHAPE)] or [
            (t.type, t.shape) for t in gives
        ] != [("float32", (1, len(self.labels)))]:
            raise UserError(
                f"{path}: its input is {', '.join(map(str, takes))} and its output "
                f"{', '.join(map(str, gives))}, not a face and {len(self.labels)} scores: convert "
                "the network with `--crops five`"
            )
        try:
            self.interpreter = open_model(content, num_threads=num_threads, kernel=kernel)
        except UserError as error:
            raise UserError(str(error).replace("model: ", f"{path}: ", 1)) from None
        self.input = self.interpreter.get_input_details()[0]["index"]
        self.output = self.interpreter.get_output_details()[0]["index"]

    def scores(self, faces: np.ndarray) -> np.ndarray:
        """Scores of many faces: uint8 ``[N, 48, 48]`` to float32 ``[N, 7]``; no probabilities."""
        faces = np.asarray(faces)
        if faces.dtype != np.uint8 or faces.shape[1:] != FACE_SHAPE[1:3]:
            raise UserError(
                f"faces are {faces.dtype} {list(faces.shape)}, expected grey pixels: uint8 "
                f"[N, {FACE_SIZE}, {FACE_SIZE}]"
            )
        scores = np.empty((len(faces), len(self.labels)), np.float32)
        for index, face in enumerate(normalise(faces, self.normalisation)):
            self.interpreter.set_tensor(self.input, face.reshape(FACE_SHAPE))
            self.interpreter.invoke()
            scores[index] = self.interpreter.get_tensor(self.output)[0]
        return scores

    def predict(self, face: np.ndarray) -> dict[str, float]:
        """Scores of one face, uint8 ``[48, 48]``, by expression; the largest is the answer."""
        face = np.asarray(face)
        if face.shape == FACE_SHAPE[1:]:
            face = face[..., 0]
        if face.ndim != 2:
            raise UserError(
                f"a face of shape {list(face.shape)}, expected [{FACE_SIZE}, {FACE_SIZE}]"
            )
        return dict(zip(self.labels, self.scores(face[np.newaxis])[0].tolist(), strict=True))


def labels_of(document: dict | None, name: str) -> tuple[str, ...]:
    """The names of a model's scores: its own, or FER2013's if it does not say."""
    labels = (document or {}).get("labels", list(EXPRESSIONS))
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise UserError(f"{name}: its labels are no list of names: convert the network again")
    return tuple(labels)
