"""Old path of ``fer_larq.datasets.crops``; it goes when the training code has moved."""

from fer_larq.datasets.crops import *  # noqa: F403
