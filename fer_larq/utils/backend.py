"""The one place that imports TensorFlow and Larq.

Larq needs Keras 2, which TensorFlow offers as ``tf_keras`` if ``TF_USE_LEGACY_KERAS`` is set
before TensorFlow is first imported. Training and conversion import from here::

    from fer_larq.utils.backend import lq, tf
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from fer_larq.utils.errors import MissingPackage, UserError, refuse_import

if sys.modules.get("tensorflow") and os.environ.get("TF_USE_LEGACY_KERAS") != "1":
    refuse_import(
        UserError(
            "TensorFlow was imported before fer_larq and uses Keras 3, which Larq cannot: "
            "set the environment variable TF_USE_LEGACY_KERAS=1 or import fer_larq first"
        )
    )
os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # a GPU that is absent is no news here
# TensorFlow leaves oneDNN off on processors without AVX-512, where it trains faster as well.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


@contextmanager
def suppress_native_stderr() -> Iterator[None]:
    """Hold back what native code writes to standard error, unless the body fails.

    While it is loaded, TensorFlow reports absent GPU drivers before it has read its log level.
    """
    sys.stderr.flush()
    with tempfile.TemporaryFile() as held:
        kept = os.dup(2)
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(kept, held.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)


try:
    with suppress_native_stderr():
        import larq as lq
        import tensorflow as tf
except ModuleNotFoundError as missing:
    refuse_import(
        MissingPackage(
            f"the Python package {missing.name!r} is not installed: training, evaluation of Keras "
            "networks and conversion need it, `pip install 'fer_larq[train]'` brings it to "
            "Python 3.10, 3.11 or 3.12"
        )
    )

__all__ = ["lq", "tf"]
