"""Classify the faces in images, videos and from a webcam: ``python -m fer_larq.predict photo.jpg``.

Writes into the folder ``--out`` every image and video with its faces marked, a table (``faces.csv``
or ``faces.json``), and for each video the scores over time. Needs neither TensorFlow nor a plotting
library.
"""

from __future__ import annotations

import argparse
import os
from contextlib import ExitStack
from pathlib import Path

from fer_larq.inference.analyzer import make_analyzer
from fer_larq.inference.detectors import DETECTORS
from fer_larq.inference.inputs import find_files
from fer_larq.inference.output.tables import TABLE_FORMATS, make_table
from fer_larq.inference.output.text import printable
from fer_larq.inference.prediction_run import PredictionRun
from fer_larq.inference.video import Video
from fer_larq.utils.errors import UserError, run_command
from fer_larq.utils.files import atomic_write

INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> int:
    """Classify faces."""
    parser = argparse.ArgumentParser(
        prog="python -m fer_larq.predict",
        description="Find the faces in images, videos or a webcam's view and classify what they "
        "express. Animated images count as videos.",
        epilog="The scores are margins, not probabilities; the bars show (score + 1) / 2.",
    )
    parser.add_argument(
        "inputs", nargs="*", type=Path, metavar="PATH", help="image, video or folder"
    )
    parser.add_argument("--webcam", type=int, metavar="N", help="use camera N, until Ctrl-C")
    parser.add_argument(
        "--model",
        type=Path,
        help="a .tflite file of fer_larq.convert (default: the packaged BDNN4)",
    )
    parser.add_argument(
        "--detector",
        choices=DETECTORS,
        default="auto",
        help="finds the faces; auto (default): blazeface, or cascade if its model is not at hand",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("predictions"),
        help="folder of the results (default: predictions)",
    )
    parser.add_argument(
        "--table",
        choices=TABLE_FORMATS,
        default="csv",
        help="format of the table (default: csv)",
    )
    parser.add_argument(
        "--marked",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="write images and videos with their faces marked (default: yes)",
    )
    parser.add_argument("--seconds", type=float, help="stop the webcam after this time")
    parser.add_argument("--time", action="store_true", help="print the time of each stage")
    options = parser.parse_args(arguments)
    if bool(options.inputs) == (options.webcam is not None):
        parser.error("name files or folders, or a --webcam")
    if options.seconds is not None and options.webcam is None:
        parser.error("--seconds goes with --webcam")

    files = find_files(options.inputs, options.out)
    camera = None if options.webcam is None else Video(options.webcam)
    analyzer = make_analyzer(options.model, options.detector)
    try:
        with ExitStack() as outputs:
            path = options.out / f"faces.{options.table}"
            temporary = outputs.enter_context(atomic_write(path))
            table = make_table(temporary, analyzer.classifier.labels)
            outputs.callback(table.close)
            run = PredictionRun(analyzer, table, options.out, options.marked)
            try:
                if camera is None:
                    code = run.files(files)
                else:
                    run.video(camera, f"webcam{options.webcam}", options.seconds)
                    code = 0
            except KeyboardInterrupt:  # the results so far are kept
                code = INTERRUPTED
    except OSError as error:
        where = error.filename or options.out
        raise UserError(f"{where}: cannot be written ({error.strerror or error})") from None
    if options.time:
        print(run.time_table())
    print(f"written to {printable(str(options.out))}{os.sep}")
    return code


if __name__ == "__main__":
    run_command(main)
