"""Old path of ``fer_larq.utils.backend``; it goes when the training code has moved."""

from fer_larq.utils.backend import lq, tf

__all__ = ["lq", "tf"]
