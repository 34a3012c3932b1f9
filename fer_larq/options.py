"""Old path of ``fer_larq.utils.options``; it goes when the training code has moved."""

from fer_larq.utils.options import *  # noqa: F403
