"""Recorded models on the stock runtime of a clean environment, which nothing of this project is in.

``python runtime_suite.py CASES`` needs NumPy, lce-delegate and a runtime. CASES is written by
``runtime_matrix.py``, which starts this and reads the line of JSON that it prints.
"""

from __future__ import annotations

import importlib
import json
import os
import platform
import sys
from collections.abc import Iterator
from importlib import metadata
from typing import Any

import numpy as np

import lce_delegate

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

RUNTIMES = {
    "ai-edge-litert": "ai_edge_litert.interpreter",
    "tensorflow": "tensorflow",
    "tflite-runtime": "tflite_runtime.interpreter",
}

TOLERANCE = 2.0**-16
"""Of a network's largest logit: the runtime's own operators round as its own build does."""


def runtime() -> tuple[str, Any]:
    """The one runtime that is installed: its package's name, and the module with Interpreter."""
    for package, module in RUNTIMES.items():
        try:
            metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
        imported = importlib.import_module(module)
        return package, getattr(imported, "lite", imported)
    raise SystemExit(f"error: none of {', '.join(RUNTIMES)} is installed")


def resolvers(module: Any) -> list[tuple[str, int, dict[str, Any]]]:
    """Words, number of threads and arguments of Interpreter: with XNNPACK, and without."""
    kinds = getattr(module, "experimental", module).OpResolverType
    name = "experimental_op_resolver_type"
    return [
        ("XNNPACK", 3, {name: kinds.AUTO}),
        ("no XNNPACK", 1, {name: kinds.BUILTIN_WITHOUT_DEFAULT_DELEGATES}),
    ]


def run(module: Any, model: bytes, values: np.ndarray, delegate: Any, **options: Any) -> np.ndarray:
    """The output for values, whose batch may be another than the model's."""
    interpreter = module.Interpreter(
        model_content=model, experimental_delegates=[delegate], **options
    )
    takes, gives = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    if tuple(takes["shape"]) != values.shape:
        interpreter.resize_tensor_input(takes["index"], values.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(takes["index"], values)
    interpreter.invoke()
    return interpreter.get_tensor(gives["index"])


def is_right(kind: str, result: np.ndarray, expected: np.ndarray) -> bool:
    if kind == "bits":
        same_kind = result.dtype == expected.dtype and result.shape == expected.shape
        return same_kind and result.tobytes() == expected.tobytes()
    same_answer = np.array_equal(result.argmax(axis=-1), expected.argmax(axis=-1))
    difference = np.abs(result.astype(np.float64) - expected).max()
    return same_answer and difference <= TOLERANCE * np.abs(expected).max()


def attempts(module: Any) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """Each kernel, with and without XNNPACK, on one thread and on three."""
    for kernel in lce_delegate.kernels():
        for words, threads, options in resolvers(module):
            delegate = lce_delegate.load(threads, kernel, module)
            yield f"{kernel}, {words}", delegate, options


def main() -> int:
    package, module = runtime()
    with np.load(sys.argv[1]) as file:
        cases = dict(file)
    count, wrong = 0, []
    for words, delegate, options in attempts(module):
        for i, (kind, name) in enumerate(zip(cases["kinds"], cases["names"], strict=True)):
            # Where XNNPACK is on, LiteRT 2.3.0 for aarch64 crashes on any operator that nobody
            # runs, without a delegate as well.
            if kind == "refusal" and words.endswith(", XNNPACK"):
                continue
            model = cases[f"model {i}"].tobytes()
            try:
                result = run(module, model, cases[f"input {i}"], delegate, **options)
                right = kind != "refusal" and is_right(kind, result, cases[f"expected {i}"])
            except (RuntimeError, ValueError):
                right = kind == "refusal"
            count += 1
            if not right:
                wrong.append(f"{name} ({words})")
    found = {
        "runtime": f"{package} {metadata.version(package)}",
        "python": platform.python_version(),
        "machine": platform.machine(),
        "numpy": np.__version__,
        "delegate": lce_delegate.__version__,
        "kernels": lce_delegate.kernels(),
        "runs": count,
        "wrong": wrong,
    }
    print(json.dumps(found))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
