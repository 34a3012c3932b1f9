"""Classify the faces in images, videos and from a webcam: ``python -m fer_larq.predict photo.jpg``.

Writes into the folder ``--out`` every image and video with its faces marked, a table (``faces.csv``
or ``faces.json``), and for each video the scores over time. Needs neither TensorFlow nor a plotting
library. Images in a folder are analyzed side by side on all cores.
"""

from __future__ import annotations

import argparse
import os
import sys
from functools import partial
from pathlib import Path

from fer_larq.inference.analyzer import make_analyzer
from fer_larq.inference.detectors import DETECTORS
from fer_larq.inference.frame_sources import Webcam
from fer_larq.inference.inputs import find_files
from fer_larq.inference.output.tables import TABLE_FORMATS, open_table
from fer_larq.inference.output.text import printable, say
from fer_larq.inference.pool import Pool, usable_cores
from fer_larq.inference.prediction_run import PredictionRun
from fer_larq.utils.errors import run_command, writing
from fer_larq.utils.stopwatch import Stopwatch

INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> int:
    """Classify faces."""
    parser = argparse.ArgumentParser(
        prog="python -m fer_larq.predict",
        description="Find the faces in images, videos or a webcam's view and classify what they "
        "express. Animated images count as videos.",
        epilog="The scores are margins; probabilities stand beside them where the model was "
        "calibrated.",
    )
    parser.add_argument("inputs", nargs="*", metavar="PATH", help="image, video or folder")
    parser.add_argument("--webcam", type=int, metavar="N", help="use camera N, until Ctrl-C")
    parser.add_argument(
        "--model", type=Path, help="a .tflite file of fer_larq.convert (default: the packaged one)"
    )
    parser.add_argument(
        "--detector",
        choices=DETECTORS,
        default="auto",
        help="finds the faces; none: each image is a face already; auto (default): blazeface, or "
        "cascade if its model is not at hand",
    )
    parser.add_argument(
        "--out", type=Path, default=Path("predictions"),
        help="folder of the results (default: predictions)",
    )  # fmt: skip
    parser.add_argument(
        "--table", choices=TABLE_FORMATS, default="csv", help="format of the table (default: csv)"
    )
    parser.add_argument(
        "--json",
        metavar="FILE",
        help="write the results into this file as well, as JSON; -: to standard output, and "
        "everything else to standard error",
    )
    parser.add_argument(
        "--marked",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="write images and videos with their faces marked (default: yes)",
    )
    parser.add_argument("--seconds", type=float, help="stop the webcam after this time")
    parser.add_argument(
        "--jobs",
        type=int,
        metavar="N",
        help="cores to use, each for an image, or all for the only one (default: all)",
    )
    parser.add_argument(
        "--time", action="store_true", help="print the time of each stage, with --jobs 1"
    )
    options = parser.parse_args(arguments)
    if bool(options.inputs) == (options.webcam is not None):
        parser.error("name files or folders, or a --webcam")
    if options.seconds is not None and options.webcam is None:
        parser.error("--seconds goes with --webcam")
    if options.jobs is not None and options.jobs < 1:
        parser.error("--jobs is 1 or more")

    files = find_files(options.inputs)
    lines = sys.stderr if options.json == "-" else sys.stdout
    if left_out := files.describe_left_out():
        print(printable(left_out), file=sys.stderr)
    camera = None if options.webcam is None else Webcam(options.webcam)
    stopwatch = Stopwatch()
    jobs = 1 if options.time else options.jobs or usable_cores()
    threads = jobs if len(files.names) == 1 else 1
    make = partial(make_analyzer, options.model, options.detector, stopwatch, threads)
    first = make()
    analyzers = Pool(make, min(jobs, max(len(files.names), 1)), [first])
    path, labels = options.out / f"faces.{options.table}", first.classifier.labels
    with writing(options.out), open_table(path, labels, options.json) as table:
        run = PredictionRun(analyzers, table, options.out, options.marked, stopwatch, lines)
        try:
            if camera is None:
                code = run.files(files)
            else:
                run.video(camera, f"webcam{options.webcam}", options.seconds)
                code = 0
        except KeyboardInterrupt:  # the results so far are kept
            code = INTERRUPTED
    if options.time:
        print(run.time_table(), file=lines)
    say(f"written to {printable(str(options.out))}{os.sep}", lines)
    return code


if __name__ == "__main__":
    run_command(main)
