"""Arithmetic of the training steps: float32, bfloat16 or integers of eight bits."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from fer_larq.models.int8 import kernels
from fer_larq.training.recipes import Recipe
from fer_larq.utils.backend import tf
from fer_larq.utils.errors import UserError


def choose_precision(wanted: str, recipe: Recipe) -> str:
    """What ``auto`` means for a recipe on this machine: bfloat16 on a GPU, int8 where its kernels
    run, else bfloat16 where that is native."""
    in_integers = recipe.binary and recipe.pseudo_gradient == "ste_sign"
    if wanted == "int8" and not in_integers:
        raise UserError("--precision int8: is for binary networks with ste_sign; leave it out")
    if wanted == "int8" and not kernels.available():
        raise UserError(
            "--precision int8: needs an x86-64 processor with AVX2, and a C compiler when fer_larq "
            "is installed; leave the flag out to take what this machine has"
        )
    if wanted != "auto":
        return wanted
    if in_integers and kernels.available() and not tf.config.list_physical_devices("GPU"):
        return "int8"
    return "bfloat16" if native_bfloat16() else "float32"


def native_bfloat16() -> bool:
    """Whether a GPU, or this processor, multiplies numbers in bfloat16."""
    if tf.config.list_physical_devices("GPU"):
        return True
    try:
        processor = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return False
    return bool({"avx512_bf16", "amx_bf16", "bf16"} & set(processor.split()))


@contextlib.contextmanager
def precision_policy(precision: str) -> Iterator[None]:
    """Build layers under Keras's mixed precision policy of that name."""
    previous = tf.keras.mixed_precision.global_policy()
    name = "mixed_bfloat16" if precision == "bfloat16" else "float32"
    tf.keras.mixed_precision.set_global_policy(name)
    try:
        yield
    finally:
        tf.keras.mixed_precision.set_global_policy(previous)
