"""Draw results into an image: a box, a label and seven bars for each face."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from fer_larq.inference.face import Face

COLOURS = {
    "angry": (226, 61, 61),
    "disgust": (120, 171, 48),
    "fear": (156, 99, 214),
    "happy": (245, 176, 20),
    "sad": (66, 135, 245),
    "surprise": (20, 178, 170),
    "neutral": (148, 156, 166),
}
"""RGB of each expression."""

OTHER_COLOUR = (230, 230, 230)

PANEL = (18, 20, 24, 190)
"""RGBA behind the bars."""

Rectangle = tuple[float, float, float, float]
"""Left, top, right and bottom, in pixels."""


@lru_cache(maxsize=8)
def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own font at a size in pixels."""
    return ImageFont.load_default(size)


def colour(label: str) -> tuple[int, int, int]:
    """RGB of an expression."""
    return COLOURS.get(label, OTHER_COLOUR)


def annotate(
    image: NDArray[np.uint8], faces: Sequence[Face], scale: float = 1.0
) -> NDArray[np.uint8]:
    """Draw faces into a copy of an image.

    Each has its box, its expression, and beside it, where there is room that no other face
    needs, seven bars, see ``Face.bars``. A question mark says that the answer is uncertain.

    Args:
        image: uint8 ``[H, W, 3]``.
        faces: what to draw.
        scale: the faces' pixels for each pixel of the image.

    Returns:
        uint8 ``[H, W, 3]``.
    """
    picture = Image.fromarray(image)
    draw = ImageDraw.Draw(picture, "RGBA")
    text = round(min(max(max(image.shape) / 55, 12), 36))
    line = max(2, text // 7)
    boxes = [
        (f.left / scale, f.top / scale, (f.left + f.side) / scale, (f.top + f.side) / scale)
        for f in faces
    ]
    taken = list(boxes)
    for face, box in zip(faces, boxes, strict=True):
        middle, side = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2), box[2] - box[0]
        corners = cv2.boxPoints((middle, (side, side), face.angle)).tolist()
        draw.line([tuple(c) for c in (*corners, corners[0])], colour(face.expression), line)
    for face, box in zip(faces, boxes, strict=True):
        panel = room_for_bars(face.scores, box, taken, picture.size, text)
        if panel is not None:
            taken.append(panel)
            draw_bars(draw, face.bars(), face.expression, panel, text)
        # In a crowd, a smaller label covers less of the others.
        size = round(min(text, max(10, face.side / scale / 5)))
        draw_label(draw, face.expression, "?" if face.quality else "", box, size)
    return np.asarray(picture)


def draw_label(draw: ImageDraw.ImageDraw, label: str, mark: str, box: Rectangle, text: int) -> None:
    """The expression on a tab on top of the box, or inside it at the image's edge."""
    width, height = font(text).getlength(label + mark) + 0.8 * text, 1.4 * text
    left = max(box[0], 0)
    top = box[1] - height if box[1] >= height else max(box[1], 0)
    draw.rectangle((left, top, left + width, top + height), fill=colour(label))
    # Dark letters stand out from all of these colours.
    draw.text(
        (left + 0.4 * text, top + height / 2), label + mark, (16, 18, 22), font=font(text),
        anchor="lm",
    )  # fmt: skip


def bars_size(scores: Mapping[str, float], text: int) -> tuple[float, float]:
    """Width and height of the panel of bars."""
    return 12.5 * text, (1.35 * len(scores) + 0.7) * text


def room_for_bars(
    scores: Mapping[str, float],
    box: Rectangle,
    taken: Sequence[Rectangle],
    size: tuple[int, int],
    text: int,
) -> Rectangle | None:
    """A place for the bars beside a box: in the image and free; None if there is none."""
    width, height = bars_size(scores, text)
    gap = 0.4 * text
    left, top, right, bottom = box
    y = min(max(top, 0), size[1] - height)
    x = min(max(left, 0), size[0] - width)
    for place_x, place_y in (
        (right + gap, y), (left - gap - width, y), (x, bottom + gap), (x, top - 2 * text - height),
    ):  # fmt: skip
        place = (place_x, place_y, place_x + width, place_y + height)
        inside = place_x >= 0 and place_y >= 0 and place[2] <= size[0] and place[3] <= size[1]
        if inside and not any(touch(place, other) for other in taken):
            return place
    return None


def touch(a: Rectangle, b: Rectangle) -> bool:
    """Whether two rectangles share any area."""
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def draw_bars(
    draw: ImageDraw.ImageDraw,
    bars: Mapping[str, tuple[float, str]],
    best: str,
    panel: Rectangle,
    text: int,
) -> None:
    """The panel with a bar for each expression."""
    draw.rectangle(panel, fill=PANEL)
    small = font(max(round(0.85 * text), 9))
    bar_left, bar_right = panel[0] + 5.2 * text, panel[2] - 3.0 * text
    for row, (label, (length, shown)) in enumerate(bars.items()):
        middle = panel[1] + (0.35 + 1.35 * (row + 0.5)) * text
        white = (255, 255, 255) if label == best else (190, 195, 202)
        draw.text((panel[0] + 0.5 * text, middle), label, white, font=small, anchor="lm")
        draw.text((panel[2] - 0.4 * text, middle), shown, white, font=small, anchor="rm")
        top, bottom = middle - 0.38 * text, middle + 0.38 * text
        draw.rectangle((bar_left, top, bar_right, bottom), fill=(255, 255, 255, 34))
        end = bar_left + length * (bar_right - bar_left)
        if end - bar_left >= 1:
            draw.rectangle((bar_left, top, end, bottom), fill=colour(label))
