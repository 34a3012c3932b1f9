"""Frames of a video in a second, and the time to the first answer: ``... benchmark video``.

Both through the front door, ``python -m fer_larq.predict``: a video of 640x480 with one face, the
detector included, on one core, by stage; and a photograph, in a process of its own.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_larq import predict
from fer_larq.benchmark.detection import sample_image
from fer_larq.benchmark.inference import processor
from fer_larq.inference.detectors import DETECTORS
from fer_larq.inference.video import VideoWriter

RATE = 25
"""Frames a second of the video."""

AWAY = slice(80, 100)
"""Frames in which the face is blurred beyond recognition."""


def frames(count: int) -> Iterator[NDArray[np.uint8]]:
    """The astronaut, moving to and fro: uint8 ``[480, 640, 3]``."""
    image: NDArray[Any] = cv2.resize(sample_image("astronaut")[:384], (640, 480))
    for index in range(count):
        shift = np.array([60 * np.sin(index / 12), 20 * np.sin(index / 8)])
        moved = np.column_stack([np.eye(2), shift])
        frame: NDArray[Any] = cv2.warpAffine(
            image, moved, (640, 480), borderMode=cv2.BORDER_REPLICATE
        )
        if AWAY.start <= index < AWAY.stop:
            frame = cv2.GaussianBlur(frame, (0, 0), 25)
        yield frame


def first_answers(photo: Path, folder: Path, detector: str, count: int) -> tuple[float, float]:
    """Analyze a photograph in processes of their own, one after the other.

    The modules are compiled before, as pip leaves them, also where the environment says that
    Python shall not keep what it compiles.

    Args:
        folder: for results and compiled modules.
        count: of processes.

    Returns:
        Medians of the seconds from a process's start to its end, and of those on a processor.
    """
    command = [
        sys.executable, "-m", "fer_larq.predict", str(photo), "--out", str(folder / "out"),
        "--detector", detector,
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(folder / "compiled")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    runs = []
    for _ in range(count + 1):
        before, start = os.times(), time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, env=environment)
        passed, after = time.perf_counter() - start, os.times()
        user, system = (after[i] - before[i] for i in (2, 3))  # of the children
        runs.append((passed, user + system))
    passed, processor = (statistics.median(run[i] for run in runs[1:]) for i in (0, 1))
    return passed, processor


def add_options(parser: argparse.ArgumentParser) -> None:
    """The flags of ``python -m fer_larq.benchmark video``."""
    parser.add_argument("--frames", type=int, default=150, help="of the video (default: 150)")
    parser.add_argument("--photos", type=int, default=5, help="photographs (default: 5)")
    parser.add_argument("--detector", choices=DETECTORS, default="auto", help="(default: auto)")
    parser.add_argument(
        "--marked", action="store_true", help="mark the faces and write the video, which takes time"
    )
    parser.set_defaults(command=main)


def main(options: argparse.Namespace) -> int:
    """Measure and print."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        print(f"one core of {processor()}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cv2.imwrite(str(folder / "photo.png"), sample_image("astronaut")[..., ::-1])
        passed, on_processor = first_answers(
            folder / "photo.png", folder, options.detector, options.photos
        )
        print(
            f"a photograph, from the start of the process to its end, median of {options.photos}: "
            f"{passed:.2f} s, {on_processor:.2f} s on a processor",
            flush=True,
        )
        writer = VideoWriter(folder / "clip.mp4", RATE)
        for index, frame in enumerate(frames(options.frames)):
            writer.write(frame, index / RATE)
        writer.close()
        return predict.main(
            [
                str(folder / "clip.mp4"), "--out", str(folder / "out"), "--time",
                "--marked" if options.marked else "--no-marked", "--detector", options.detector,
            ]
        )  # fmt: skip
