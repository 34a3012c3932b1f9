"""Old path of ``fer_larq.utils.files``; it goes when the training code has moved."""

from fer_larq.utils.files import *  # noqa: F403
