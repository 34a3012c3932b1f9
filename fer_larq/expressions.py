"""Old path of ``fer_larq.datasets.labels``; it goes when the training code has moved."""

from fer_larq.datasets.labels import EXPRESSIONS

__all__ = ["EXPRESSIONS"]
