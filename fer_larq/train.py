"""Train a network: ``python -m fer_larq.train --blocks 4 --data fer2013.csv``."""

from __future__ import annotations

import argparse

from fer_larq.datasets import loading
from fer_larq.training import run_folder
from fer_larq.training.distributed import make_strategy
from fer_larq.training.recipes import add_recipe_options
from fer_larq.training.run_settings import add_settings_options, check_same_data, prepare
from fer_larq.training.trainer import CHECKPOINT_MINUTES, Stopped, Training
from fer_larq.utils.backend import tf
from fer_larq.utils.errors import run_command
from fer_larq.utils.options import add_data_option


def add_options(parser: argparse.ArgumentParser) -> None:
    """The flags of ``python -m fer_larq.train`` beside those of the recipe."""
    add_data_option(parser)
    parser.add_argument(
        "--ferplus",
        metavar="FILE",
        help="FER+'s votes, fer2013new.csv, for --labels (default: the one beside --data or in "
        "../ferplus)",
    )
    add_settings_options(parser)
    parser.add_argument(
        "--strategy",
        choices=("none", "mirrored", "multi-worker"),
        default="none",
        help="tf.distribute: all GPUs of this machine, or the hosts named in TF_CONFIG",
    )
    parser.add_argument(
        "--checkpoint-minutes",
        type=float,
        default=CHECKPOINT_MINUTES,
        metavar="M",
        help=f"longest time between two checkpoints (default: {CHECKPOINT_MINUTES:g})",
    )
    parser.add_argument(
        "--validate-every",
        type=int,
        default=1,
        metavar="N",
        help="epochs from one validation to the next, to save time; weights are kept at these "
        "epochs, and the first and the last are among them (default: 1)",
    )
    add_recipe_options(parser)


def main(arguments: list[str] | None = None) -> int:
    """Train a network, or go on with a run."""
    parser = argparse.ArgumentParser(
        prog="python -m fer_larq.train",
        usage="%(prog)s [--data SOURCE] [--recipe NAME] [--out RUN] [options]",
        description="Train a network on FER2013, or on synthetic faces, and write a run folder.",
        epilog="Example: python -m fer_larq.train --blocks 4 --data fer2013.csv --epochs 30",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_options(parser)
    options = parser.parse_args(arguments)
    if options.validate_every < 1:
        parser.error(f"--validate-every {options.validate_every}: give 1 or more")
    strategy = make_strategy(options.strategy)  # several workers have to meet before anything else
    recipe, settings, run = prepare(options)
    votes = options.ferplus or recipe.labels != "fer2013"
    dataset = loading.load(options.data, ferplus=votes)
    if options.resume:
        check_same_data(run, dataset)
    if settings.deterministic:
        tf.config.experimental.enable_op_determinism()

    training = Training(recipe, settings, dataset, run, strategy)
    if options.resume:
        training.resume()
    print(
        f"{recipe.network} on {dataset.name}: {len(training.training)} training faces, "
        f"{recipe.epochs} epochs of {training.steps_per_epoch} steps, {settings.precision}, "
        f"seed {settings.seed}, in {run}",
        flush=True,
    )
    try:
        training.train(options.checkpoint_minutes, options.validate_every)
    except Stopped as stopped:
        print(
            f"stopped after {int(training.epoch)} epochs and {int(training.step)} steps; go on "
            f"with: python -m fer_larq.train --resume --out {run}"
            + (f" --data {options.data}" if options.data else ""),
            flush=True,
        )
        return stopped.exit_code
    print(f"weights sha256 {run_folder.weights_digest(training.exact)}")
    if training.writes:
        print(f"evaluate: python -m fer_larq.evaluate {run}")
    return 0


if __name__ == "__main__":
    run_command(main)
