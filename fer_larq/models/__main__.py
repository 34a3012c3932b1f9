"""Print the layers and sizes of a network: ``python -m fer_larq.models --blocks 4``."""

from __future__ import annotations

import argparse

from fer_larq.models.bdnn import bdnn
from fer_larq.utils.backend import lq
from fer_larq.utils.errors import run_command


def main(arguments: list[str] | None = None) -> int:
    """Print Larq's summary of a network."""
    parser = argparse.ArgumentParser(
        prog="python -m fer_larq.models",
        description="Print layers, one-bit weights and one-bit multiply-accumulates of a network.",
    )
    parser.add_argument(
        "--blocks", type=int, choices=(2, 3, 4), default=4, help="dense blocks (default: 4)"
    )
    parser.add_argument(
        "--dense",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="dense connections: BDNN with them (default), BCNN without",
    )
    options = parser.parse_args(arguments)
    lq.models.summary(bdnn(options.blocks, options.dense), print_fn=print)
    return 0


if __name__ == "__main__":
    run_command(main)
