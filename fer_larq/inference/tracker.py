"""Which face in a video's frame is which face of the frames before."""

from __future__ import annotations

from collections.abc import Sequence

from fer_larq.inference.geometry import Box, overlap

REMEMBERED_FRAMES = 20
"""Frames for which a face that is lost from sight keeps its number."""

SAME_FACE_THRESHOLD = 0.3
"""Intersection over union of a face's boxes in two frames, at least."""


class FaceTracker:
    """Numbers the faces of one video by where they are.

    Attributes:
        frame_number: frames so far.
    """

    def __init__(self) -> None:
        self.frame_number = 0
        self.faces_so_far = 0
        self.seen: dict[int, tuple[Box, int]] = {}
        """Of each number the last box, and the frame that it was in."""

    @property
    def boxes(self) -> list[Box]:
        """The last boxes of the faces that may come back."""
        return [box for box, _ in self.seen.values()]

    def track(self, boxes: Sequence[Box]) -> list[int]:
        """Numbers of the faces in the next frame: by place, those of the faces seen before."""
        recent = {
            number: box
            for number, (box, when) in self.seen.items()
            if self.frame_number - when <= REMEMBERED_FRAMES
        }
        numbers = []
        for box in boxes:
            number = max(recent, key=lambda known: overlap(recent[known], box), default=None)
            if number is None or overlap(recent[number], box) < SAME_FACE_THRESHOLD:
                self.faces_so_far += 1
                number = self.faces_so_far
            recent.pop(number, None)
            numbers.append(number)
        lost = {number: self.seen[number] for number in recent}
        now = {number: (box, self.frame_number) for number, box in zip(numbers, boxes, strict=True)}
        self.seen = lost | now
        self.frame_number += 1
        return numbers
