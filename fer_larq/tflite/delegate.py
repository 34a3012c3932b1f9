"""The operators of the Larq Compute Engine (LCE) for a stock runtime: LiteRT or ``tf.lite``.

They come from ``lce_delegate``, a small library in C that is built when this package is installed.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from ai_edge_litert import interpreter as litert

from fer_larq.utils.errors import UserError

LIBRARY_VARIABLE = "FER_LARQ_DELEGATE"
"""Environment variable: path of a delegate library to use instead of the installed one."""

NAME = {"darwin": "liblce_delegate.dylib", "win32": "lce_delegate.dll"}.get(
    sys.platform, "liblce_delegate.so"
)

INSTALLED = tuple(Path(folder) / NAME for folder in sys.modules["fer_larq.tflite"].__path__)
"""Where the installation of this package puts the library. An editable installation keeps what was
compiled apart from the sources, so that a package has several folders."""

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
        runtime = litert
    load = getattr(runtime, "load_delegate", None) or runtime.experimental.load_delegate
    options = {"num_threads": num_threads, **({"kernel": kernel} if kernel else {})}
    path = library_path()
    try:
        return load(str(path), options)
    except ValueError as error:  # the delegate refuses an option, in its own words
        raise UserError(str(error).removeprefix("lce_delegate: ")) from None
    except OSError as error:
        raise UserError(f"{path}: cannot be loaded ({error}); build it again") from None
