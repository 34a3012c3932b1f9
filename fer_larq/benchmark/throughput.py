"""Photographs from the start of a process, a folder of them, threads: ``... benchmark throughput``.

The photographs are scikit-image's astronaut in a larger scene. The machine should have nothing else
to do.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fer_larq.benchmark.detection import sample_image
from fer_larq.benchmark.inference import processor
from fer_larq.benchmark.rounds import interleaved, ratio
from fer_larq.benchmark.video import first_answers
from fer_larq.inference.analyzer import analyze
from fer_larq.inference.face import Face
from fer_larq.inference.pool import usable_cores

LARGE = (4000, 3000)
"""Width and height of the photograph of 12 megapixels."""

ROUNDS = 5
"""In turns of one thread and of many, each with its share of the calls."""

SMALL = (1024, 768)
"""Width and height of the photographs in the folder."""


def photograph(size: tuple[int, int], shift: int = 0) -> NDArray[np.uint8]:
    """The astronaut in the middle of a scene, uint8 ``[H, W, 3]``."""
    width, height = size
    side = height // 2
    scene = np.full((height, width, 3), 120, np.uint8)
    left, top = (width - side) // 2 + shift, (height - side) // 2
    scene[top : top + side, left : left + side] = cv2.resize(
        sample_image("astronaut"), (side, side)
    )
    return scene


def save_photographs(folder: Path, numbers: range) -> None:
    """Photographs of ``SMALL`` size, each with its face elsewhere, as JPEG."""
    for number in numbers:
        pixels = photograph(SMALL, number % 100 - 50)
        Image.fromarray(pixels).save(folder / f"{number}.jpg", quality=90)


CHILD = """
import sys
from fer_larq import predict
predict.main(sys.argv[1:])
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(status["VmHWM"].split()[0], file=sys.stderr)
"""
"""Analyzes files and prints its own peak memory, in KiB. What ``wait4`` says of a child begins with
the memory of its parent."""


def folder_run(folder: Path, jobs: int) -> tuple[float, int]:
    """Seconds and peak memory, in MiB, of ``fer_larq.predict`` on a folder."""
    command = [
        sys.executable, "-c", CHILD, str(folder / "in"), "--out", str(folder / "out"),
        "--no-marked", "--jobs", str(jobs),
    ]  # fmt: skip
    start = time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return time.perf_counter() - start, int(done.stderr.splitlines()[-1]) // 1024


def calls(image: NDArray[np.uint8], expected: list[Face], count: int, wrong: list[int]) -> None:
    """Call ``analyze`` and note the answers that differ."""
    wrong.append(sum(analyze(image) != expected for _ in range(count)))


def compare_threads(many: int, count: int) -> None:
    """Print how often ``analyze`` can be called from many threads, and from one, in turns.

    Args:
        many: threads.
        count: calls of each of them; the one thread makes as many as all of these.
    """
    image = photograph((320, 240))
    expected = analyze(image)
    total = many * max(count // ROUNDS, 1)
    wrong: list[int] = []
    busy = dict.fromkeys((1, many), 0.0)

    def run(threads: int) -> None:
        crew = [
            threading.Thread(target=calls, args=(image, expected, total // threads, wrong))
            for _ in range(threads)
        ]
        start = time.process_time()
        for thread in crew:
            thread.start()
        for thread in crew:
            thread.join()
        busy[threads] += time.process_time() - start

    seconds = interleaved({threads: partial(run, threads) for threads in busy}, ROUNDS)
    for threads, spent in seconds.items():
        rate, processor_ms = total / np.median(spent), busy[threads] * 1e3 / total / (ROUNDS + 1)
        print(
            f"{threads} threads: {rate:.1f} calls a second, {processor_ms:.1f} ms on a processor "
            "for a call"
        )
    print(f"{sum(wrong)} answers differ")
    middle, lowest, highest = ratio(seconds[many], seconds[1])
    print(f"ratio: {middle:.2f} ({lowest:.2f} to {highest:.2f} over {ROUNDS} rounds)")


def add_options(parser: argparse.ArgumentParser) -> None:
    """The flags of ``python -m fer_larq.benchmark throughput``."""
    parser.add_argument("--starts", type=int, default=5, help="of a process (default: 5)")
    parser.add_argument("--photos", type=int, default=200, help="in the folder (default: 200)")
    parser.add_argument("--threads", type=int, default=16, help="(default: 16)")
    parser.add_argument("--calls", type=int, default=50, help="of each thread (default: 50)")
    parser.set_defaults(command=main)


def main(options: argparse.Namespace) -> int:
    """Measure and print."""
    cores = usable_cores()
    print(f"{cores} cores of {processor()}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        Image.fromarray(photograph(LARGE)).save(folder / "large.jpg", quality=90)
        passed, busy = first_answers(folder / "large.jpg", folder, "auto", options.starts)
        print(f"12 megapixels, from start to end: {passed:.2f} s, {busy:.2f} s on a processor")

        (folder / "in").mkdir()
        tenth = max(options.photos // 10, 1)
        save_photographs(folder / "in", range(tenth))
        _, memory = folder_run(folder, cores)
        print(f"{tenth} photographs, {cores} at a time: at most {memory} MiB")
        save_photographs(folder / "in", range(tenth, options.photos))
        for jobs in dict.fromkeys((1, cores)):
            seconds, memory = folder_run(folder, jobs)
            print(
                f"{options.photos} photographs, {jobs} at a time: {options.photos / seconds:.1f} a "
                f"second, at most {memory} MiB",
                flush=True,
            )
    compare_threads(options.threads, options.calls)
    return 0
