"""Face detectors. Each answers with boxes that frame a face as FER2013 does.

- ``blazeface``, the better one: faces turned by any angle, milliseconds a frame.
- ``cascade``, which OpenCV's package brings along: frontal, upright faces.
- ``none``, for images that are faces already.

``docs/faces_in_pictures.md`` compares them.
"""

from __future__ import annotations

from functools import cache

from fer_larq.inference.detectors.base import Detector
from fer_larq.inference.detectors.blazeface_detector import BlazeFaceDetector
from fer_larq.inference.detectors.cascade_detector import CascadeDetector
from fer_larq.inference.detectors.whole_image_detector import WholeImageDetector
from fer_larq.utils.errors import UserError, warn

DETECTORS = ("auto", "blazeface", "cascade", "none")
"""Names for ``make_detector``."""


def make_detector(name: str = "auto", threads: int = 1) -> Detector:
    """Make a detector.

    Args:
        name: one of ``DETECTORS``. ``"auto"`` is BlazeFace, or the cascade, with a warning, where
            BlazeFace's model is not at hand.
        threads: that BlazeFace uses for one image.
    """
    if name not in DETECTORS:
        raise UserError(f"detector {name!r}: choose {', '.join(DETECTORS)}")
    if name == "cascade":
        return CascadeDetector()
    if name == "none":
        return WholeImageDetector()
    try:
        return BlazeFaceDetector(threads)
    except UserError as error:
        if name == "blazeface":
            raise
        warn_once(f"{error}; until then OpenCV's cascade is used, which misses turned faces")
        return CascadeDetector()


@cache
def warn_once(message: str) -> None:
    """Print a warning, the first time that it is given."""
    warn(message)
