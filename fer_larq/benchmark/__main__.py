"""``python -m fer_larq.benchmark``: one subcommand for each thing that can be measured."""

from __future__ import annotations

import argparse

from fer_larq.benchmark import (
    detection,
    inference,
    layers,
    light,
    photographs,
    robustness,
    throughput,
    training,
    video,
)
from fer_larq.utils.errors import run_command

BENCHMARKS = {
    "training": (training, "steps per second by precision and by pipeline"),
    "inference": (inference, "milliseconds of a reading by model and runtime"),
    "light": (light, "accuracy in less light, less contrast and another gamma"),
    "layers": (layers, "milliseconds of each layer by arithmetic"),
    "detection": (detection, "faces found and missed, and how FER2013 frames a face"),
    "robustness": (robustness, "faces that are turned, dim, blurred, small: found and right"),
    "throughput": (throughput, "photographs a second: a process, a folder, threads"),
    "video": (video, "frames per second with one face, by stage; seconds to a photo's answer"),
    "photographs": (photographs, "what is read in photographs with names"),
}


def main(arguments: list[str] | None = None) -> int:
    """Run the chosen benchmark."""
    parser = argparse.ArgumentParser(
        prog="python -m fer_larq.benchmark",
        description="Measure speed, as ratios within one run of interleaved rounds, and what is "
        "found and read in pictures.",
    )
    commands = parser.add_subparsers(required=True, metavar="what")
    for name, (module, text) in BENCHMARKS.items():
        module.add_options(commands.add_parser(name, help=text, description=module.__doc__))
    options = parser.parse_args(arguments)
    return int(options.command(options))


if __name__ == "__main__":
    run_command(main)
