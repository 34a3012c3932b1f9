"""Run a converted model, whatever its arithmetic, on the runtimes that are installed.

Bit-packed models need operators of the Larq Compute Engine, so they run in its interpreter, or in
LiteRT with this project's delegate; all others run in LiteRT as it is.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from fer_larq.datasets.crops import CROP_SIZE, FACE_SIZE
from fer_larq.datasets.labels import EXPRESSIONS
from fer_larq.datasets.normalisation import normalise
from fer_larq.evaluation.metrics import crop_scores, mean_over_views
from fer_larq.tflite.metadata import check_digest, normalisation_of, read_document
from fer_larq.tflite.parser import ModelFile, parse_model, read_bytes
from fer_larq.utils.errors import UserError

Run = Callable[[np.ndarray], list[np.ndarray]]
"""A function from a model's input to its outputs."""

LCE_PREFIX = "Lce"
"""Begins the name of every operator of the Larq Compute Engine."""


def lce_run(content: bytes, threads: int = 1, indirect: bool = True) -> Run:
    """Load a model into the Larq Compute Engine's interpreter.

    Args:
        content: a TFLite model; its batch size is fixed.
        indirect: use the kernels of indirect binary matrix products, the faster ones.
    """
    try:
        from larq_compute_engine.tflite.python.interpreter import Interpreter
    except ModuleNotFoundError:
        raise UserError(
            "the Python package 'larq_compute_engine' is not installed: bit-packed models need "
            "it, `pip install 'fer_larq[train]'` brings it"
        ) from None
    interpreter = Interpreter(content, threads, use_indirect_bgemm=indirect)
    return lambda values: interpreter.interpreter.predict([values])


def litert_run(
    content: bytes,
    threads: int = 1,
    xnnpack: bool = True,
    delegates: Sequence = (),
    runtime: ModuleType | None = None,
) -> Run:
    """Load a model into LiteRT; the batch may differ from call to call if the model allows it.

    Args:
        xnnpack: let XNNPACK compute what it can, as LiteRT does by default.
        delegates: from ``fer_larq.tflite.delegate.load_delegate`` or the like.
        runtime: ``ai_edge_litert.interpreter`` if None; or ``tensorflow.lite``.
    """
    from ai_edge_litert import interpreter as litert

    module: Any = runtime or litert
    resolvers = getattr(module, "OpResolverType", None) or module.experimental.OpResolverType
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tensorflow.lite announces that it will go one day
        interpreter = module.Interpreter(
            model_content=content,
            num_threads=threads,
            experimental_delegates=list(delegates),
            experimental_op_resolver_type=(
                resolvers.AUTO if xnnpack else resolvers.BUILTIN_WITHOUT_DEFAULT_DELEGATES
            ),
        )
    (takes,) = interpreter.get_input_details()
    gives = interpreter.get_output_details()
    interpreter.allocate_tensors()
    batch = takes["shape"][0]

    def run(values: np.ndarray) -> list[np.ndarray]:
        nonlocal batch
        if len(values) != batch:
            interpreter.resize_tensor_input(takes["index"], values.shape)
            interpreter.allocate_tensors()
            batch = len(values)
        interpreter.set_tensor(takes["index"], values)
        interpreter.invoke()
        return [interpreter.get_tensor(output["index"]) for output in gives]

    return run


def stock_run(
    content: bytes, threads: int = 1, xnnpack: bool = True, runtime: ModuleType | None = None
) -> Run:
    """As ``litert_run``, with this project's delegate; ``UserError`` if that was not built."""
    from fer_larq.tflite.delegate import load_delegate

    delegate = load_delegate(threads, runtime=runtime)
    return litert_run(content, threads, xnnpack, [delegate], runtime)


def is_packed(model: ModelFile) -> bool:
    """Whether a model has operators of the Larq Compute Engine."""
    return any(operator.kind.startswith(LCE_PREFIX) for operator in model.operators)


