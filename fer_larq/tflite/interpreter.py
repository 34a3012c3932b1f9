"""Open TFLite models on the runtimes that are installed: the one place that does.

The runtime is LiteRT (``ai_edge_litert``), or ``tensorflow.lite`` if that module is passed in.
Bit-packed models need operators of the Larq Compute Engine, which ``delegate`` adds to either.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from ai_edge_litert import interpreter as litert
from numpy.typing import NDArray

from fer_larq.tflite.delegate import load_delegate
from fer_larq.utils.errors import UserError

Runner = Callable[[NDArray[Any]], list[NDArray[Any]]]
"""A function from a model's input to its outputs."""

UNKNOWN_OPERATOR = "Encountered unresolved custom op"
"""Begins what a runtime says of an operator that it does not know."""


def open_model(
    model: str | os.PathLike[str] | bytes,
    *,
    num_threads: int = 1,
    with_delegate: bool = True,
    kernel: str | None = None,
    runtime: ModuleType | None = None,
    name: str = "model",
    **options: Any,
) -> Any:
    """Open a .tflite model and allocate its tensors.

    Args:
        model: path or content.
        num_threads: for the runtime and for the delegate.
        with_delegate: load this project's delegate, which bit-packed models need.
        kernel: of the delegate, one of ``delegate.kernels()``; the fastest if None.
        runtime: ``ai_edge_litert.interpreter`` if None; or ``tensorflow.lite``.
        name: what messages call a model that is given by its content.
        options: further arguments of the runtime's ``Interpreter``.

    Returns:
        The runtime's ``Interpreter``.

    Raises ``UserError`` in one line if the model cannot be read or run.
    """
    module: Any = runtime or litert
    if not isinstance(model, bytes):
        name = os.fspath(model)
    if with_delegate:
        delegate = load_delegate(num_threads, kernel, runtime=module)
        options = {"experimental_delegates": [delegate], **options}
    try:
        content = model if isinstance(model, bytes) else Path(model).read_bytes()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # tensorflow.lite announces that it will go one day
            interpreter = module.Interpreter(
                model_content=content, num_threads=num_threads, **options
            )
        interpreter.allocate_tensors()
    except OSError as error:
        raise UserError(f"{name}: cannot be read ({error.strerror})") from None
    except (RuntimeError, ValueError) as error:
        raise UserError(f"{name}: the runtime refuses it ({reason(str(error))})") from None
    return interpreter


def litert_runner(
    content: bytes, num_threads: int = 1, *, xnnpack: bool = True, **options: Any
) -> Runner:
    """A function that runs a model; the batch may differ between calls if the model allows it.

    Args:
        xnnpack: let XNNPACK compute what it can, as LiteRT does by default.
        options: further arguments of ``open_model``.
    """
    module: Any = options.get("runtime") or litert
    resolvers = getattr(module, "OpResolverType", None) or module.experimental.OpResolverType
    resolver = resolvers.AUTO if xnnpack else resolvers.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = open_model(
        content, num_threads=num_threads, experimental_op_resolver_type=resolver, **options
    )
    (model_input,) = interpreter.get_input_details()
    outputs = [output["index"] for output in interpreter.get_output_details()]
    batch = model_input["shape"][0]

    def run(values: NDArray[Any]) -> list[NDArray[Any]]:
        nonlocal batch
        if len(values) != batch:
            interpreter.resize_tensor_input(model_input["index"], values.shape)
            interpreter.allocate_tensors()
            batch = len(values)
        interpreter.set_tensor(model_input["index"], values)
        interpreter.invoke()
        return [interpreter.get_tensor(output) for output in outputs]

    return run


def reason(message: str) -> str:
    """The line of a runtime's message that says most: the delegate's own, else the first."""
    # LiteRT writes its reports one behind the other.
    for start in ("lce_delegate: ", UNKNOWN_OPERATOR):
        message = message.replace(start, "\n" + start)
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    ours = [line for line in lines if line.startswith("lce_delegate")]
    return (ours or lines or ["no reason given"])[0]
