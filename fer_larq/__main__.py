"""The command ``fer-larq``: one sub-command for each of ``python -m fer_larq.NAME``."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module

import fer_larq
from fer_larq.utils.errors import run_command

COMMANDS = {
    "predict": "find faces in images, videos or a webcam's view and classify them",
    "train": "train a network on FER2013, or on synthetic faces",
    "evaluate": "accuracy, per-class report and confusion matrix of a network",
    "convert": "make a TFLite model of a trained network, or show what a model holds",
    "reproduce": "train and evaluate the rows of the paper's tables",
    "runs": "list the runs in a folder",
    "data": "show what a copy of FER2013 holds",
    "benchmark": "measure speed, and what is found in images",
}


def main(arguments: list[str] | None = None) -> int:
    """Hand the arguments on to the sub-command."""
    parser = argparse.ArgumentParser(
        prog="fer-larq",
        description="Facial expression recognition with 1-bit networks.",
        epilog="\n".join(f"  {name:10} {text}" for name, text in COMMANDS.items())
        + "\n\nBegin with `fer-larq predict photo.jpg`; fer-larq COMMAND --help says more.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"fer_larq {fer_larq.__version__}")
    parser.add_argument("command", choices=COMMANDS, metavar="COMMAND", help="one of those below")
    parser.add_argument("rest", nargs=argparse.REMAINDER, metavar="...", help="its arguments")
    options = parser.parse_args(sys.argv[1:] if arguments is None else arguments)
    # Imported only now: most commands need packages that others do without.
    name = options.command
    module = import_module(f"fer_larq.{name}" + (".__main__" if name == "benchmark" else ""))
    return int(module.main(options.rest))


def run() -> None:
    """Entry point of the script ``fer-larq``."""
    run_command(main)


if __name__ == "__main__":
    run()
