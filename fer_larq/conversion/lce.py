"""The Larq Compute Engine (LCE): its converter and its interpreter. Both load TensorFlow."""

from __future__ import annotations

import tempfile
from typing import Any

from fer_larq.datasets.crops import CROP_SIZE
from fer_larq.tflite.interpreter import Runner
from fer_larq.utils.backend import tf
from fer_larq.utils.errors import UserError


def engine() -> Any:
    """The package ``larq_compute_engine``; ``UserError`` where it is not installed."""
    try:
        import larq_compute_engine
        import larq_compute_engine.tflite.python.interpreter
    except ModuleNotFoundError:
        raise UserError(
            "the Python package 'larq_compute_engine' is not installed: conversion and the check "
            "of bit-packed models need it, `pip install 'fer_larq[train]'` brings it"
        ) from None
    return larq_compute_engine


def lce_conversion(network: tf.keras.Model) -> bytes:
    """What LCE's converter makes of a Keras network by itself, for one crop.

    It is handed a bare function: saving a whole Keras model takes several times as long.
    """
    shape = (1, CROP_SIZE, CROP_SIZE, 1)

    @tf.function(input_signature=[tf.TensorSpec(shape, tf.float32, name="crop")])
    def scores(crop: tf.Tensor) -> tf.Tensor:
        return network(crop, training=False)

    module = tf.Module()
    module.variables_of_network = network.variables  # saved are those that the module knows
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, folder, signatures=scores)
        return bytes(engine().convert_saved_model(folder))


def lce_runner(content: bytes, num_threads: int = 1, indirect: bool = True) -> Runner:
    """A function that runs a model in LCE's interpreter.

    Args:
        content: a TFLite model; its batch size is fixed.
        indirect: use the kernels of indirect binary matrix products, the faster ones.
    """
    python = engine().tflite.python.interpreter
    interpreter = python.Interpreter(content, num_threads, use_indirect_bgemm=indirect)
    return lambda values: interpreter.interpreter.predict([values])
