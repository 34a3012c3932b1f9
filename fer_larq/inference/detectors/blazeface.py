"""BlazeFace, a small network that finds faces (Bazarevsky et al. 2019, arXiv:1907.05047).

The model file is Google's "short range" one, see ``blazeface_file``.
"""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_larq.inference.detectors.blazeface_file import SHA256, model_file
from fer_larq.inference.geometry import Box, cut_turned
from fer_larq.tflite.interpreter import open_model
from fer_larq.utils.errors import UserError

INPUT_SIZE = 128
"""Height and width of the network's input, in pixels."""

PIXEL_VALUES = np.arange(256, dtype=np.float32) / 127.5 - 1
"""What the network takes for each value of a pixel."""

SAME_FACE_THRESHOLD = 0.3
"""Boxes whose intersection over union is larger show the same face (as MediaPipe has it)."""


def anchors() -> NDArray[np.float32]:
    """Centres of the network's 896 anchors, float32 ``[896, 2]``: x and y in input pixels.

    Two in every cell of a 16x16 grid, then six in every cell of an 8x8 grid (section 3.2 of the
    paper), row by row.
    """
    grids = []
    for cells, in_each_cell in ((16, 2), (8, 6)):
        centres = (np.arange(cells, dtype=np.float32) + 0.5) * INPUT_SIZE / cells
        y, x = np.meshgrid(centres, centres, indexing="ij")
        grids.append(np.repeat(np.stack([x.ravel(), y.ravel()], axis=1), in_each_cell, axis=0))
    return np.concatenate(grids)


class BlazeFace:
    """The network, looking at one square of an image at a time.

    Args:
        model: the model file; ``model_file()`` if None.

    Raises ``UserError`` if the file is not at hand.
    """

    def __init__(self, model: str | os.PathLike[str] | None = None):
        content = Path(model or model_file()).read_bytes()
        if hashlib.sha256(content).hexdigest() != SHA256:
            raise UserError(f"{model}: is not the BlazeFace model that this program knows")
        self.interpreter = open_model(content, with_delegate=False)
        self.input = self.interpreter.get_input_details()[0]["index"]
        outputs = {tuple(d["shape"]): d["index"] for d in self.interpreter.get_output_details()}
        self.boxes, self.logits = outputs[(1, 896, 16)], outputs[(1, 896, 1)]
        self.anchors = anchors()

    def detect(self, image: NDArray[np.uint8], where: Box, threshold: float) -> list[Box]:
        """Find the faces in a square of an image that fill between 0.3 and 1 of its side.

        Args:
            image: uint8 ``[H, W, 3]``, RGB.
            where: the square, which may be turned; what of it lies beyond the image is black.
            threshold: confidence, above 0 and below 1, that a box needs.

        Returns:
            Boxes in the image's pixels, from the brows to the chin, the most confident first, and
            turned as the eyes are.
        """
        # Not averaged, as in MediaPipe, for which the network was made: it finds more so.
        tile = cv2.LUT(cut_turned(image, where, INPUT_SIZE), PIXEL_VALUES)
        self.interpreter.set_tensor(self.input, tile[np.newaxis])
        self.interpreter.invoke()
        # Exponentials only of the few that may be above the threshold, but for rounding: each step
        # over all 896 lets other threads in between and then waits for them. The others run to
        # -100 and less, where float32's exponential overflows.
        logits = self.interpreter.get_tensor(self.logits)[0, :, 0]
        chosen = np.flatnonzero(logits > math.log(threshold / (1 - threshold)) - 0.01)
        confidences = 1 / (1 + np.exp(-logits[chosen]))
        sure = confidences > threshold
        chosen, confidences = chosen[sure], confidences[sure]
        if not len(chosen):
            return []
        # Sixteen numbers for each anchor, in input pixels: the box's centre, relative to the
        # anchor, its width and height, which are equal, and x and y of the six ``KEY_POINTS``.
        raw = self.interpreter.get_tensor(self.boxes)[0, chosen]
        points = raw.reshape(-1, 8, 2)
        points[:, 0] += self.anchors[chosen]
        points[:, 2:] += self.anchors[chosen, np.newaxis]
        points[:, 1] = np.abs(points[:, 1])
        return [located(blended, where) for blended in blend(points, confidences)]


def blend(
    points: NDArray[np.float32], confidences: NDArray[np.float32]
) -> list[tuple[NDArray[np.float32], float]]:
    """One answer for each face: the mean of those that overlap, weighted by their confidence.

    The paper's section 3.3: steadier from frame to frame than keeping only the best box. The
    result has the confidence of the best one.

    Args:
        points: float ``[N, 2 or more, 2]``: the box's centre, its sides, key points.
        confidences: float ``[N]``, 0 to 1.

    Returns:
        Of each face float ``[2 or more, 2]`` and its confidence, the most confident first.
    """
    order = np.argsort(-confidences, kind="stable")
    points, confidences = points[order], confidences[order]
    halves = points[:, 1] / 2
    begins, ends, areas = points[:, 0] - halves, points[:, 0] + halves, points[:, 1, 0] ** 2
    blended, left = [], np.arange(len(points))
    while len(left):
        first = left[0]
        shared = np.minimum(ends[first], ends[left]) - np.maximum(begins[first], begins[left])
        area = np.maximum(shared, 0).prod(axis=1)
        same = area > SAME_FACE_THRESHOLD * (areas[first] + areas[left] - area)
        same[0] = True
        # ``np.average`` computes the same, in three times the time.
        chosen = left[same]
        weights = confidences[chosen, np.newaxis, np.newaxis]
        mean = (points[chosen] * weights).sum(axis=0) / weights.sum(axis=0)
        blended.append((mean, float(confidences[first])))
        left = left[~same]
    return blended


def located(blended: tuple[NDArray[np.float32], float], where: Box) -> Box:
    """The box, in an image's pixels, of a face that was found in the tile ``where``."""
    points, confidence = blended
    scale = where.side / INPUT_SIZE
    side = float(points[1, 0]) * scale
    right_eye, left_eye, nose = points[2:5]
    across = left_eye - right_eye
    distance = max(float(np.hypot(*across)), 1e-6)
    nose_offset = abs(float(across @ (nose - (right_eye + left_eye) / 2))) / distance**2
    angle = where.angle + math.degrees(math.atan2(across[1], across[0]))
    x, y = (points[0] - INPUT_SIZE / 2) * scale
    centre = replace(where, left=where.centre[0] - side / 2, top=where.centre[1] - side / 2)
    box = centre.moved(float(x), float(y))
    return Box(box.left, box.top, side, confidence, signed(angle), nose_offset)


def signed(degrees: float) -> float:
    """The same angle between -180 and 180 degrees."""
    return (degrees + 180) % 360 - 180


def mean_box(boxes: Sequence[Box], confidence: float) -> Box:
    """The mean of some boxes of one face, weighted by their confidence."""
    weights = np.array([box.confidence for box in boxes])
    weights = weights / weights.sum()
    left, top, side = weights @ np.array([(box.left, box.top, box.side) for box in boxes])
    turns = np.radians([box.angle for box in boxes])
    angle = math.degrees(math.atan2(weights @ np.sin(turns), weights @ np.cos(turns)))
    offset = float(weights @ np.array([box.nose_offset or 0.0 for box in boxes]))
    return Box(float(left), float(top), float(side), confidence, angle, offset)
