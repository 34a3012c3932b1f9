"""Draw a grey face of 48x48 pixels from random parameters.

The shape of head, hair, brows, eyes, nose and mouth, the turn of the head, light, blur and noise
are random. The expression moves brows, lids, mouth and folds roughly as the facial action coding
system describes it (Ekman and Friesen, 1978).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from fer_larq.datasets.crops import FACE_SIZE
from fer_larq.datasets.face_canvas import CANVAS, OVERSAMPLING, Canvas, Points, curve, ellipse, grey


@dataclass(frozen=True)
class Expression:
    """How an expression moves a face; lengths are in half widths of the head.

    The defaults are a neutral face.
    """

    inner_brow: float = 0.0  # raised above its place
    outer_brow: float = 0.0
    brow_arch: float = 0.06  # its middle, above the straight line
    brows_together: float = 0.0
    upper_lid: float = 0.11  # above the line through the corners of the eye
    lower_lid: float = 0.07
    mouth_width: float = 0.33  # half of it
    corners: float = 0.0  # raised above the middle of the mouth
    upper_lip: float = 0.0  # opened above the middle
    lower_lip: float = 0.0
    square: float = 0.0  # 0: the opening is a lens, 1: nearly a rectangle
    teeth: float = 0.0  # how much of the opening they fill
    frown_lines: float = 0.0  # 0 to 1, between the brows
    nose_wrinkles: float = 0.0
    smile_folds: float = 0.15  # from the nose to the corners of the mouth
    forehead_lines: float = 0.0


ANGRY = dict(
    inner_brow=-0.20, outer_brow=0.07, brow_arch=0.02, brows_together=0.07, frown_lines=1.0
)

DISGUST = dict(inner_brow=-0.13, outer_brow=-0.06, upper_lid=0.05, lower_lid=0.02)

FEAR = dict(inner_brow=0.24, outer_brow=0.05, brow_arch=0.02, brows_together=0.06)

HAPPY = dict(upper_lid=0.09, lower_lid=0.01, brow_arch=0.09, smile_folds=0.9)

SAD = dict(inner_brow=0.17, outer_brow=-0.13, brow_arch=-0.01, upper_lid=0.05, lower_lid=0.06)

SURPRISE = dict(inner_brow=0.22, outer_brow=0.22, brow_arch=0.13, forehead_lines=0.8)

VARIANTS: dict[str, tuple[Expression, ...]] = {
    "angry": (
        Expression(**ANGRY, mouth_width=0.27, corners=-0.08),
        Expression(
            **ANGRY,
            **dict(mouth_width=0.34, corners=-0.06, upper_lip=0.10, lower_lip=0.12),
            **dict(square=1.0, teeth=1.0),
        ),
    ),
    "disgust": (
        Expression(**DISGUST, mouth_width=0.32, corners=-0.16, upper_lip=0.02),
        Expression(
            **DISGUST,
            **dict(mouth_width=0.32, corners=-0.15, upper_lip=0.12, lower_lip=0.02),
            **dict(square=0.5, teeth=0.6),
        ),
    ),
    "fear": (
        Expression(
            **FEAR,
            **dict(mouth_width=0.38, corners=-0.07, upper_lip=0.06, lower_lip=0.13),
            **dict(square=0.7, teeth=0.3),
        ),
    ),
    "happy": (
        Expression(**HAPPY, mouth_width=0.45, corners=0.16),
        Expression(
            **HAPPY,
            **dict(mouth_width=0.47, corners=0.17, upper_lip=-0.03, lower_lip=0.18, teeth=0.6),
        ),
    ),
    "sad": (Expression(**SAD, mouth_width=0.29, corners=-0.15),),
    "surprise": (
        Expression(**SURPRISE, mouth_width=0.20, upper_lip=0.14, lower_lip=0.26, square=0.3),
    ),
    "neutral": (Expression(),),
}
"""For each of ``EXPRESSIONS`` the ways in which a face shows it at full strength."""


def draw_face(expression: str, random: np.random.Generator) -> NDArray[np.uint8]:
    """Draw one face, uint8 ``[48, 48]``, with an expression of random strength and variant."""
    variants = VARIANTS[expression]
    shown = weakened(variants[random.integers(len(variants))], random)
    canvas = Canvas(random)
    person = Person(random)
    draw_head(canvas, person, random)
    for side in (-1, 1):
        draw_eye(canvas, person, shown, side, random)
        draw_brow(canvas, person, shown, side, random)
    draw_nose(canvas, person, shown)
    draw_mouth(canvas, person, shown)
    draw_folds(canvas, person, shown)
    if random.random() < 0.15:
        draw_glasses(canvas, person)
    if random.random() < 0.15:
        draw_occlusion(canvas, random)
    return photograph(canvas.image, random)


def weakened(full: Expression, random: np.random.Generator) -> Expression:
    """An expression between neutral and somewhat more than full, each movement a bit off."""
    strength = random.uniform(0.7, 1.2)
    neutral = Expression()
    values = {}
    for parameter in fields(Expression):
        rest, moved = getattr(neutral, parameter.name), getattr(full, parameter.name)
        values[parameter.name] = rest + strength * random.uniform(0.75, 1.25) * (moved - rest)
    values["corners"] += random.normal(0, 0.015)
    values["inner_brow"] += random.normal(0, 0.025)
    values["outer_brow"] += random.normal(0, 0.025)
    values["upper_lid"] = max(0.02, values["upper_lid"] * random.uniform(0.85, 1.15))
    return Expression(**values)


class Person:
    """What stays the same while an expression changes."""

    def __init__(self, random: np.random.Generator):
        self.skin = random.uniform(75, 225)
        self.hair = random.choice((random.uniform(10, 70), random.uniform(10, 230)))
        self.hair_style = random.choice(("short", "fringe", "long", "bald"), p=(0.4, 0.2, 0.3, 0.1))
        self.bearded = random.random() < 0.15
        self.jaw = random.uniform(2.0, 3.0)  # exponent of the outline: round to square
        self.eye_distance = random.uniform(0.38, 0.46)
        self.eye_height = random.uniform(-0.30, -0.20)
        self.eye_width = random.uniform(0.17, 0.22)
        self.iris = random.uniform(10, 90)
        self.gaze = random.normal(0, 0.02)
        self.brow_height = random.uniform(0.24, 0.31)
        self.brow_width = random.uniform(0.05, 0.11)
        self.nose_length = random.uniform(0.36, 0.48)
        self.nose_width = random.uniform(0.11, 0.19)
        self.mouth_height = random.uniform(0.55, 0.66)
        self.lips = random.uniform(0.03, 0.08)
        self.shadow = self.skin * random.uniform(0.45, 0.65)


def draw_head(canvas: Canvas, person: Person, random: np.random.Generator) -> None:
    """Background, neck, ears, head, hair and beard."""
    canvas.pen.rectangle((0, 0, CANVAS, CANVAS), fill=grey(random.uniform(10, 245)))
    if person.hair_style == "long":
        canvas.fill(outline(person, 1.22, 1.5, top=1.45), person.hair, flat=True)
    neck = ((-0.55, 0.6), (0.55, 0.6), (0.7, 2.5), (-0.7, 2.5))
    canvas.fill(neck, person.skin * 0.8, flat=True)
    for side in (-1, 1):
        ear = ellipse(side * 1.0 - math.sin(canvas.yaw) * 0.3, -0.1, 0.12, 0.26)
        canvas.fill(ear, person.skin * 0.9, flat=True)
    canvas.fill(outline(person, 1.0, 1.25), person.skin, flat=True)
    dark_hair = min(person.hair, person.skin * 0.6)
    if person.bearded:
        jaw = [point for point in outline(person, 0.99, 1.24) if point[1] > 0.1]
        cheeks = [(-0.75, 0.35), (-0.48, 0.55), (0.0, 0.42), (0.48, 0.55), (0.75, 0.35)]
        canvas.fill([*jaw, *cheeks], 0.7 * person.skin + 0.3 * dark_hair, flat=True)
    if person.hair_style != "bald":
        skull = [point for point in outline(person, 1.06, 1.3) if point[1] < -0.35]
        skull.sort(key=lambda point: math.atan2(point[1], point[0]))
        line = {"short": -0.85, "long": -0.80, "fringe": -0.62}[person.hair_style]
        parting = random.uniform(-0.4, 0.4)
        hairline = [(0.86, -0.45), (0.6, line), (parting, line - 0.1), (-0.6, line), (-0.86, -0.45)]
        canvas.fill([*skull, *hairline], person.hair, flat=True)


def draw_eye(
    canvas: Canvas, person: Person, shown: Expression, side: int, random: np.random.Generator
) -> None:
    """White, iris cut by the lids, pupil, and the line of the upper lid."""
    x0, y0, width = side * person.eye_distance, person.eye_height, person.eye_width
    upper = shown.upper_lid * random.uniform(0.9, 1.1)
    lower = shown.lower_lid * random.uniform(0.9, 1.1)

    def lids(x: float) -> tuple[float, float]:
        opening = 1.0 - min(1.0, abs(x / width)) ** 2
        return -upper * opening, lower * opening

    def between_lids(points: Points) -> list[tuple[float, float]]:
        return [(x0 + x, y0 + min(max(y, lids(x)[0]), lids(x)[1])) for x, y in points]

    across = [width * step / 5 for step in range(-5, 6)]
    above = [(x0 + x, y0 + lids(x)[0]) for x in across]
    below = [(x0 + x, y0 + lids(x)[1]) for x in across]
    canvas.fill([*above, *reversed(below)], 150 + 0.4 * person.skin)
    canvas.fill(between_lids(ellipse(person.gaze, -0.01, 0.10, 0.10)), person.iris)
    canvas.fill(between_lids(ellipse(person.gaze, -0.01, 0.05, 0.05)), 5)
    canvas.stroke(above, person.shadow * 0.5, 0.045)
    canvas.stroke(below, person.shadow, 0.02)
    crease = [(x, y - 0.07) for x, y in above[2:9]]
    canvas.stroke(crease, person.shadow * 1.2, 0.02)


def draw_brow(
    canvas: Canvas, person: Person, shown: Expression, side: int, random: np.random.Generator
) -> None:
    """A line that thins towards the temple."""
    y0 = person.eye_height - person.brow_height
    inner = (0.17 - shown.brows_together, y0 - shown.inner_brow + random.normal(0, 0.01))
    outer = (0.72, y0 + 0.03 - shown.outer_brow + random.normal(0, 0.01))
    points = curve(inner, outer, -shown.brow_arch)
    tone = min(person.hair, person.skin * 0.6)
    for part, width in ((points[:4], 1.0), (points[3:6], 0.85), (points[5:], 0.6)):
        line = [(side * x, y) for x, y in part]
        canvas.stroke(line, tone, width * person.brow_width)


def draw_nose(canvas: Canvas, person: Person, shown: Expression) -> None:
    """Shadow of one side, wings, nostrils, and wrinkles on the bridge."""
    tip = person.eye_height + person.nose_length - 0.05 * shown.nose_wrinkles
    width = person.nose_width * (1 + 0.2 * shown.nose_wrinkles)
    canvas.stroke([(0.08, -0.2), (0.06, 0.0), (width, tip)], person.skin * 0.82, 0.04)
    canvas.stroke(curve((-width, tip), (width, tip), 0.07), person.shadow, 0.035)
    for side in (-1, 1):
        canvas.fill(ellipse(side * width * 0.55, tip + 0.02, 0.045, 0.025), person.shadow * 0.5)
        if shown.nose_wrinkles > 0.3:
            for step in (0.0, 0.09):
                start, end = (side * 0.04, -0.12 + step), (side * 0.19, -0.20 + step)
                canvas.stroke([start, end], person.shadow, 0.03)


def draw_mouth(canvas: Canvas, person: Person, shown: Expression) -> None:
    """Lips, and between them the line where they meet, or the open mouth and its teeth."""
    width, y0 = shown.mouth_width, person.mouth_height
    power = 2 + 3 * shown.square
    across = [width * step / 8 for step in range(-8, 9)]

    def edge(opening: float, lip: float) -> list[tuple[float, float]]:
        line = []
        for x in across:
            bend = (x / width) ** 2
            lens = 1 - abs(x / width) ** power
            line.append((x, y0 - shown.corners * bend + opening * lens + lip * (1 - bend) ** 0.5))
        return line

    tone = person.skin * 0.7
    canvas.fill(
        [
            *edge(-shown.upper_lip, -person.lips),
            *reversed(edge(shown.lower_lip, person.lips * 1.4)),
        ],
        tone,
    )
    above, below = edge(-shown.upper_lip, 0), edge(shown.lower_lip, 0)
    gap = shown.upper_lip + shown.lower_lip
    if gap > 0.06:
        canvas.fill([*above, *reversed(below)], 25)
        if shown.teeth > 0.15:
            biting = edge(-shown.upper_lip + shown.teeth * gap * 0.95, 0)
            canvas.fill([*above[1:-1], *reversed(biting[1:-1])], 235)
            if shown.teeth > 0.8:
                canvas.stroke(edge(gap / 2 - shown.upper_lip, 0)[1:-1], 90, 0.025)
    canvas.stroke(above, person.shadow * 0.5, 0.04)
    if gap > 0.06:
        canvas.stroke(below, person.shadow * 0.6, 0.03)


def draw_folds(canvas: Canvas, person: Person, shown: Expression) -> None:
    """Lines beside nose and mouth, between the brows and on the forehead."""
    nose = person.eye_height + person.nose_length
    brow = person.eye_height - person.brow_height
    for side in (-1, 1):
        if shown.smile_folds > 0.3:
            start = (side * (person.nose_width + 0.07), nose - 0.05)
            end = (side * (shown.mouth_width + 0.12), person.mouth_height - shown.corners * 0.5)
            tone = person.skin + (person.shadow - person.skin) * min(1.0, shown.smile_folds)
            canvas.stroke(curve(start, end, -0.06 * side), tone, 0.035)
        if shown.frown_lines > 0.3:
            x = side * 0.06
            canvas.stroke([(x, brow + 0.16), (x * 0.8, brow - 0.02)], person.shadow, 0.035)
    if shown.forehead_lines > 0.3:
        for step in (0.0, 0.10):
            y = brow - 0.32 - step
            canvas.stroke(curve((-0.4, y), (0.4, y), -0.03), person.shadow * 1.2, 0.025)


def draw_glasses(canvas: Canvas, person: Person) -> None:
    """Two rings and a bridge."""
    for side in (-1, 1):
        ring = ellipse(side * person.eye_distance, person.eye_height + 0.02, 0.30, 0.25)
        canvas.stroke([*ring, ring[0]], 20, 0.035)
    bridge = person.eye_distance - 0.3
    canvas.stroke([(-bridge, person.eye_height), (bridge, person.eye_height)], 20, 0.035)


def draw_occlusion(canvas: Canvas, random: np.random.Generator) -> None:
    """Something before the face, such as a hand or a strand of hair: a bar from the border."""
    angle = random.uniform(0, 2 * math.pi)
    x, y = math.cos(angle), math.sin(angle)
    half = random.uniform(0.10, 0.22)
    depth = random.uniform(0.35, 0.7)
    bar = [
        (x * depth - y * half, y * depth + x * half),
        (x * depth + y * half, y * depth - x * half),
        (x * 3 + y * half, y * 3 - x * half),
        (x * 3 - y * half, y * 3 + x * half),
    ]
    canvas.fill(bar, random.uniform(20, 230), flat=True)


def photograph(image: Image.Image, random: np.random.Generator) -> NDArray[np.uint8]:
    """Light from one side, blur, contrast and noise; uint8 ``[48, 48]``."""
    small = image.reduce(OVERSAMPLING).filter(ImageFilter.GaussianBlur(random.uniform(0, 0.6)))
    pixels = np.asarray(small, np.float32)
    axis = np.linspace(-1, 1, FACE_SIZE, dtype=np.float32)
    x, y = axis[None, :], axis[:, None]
    across, down = random.normal(0, (0.28, 0.15))
    light = 1 + np.float32(across) * x + np.float32(down) * y - np.float32(0.25) * (x * x + y * y)
    gain, offset = random.uniform(0.7, 1.15), random.uniform(-10, 45)
    noise = random.standard_normal(pixels.shape, np.float32) * np.float32(random.uniform(2, 10))
    pixels = pixels * np.maximum(light, 0.1) * np.float32(gain) + np.float32(offset) + noise
    grey: NDArray[np.uint8] = np.clip(np.rint(pixels), 0, 255).astype(np.uint8)
    return grey


def outline(
    person: Person, width: float, height: float, top: float | None = None
) -> list[tuple[float, float]]:
    """The outline of a head: a superellipse whose lower half narrows to the chin."""
    points = []
    for step in range(40):
        angle = 2 * math.pi * step / 40
        cos, sin = math.cos(angle), math.sin(angle)
        power = 2 / (person.jaw if sin > 0 else 2.2)
        x = width * math.copysign(abs(cos) ** power, cos)
        y = (height if sin > 0 else top or height) * math.copysign(abs(sin) ** power, sin)
        points.append((x * (1 - 0.22 * max(0.0, y) ** 1.5), y))
    return points
