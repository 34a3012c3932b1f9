"""Names and numbers of TensorFlow Lite's ``schema.fbs`` that reading and writing share."""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

FILE_IDENTIFIER = b"TFL3"
SCHEMA_VERSION = 3

SIGNATURE = "serving_default"
"""Name under which TFLite's signature runners find inputs and outputs by their names."""

ALIGNMENT = 16
"""Bytes, of every constant, as ``schema.fbs`` demands of ``Buffer.data`` (``force_align``)."""

NO_TENSOR = -1
"""Stands for an optional input that is absent."""

LCE_PREFIX = "Lce"
"""Begins the name of every operator of the Larq Compute Engine."""

OPERATOR_NAMES = {
    code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)
}

TYPE_NAMES = {
    code: name.lower() for name, code in vars(schema.TensorType).items() if isinstance(code, int)
}

TENSOR_TYPES: dict[np.dtype[Any], int] = {
    np.dtype(np.float32): schema.TensorType.FLOAT32,
    np.dtype(np.float16): schema.TensorType.FLOAT16,
    np.dtype(np.int32): schema.TensorType.INT32,
    np.dtype(np.int8): schema.TensorType.INT8,
    np.dtype(np.uint8): schema.TensorType.UINT8,
}
