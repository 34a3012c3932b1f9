"""Old path of ``fer_larq.utils.errors``; it goes when the training code has moved."""

from fer_larq.utils.errors import *  # noqa: F403
