"""The one place that imports TensorFlow and Larq.

Larq needs Keras 2, which TensorFlow offers as ``tf_keras`` if ``TF_USE_LEGACY_KERAS`` is set
before TensorFlow is first imported. Training and conversion import from here::

    from fer_larq.backend import lq, tf
"""

from __future__ import annotations

import os
import sys

from fer_larq.errors import UserError

if "tensorflow" in sys.modules and os.environ.get("TF_USE_LEGACY_KERAS") != "1":
    raise UserError(
        "TensorFlow was imported before fer_larq and uses Keras 3, which Larq cannot: "
        "set the environment variable TF_USE_LEGACY_KERAS=1 or import fer_larq first"
    )
os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # a GPU that is absent is no news here

try:
    import larq as lq
    import tensorflow as tf
except ModuleNotFoundError as missing:
    raise UserError(
        f"the Python package {missing.name!r} is not installed: training, evaluation of Keras "
        "networks and conversion need it, `pip install 'fer_larq[train]'` brings it"
    ) from missing

__all__ = ["lq", "tf"]
