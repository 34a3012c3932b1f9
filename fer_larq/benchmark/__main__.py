"""``python -m fer_larq.benchmark``: one subcommand for each thing that can be measured."""

from __future__ import annotations

import argparse

from fer_larq.benchmark import inference, layers, training
from fer_larq.errors import run_command


def main(arguments: list[str] | None = None) -> int:
    """Run the chosen benchmark."""
    parser = argparse.ArgumentParser(
        prog="python -m fer_larq.benchmark",
        description="Measure speed as ratios within one run of interleaved rounds.",
    )
    commands = parser.add_subparsers(required=True, metavar="what")
    training.add_options(
        commands.add_parser("training", help="steps per second by precision and by pipeline")
    )
    inference.add_options(
        commands.add_parser("inference", help="milliseconds of a reading by model and runtime")
    )
    layers.add_options(
        commands.add_parser("layers", help="milliseconds of each layer by arithmetic")
    )
    options = parser.parse_args(arguments)
    return options.command(options)


if __name__ == "__main__":
    run_command(main)
