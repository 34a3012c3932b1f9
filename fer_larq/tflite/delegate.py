"""Open models with operators of the Larq Compute Engine (LCE) on a stock runtime.

The runtime is ``ai-edge-litert``, or ``tf.lite`` for whoever passes that module in; LCE's operators
come from ``lce_delegate``, a small library in C that is built when this package is installed.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from fer_larq.utils.errors import UserError

LIBRARY_VARIABLE = "FER_LARQ_DELEGATE"
"""Environment variable: path of a delegate library to use instead of the installed one."""

NAME = {"darwin": "liblce_delegate.dylib", "win32": "lce_delegate.dll"}.get(
    sys.platform, "liblce_delegate.so"
)

INSTALLED = tuple(Path(folder) / NAME for folder in sys.modules["fer_larq.tflite"].__path__)
"""Where the installation of this package puts the library. An editable installation keeps what was
compiled apart from the sources, so that a package has several folders."""

UNKNOWN = "Encountered unresolved custom op"
"""Begins what a runtime says of an operator that it does not know."""

BUILT = Path(__file__).resolve().parents[2] / "build" / "lce_delegate" / NAME
"""Where the library lies when it was built by hand in a checkout."""


def library_path() -> Path:
    """The delegate library: of ``LIBRARY_VARIABLE``, else ``INSTALLED``, else ``BUILT``."""
    chosen = os.environ.get(LIBRARY_VARIABLE)
    if chosen:
        if Path(chosen).is_file():
            return Path(chosen)
        raise UserError(f"{chosen} ({LIBRARY_VARIABLE}): no such file")
    for path in (*INSTALLED, BUILT):
        if path.is_file():
            return path
    raise UserError(
        "the delegate for bit-packed models was not built, since no C compiler was there: install "
        "one (Debian, Ubuntu: apt-get install gcc) and then fer_larq again (pip install .)"
    )


def kernels() -> list[str]:
    """The sets of kernels that this processor runs, the fastest first; ``portable`` is last."""
    library = ctypes.CDLL(str(library_path()))
    library.LceKernelName.restype = ctypes.c_char_p
    names: list[str] = []
    while (name := library.LceKernelName(len(names))) is not None:
        names.append(name.decode())
    return names


def load_delegate(
    num_threads: int = 1, kernel: str | None = None, *, runtime: ModuleType | None = None
) -> Any:
    """Load the delegate for the argument ``experimental_delegates`` of an ``Interpreter``.

    Args:
        num_threads: 1 to 64 threads that share each binary convolution.
        kernel: one of ``kernels()``; the fastest if None.
        runtime: ``ai_edge_litert.interpreter`` if None; or ``tensorflow.lite``.
    """
    if runtime is None:
        runtime = litert()
    load = getattr(runtime, "load_delegate", None) or runtime.experimental.load_delegate
    options = {"num_threads": num_threads, **({"kernel": kernel} if kernel else {})}
    path = library_path()
    try:
        return load(str(path), options)
    except ValueError as error:  # the delegate refuses an option, in its own words
        raise UserError(str(error).removeprefix("lce_delegate: ")) from None
    except OSError as error:
        raise UserError(f"{path}: cannot be loaded ({error}); build it again") from None


def open_model(
    model: str | os.PathLike[str] | bytes,
    *,
    num_threads: int = 1,
    kernel: str | None = None,
    runtime: ModuleType | None = None,
    **options: Any,
) -> Any:
    """Open a .tflite model, bit-packed or not, and allocate its tensors.

    Args:
        model: path or content.
        num_threads: for the runtime and for the delegate.
        kernel, runtime: see ``load_delegate``.
        options: further arguments of ``Interpreter``.

    Returns:
        The runtime's ``Interpreter``.

    Raises ``UserError`` in one line if the model cannot be read or run.
    """
    if runtime is None:
        runtime = litert()
    name = "model" if isinstance(model, bytes) else os.fspath(model)
    delegate = load_delegate(num_threads, kernel, runtime=runtime)
    try:
        content = model if isinstance(model, bytes) else Path(model).read_bytes()
        interpreter = runtime.Interpreter(
            model_content=content,
            num_threads=num_threads,
            experimental_delegates=[delegate],
            **options,
        )
        interpreter.allocate_tensors()
    except OSError as error:
        raise UserError(f"{name}: cannot be read ({error.strerror})") from None
    except (RuntimeError, ValueError) as error:
        raise UserError(f"{name}: the runtime refuses it ({reason(str(error))})") from None
    return interpreter


def reason(message: str) -> str:
    """The line of a runtime's message that says most: the delegate's own, else the first."""
    # LiteRT writes its reports one behind the other.
    message = message.replace("lce_delegate: ", "\nlce_delegate: ").replace(UNKNOWN, "\n" + UNKNOWN)
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    ours = [line for line in lines if line.startswith("lce_delegate")]
    return (ours or lines or ["no reason given"])[0]


def litert() -> ModuleType:
    """The module ``ai_edge_litert.interpreter``."""
    try:
        from ai_edge_litert import interpreter
    except ModuleNotFoundError:
        raise UserError(
            "the Python package 'ai-edge-litert' is not installed: `pip install ai-edge-litert`"
        ) from None
    return interpreter
