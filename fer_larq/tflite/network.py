"""A converted network, whatever its arithmetic: from the pixels of faces or crops to scores."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_larq.datasets.crops import CROP_SIZE, FACE_SIZE
from fer_larq.datasets.labels import EXPRESSIONS
from fer_larq.datasets.normalisation import normalise
from fer_larq.evaluation.metrics import crop_scores, mean_over_crops
from fer_larq.tflite.interpreter import Runner, litert_runner
from fer_larq.tflite.metadata import check_digest, normalisation_of, read_document, temperature_of
from fer_larq.tflite.parser import ModelFile, parse_model, read_bytes
from fer_larq.utils.errors import UserError


class TFLiteNetwork:
    """A model of ``fer_larq.convert``, ready to classify faces.

    Args:
        source: a .tflite file, or its content.
        num_threads: that one call may use.
        kernel: of the delegate, one of ``delegate.kernels()``; the fastest if None.
        load: makes the function that runs the model, from its content and the number of threads;
            by default ``litert_runner``, for a bit-packed model with the delegate.

    Attributes:
        model: what the file holds.
        document: what the model says about itself, see ``metadata.model_document``.
        labels: names of the scores, in their order.
        crops: ``five`` or ``ten`` for a model that takes a face, uint8 ``[1, 48, 48, 1]``, and
            averages over its crops; ``none`` for one that takes crops, float32 ``[N, 42, 42, 1]``.
        normalisation: how ``scores`` prepares faces; ``classify_crops`` takes crops of such faces.
        temperature: by which scores are divided for probabilities; None if the model says none.
        run: the function that runs the model.

    Raises ``UserError`` if the file is none of this program's models, or damaged.

    An object holds the memory of one call, so each thread needs its own.
    """

    def __init__(
        self,
        source: str | os.PathLike[str] | bytes,
        num_threads: int = 1,
        *,
        kernel: str | None = None,
        load: Callable[[bytes, int], Runner] | None = None,
    ):
        name = "model" if isinstance(source, bytes) else os.fspath(source)
        content = source if isinstance(source, bytes) else read_bytes(source)
        self.model: ModelFile = parse_model(content, name)
        self.document = read_document(self.model) or {}
        self.labels = labels_of(self.document, name)
        self.crops = crops_of(self.model, self.document, len(self.labels), name)
        self.normalisation = normalisation_of(self.document, name)
        self.temperature = temperature_of(self.document, name)
        check_digest(content, name)  # a damaged file could take the runtime down
        if load is None:
            delegate = self.model.is_bit_packed or kernel is not None
            load = partial(litert_runner, with_delegate=delegate, kernel=kernel, name=name)
        try:
            self.run = load(content, num_threads)
        except (RuntimeError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise UserError(f"{name}: the runtime refuses it ({reason}); convert again") from None

    def classify_crops(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Scores of crops: uint8 ``[N, 42, 42]`` to float32 ``[N, 7]``; needs a model of crops."""
        if self.crops != "none":
            raise ValueError(f"this model takes faces and averages over {self.crops} crops")
        return self.one_by_one(self.inputs(crops))

    def scores(self, faces: NDArray[np.uint8], crops: str = "five") -> NDArray[np.float32]:
        """Mean scores over the crops of faces.

        Args:
            faces: uint8 ``[N, 48, 48]``.
            crops: over which scores are averaged; a model that cuts its crops itself knows only
                its own.

        Returns:
            float32 ``[N, 7]``.
        """
        faces = normalise(faces, self.normalisation)
        if self.crops == "none":
            return mean_over_crops(crop_scores(self.classify_crops, faces, crops))
        if crops != self.crops:
            raise UserError(
                f"the model averages over {self.crops} crops and cannot over {crops}: "
                "convert the network with `--crops none` for a choice"
            )
        return self.one_by_one(self.inputs(faces))

    def inputs(self, pixels: NDArray[np.uint8]) -> NDArray[Any]:
        """Faces or crops, uint8 ``[N, H, W]``, as the model takes them."""
        pixels = pixels[..., np.newaxis]
        return 2 * pixels.astype(np.float32) - 255 if self.crops == "none" else pixels

    def one_by_one(self, inputs: NDArray[Any]) -> NDArray[np.float32]:
        """Outputs float32 ``[N, 7]`` for N inputs: a model of faces has no other batch."""
        outputs = [self.run(inputs[index : index + 1])[0] for index in range(len(inputs))]
        return np.concatenate(outputs) if outputs else np.empty((0, len(self.labels)), np.float32)


def labels_of(document: dict[str, Any], name: str) -> tuple[str, ...]:
    """The names of a model's scores: its own, or FER2013's if it does not say."""
    labels = document.get("labels", list(EXPRESSIONS))
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise UserError(f"{name}: its labels are no list of names: convert the network again")
    return tuple(labels)


def crops_of(model: ModelFile, document: dict[str, Any], classes: int, name: str) -> str:
    """Over what a model averages; ``UserError`` if it is no model of this program."""
    forms: dict[tuple[str, tuple[int, ...]], tuple[str, ...]] = {
        ("uint8", (1, FACE_SIZE, FACE_SIZE, 1)): ("five", "ten"),
        ("float32", (1, CROP_SIZE, CROP_SIZE, 1)): ("none",),
    }
    inputs = [model.tensors[index] for index in model.inputs]
    outputs = [model.tensors[index] for index in model.outputs]
    if len(inputs) == len(outputs) == 1 and outputs[0].shape == (1, classes):
        crops: str = document.get("views", "")  # the key's name in files that are out there
        if crops in forms.get((inputs[0].type, inputs[0].shape), ()):
            return crops
    raise UserError(
        f"{name}: not a model of fer_larq.convert (its input is {', '.join(map(str, inputs))} and "
        "it does not say how pixels are scaled): convert a run with `python -m fer_larq.convert`"
    )
