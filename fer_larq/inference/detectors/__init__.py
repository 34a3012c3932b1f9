"""Face detectors. Each answers with boxes that frame a face as FER2013 does.

- ``blazeface``, the better one: upright and turned faces, milliseconds a frame. Its model is
  fetched once (``python -m fer_larq.inference.detectors.blazeface``).
- ``cascade``, which OpenCV's package brings along: frontal faces.

``docs/faces_in_pictures.md`` compares them.
"""

from __future__ import annotations

from fer_larq.inference.detectors.base import Detector
from fer_larq.inference.detectors.blazeface_detector import BlazeFaceDetector
from fer_larq.inference.detectors.cascade_detector import CascadeDetector
from fer_larq.utils.errors import UserError, warn

DETECTORS = ("auto", "blazeface", "cascade")
"""Names for ``make_detector``."""


def make_detector(name: str = "auto") -> Detector:
    """Make a detector.

    Args:
        name: one of ``DETECTORS``. ``"auto"`` is BlazeFace, or the cascade, with a warning, where
            BlazeFace's model is not at hand and cannot be fetched.
    """
    if name not in DETECTORS:
        raise UserError(f"detector {name!r}: choose {', '.join(DETECTORS)}")
    if name == "cascade":
        return CascadeDetector()
    try:
        return BlazeFaceDetector()
    except UserError as error:
        if name == "blazeface":
            raise
        warn(f"{error}; using OpenCV's cascade instead, which misses turned faces")
        return CascadeDetector()
