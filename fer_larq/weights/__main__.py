"""Pack the best weights of a run, one bit for each weight: ``python -m fer_larq.weights RUN``."""

from __future__ import annotations

import argparse
from pathlib import Path

from fer_larq.models.packed_weights import FOLDER, save
from fer_larq.training.run_folder import load_network, provenance, recipe_of
from fer_larq.utils.errors import UserError, run_command


def main(arguments: list[str] | None = None) -> int:
    """Pack the best weights of a run."""
    parser = argparse.ArgumentParser(
        prog="python -m fer_larq.weights",
        description="Pack the best weights of a run, one bit for each weight.",
    )
    parser.add_argument("run", help="run folder or one of its .weights.h5 files")
    parser.add_argument(
        "--out", type=Path, help="file to write (default: packaged under the network's name)"
    )
    options = parser.parse_args(arguments)
    loaded = load_network(options.run)
    if not recipe_of(loaded.description).binary:
        raise UserError(f"{options.run}: a float network, whose weights are no bits")
    file = options.out or FOLDER / f"{loaded.description['network']}.npz"
    save(file, loaded.network, provenance(loaded.description))
    print(f"{file}: {file.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    run_command(main)
