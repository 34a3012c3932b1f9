"""Models of the Larq Compute Engine on a stock runtime, LiteRT or TensorFlow Lite::

from ai_edge_litert.interpreter import Interpreter

import lce_delegate

interpreter = Interpreter("model.tflite", experimental_delegates=[lce_delegate.load()])
"""

from __future__ import annotations

import ctypes
import importlib
import sys
from pathlib import Path
from typing import Any

__all__ = ["__version__", "kernels", "library_path", "load"]

RUNTIMES = ("ai_edge_litert.interpreter", "tensorflow.lite", "tflite_runtime.interpreter")
"""Modules that load delegates; the first that is installed is the default."""


def library_path() -> Path:
    """The shared library that this package brings."""
    names = {"darwin": "liblce_delegate.dylib", "win32": "lce_delegate.dll"}
    return Path(__file__).with_name(names.get(sys.platform, "liblce_delegate.so"))


def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(str(library_path()))
    library.LceKernelName.restype = library.LceDelegateVersion.restype = ctypes.c_char_p
    return library


def kernels() -> list[str]:
    """The sets of kernels that this processor runs, the fastest first; ``portable`` is last."""
    names: list[str] = []
    while (name := _library().LceKernelName(len(names))) is not None:
        names.append(name.decode())
    return names


def load(num_threads: int = 0, kernel: str | None = None, runtime: Any = None) -> Any:
    """Load the delegate, for the argument ``experimental_delegates`` of an ``Interpreter``.

    Args:
        num_threads: 1 to 64 threads that share each binary convolution; 0 takes the number that the
            interpreter is given.
        kernel: one of ``kernels()``; the fastest if None.
        runtime: a module with ``load_delegate``, as ``ai_edge_litert.interpreter``, or
            ``tensorflow.lite``; the first of ``RUNTIMES`` that is installed if None.

    Raises:
        ValueError: an option is out of range; the message says which.
        ModuleNotFoundError: no runtime is installed.
    """
    if runtime is None:
        runtime = _runtime()
    load_delegate = getattr(runtime, "load_delegate", None) or runtime.experimental.load_delegate
    options = {"num_threads": num_threads, **({"kernel": kernel} if kernel is not None else {})}
    return load_delegate(str(library_path()), options)


def _runtime() -> Any:
    for name in RUNTIMES:
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError:
            continue
    raise ModuleNotFoundError("no runtime is installed: `pip install ai-edge-litert`")


__version__: str = _library().LceDelegateVersion().decode()