def run_for(model: ModelFile) -> Callable[..., Run]:
    """The fastest runtime for a model: ``litert_run``, for a bit-packed one ``stock_run``.

    Where this project's delegate was not built, that is ``lce_run``.
    """
    if not is_packed(model):
        return litert_run
    from fer_larq.tflite.delegate import library_path

    try:
        library_path()
    except UserError:
        return lce_run
    return stock_run


class TFLiteNetwork:
    """A model of ``fer_larq.convert``, ready to read faces.

    Args:
        source: a .tflite file, or its content.
        threads: that one call may use.
        load: runtime that is to run it; by default that of ``run_for``.

    Raises ``UserError`` if the file is none of this program's models.
    """

    def __init__(
        self,
        source: str | Path | bytes,
        threads: int = 1,
        load: Callable[[bytes, int], Run] | None = None,
    ):
        name = "model" if isinstance(source, bytes) else str(source)
        content = source if isinstance(source, bytes) else read_bytes(source)
        self.model = parse_model(content, name)
        self.document = read_document(self.model) or {}
        self.views = views_of(self.model, self.document, name)
        """``five``, ``ten``, or ``none`` for a model of single crops."""
        self.normalisation = normalisation_of(self.document, name)
        """How ``scores`` prepares faces; crops for ``predict`` are of prepared faces."""
        check_digest(content, name)
        try:
            self.run = (load or run_for(self.model))(content, threads)
        except (RuntimeError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise UserError(f"{name}: the runtime refuses it ({reason}); convert again") from None

    def predict(self, crops: np.ndarray) -> np.ndarray:
        """Scores of crops: uint8 ``[N, 42, 42]`` to float32 ``[N, 7]``; needs a model of crops."""
        if self.views != "none":
            raise ValueError(f"this model takes faces and averages over {self.views} crops")
        return self.one_by_one(self.inputs(crops))

    def scores(self, faces: np.ndarray, views: str = "five") -> np.ndarray:
        """Mean scores over the crops of faces.

        Args:
            faces: uint8 ``[N, 48, 48]``.
            views: one of ``crops.VIEWS``; a model that cuts its crops itself knows only its own.

        Returns:
            float32 ``[N, 7]``.
        """
        faces = normalise(faces, self.normalisation)
        if self.views == "none":
            return mean_over_views(crop_scores(self.predict, faces, views))
        if views != self.views:
            raise UserError(
                f"the model averages over {self.views} crops and cannot over {views}: "
                "convert the network with `--crops none` for a choice"
            )
        return self.one_by_one(self.inputs(faces))

    def inputs(self, pixels: np.ndarray) -> np.ndarray:
        """Faces or crops, uint8 ``[N, H, W]``, as the model takes them."""
        pixels = pixels[..., np.newaxis]
        return 2 * pixels.astype(np.float32) - 255 if self.views == "none" else pixels

    def one_by_one(self, inputs: np.ndarray) -> np.ndarray:
        """Outputs float32 ``[N, 7]`` for N inputs: LCE's interpreter has no other batch."""
        outputs = [self.run(inputs[index : index + 1])[0] for index in range(len(inputs))]
        return np.concatenate(outputs) if outputs else np.empty((0, len(EXPRESSIONS)), np.float32)


def views_of(model: ModelFile, document: dict, name: str) -> str:
    """What a model averages over; ``UserError`` if it is no model of this program."""
    forms: dict[tuple[str, tuple[int, ...]], tuple[str, ...]] = {
        ("uint8", (1, FACE_SIZE, FACE_SIZE, 1)): ("five", "ten"),
        ("float32", (1, CROP_SIZE, CROP_SIZE, 1)): ("none",),
    }
    takes = [model.tensors[index] for index in model.inputs]
    gives = [model.tensors[index] for index in model.outputs]
    if len(takes) == len(gives) == 1 and gives[0].shape == (1, len(EXPRESSIONS)):
        views = document.get("views")
        if views in forms.get((takes[0].type, takes[0].shape), ()):
            return views
    raise UserError(
        f"{name}: not a model of fer_larq.convert (it takes {', '.join(map(str, takes))} and does "
        "not say how pixels are scaled): convert a run with `python -m fer_larq.convert`"
    )
