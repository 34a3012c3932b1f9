"""Train a network: ``python -m fer_larq.train --blocks 4 --data fer2013.csv``."""

from __future__ import annotations

import argparse
from pathlib import Path

from fer_larq.datasets import loading
from fer_larq.training import run_folder
from fer_larq.training.distributed import make_strategy
from fer_larq.training.recipes import add_recipe_options
from fer_larq.training.run_settings import check_same_data, prepare
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
    parser.add_argument("--out", type=Path, help="run folder (default: runs/NETWORK-RECIPE-seedN)")
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on with the run in --out from its checkpoint; only --epochs may be given anew",
    )
    parser.add_argument("--seed", type=int, help="of weights, order and crops (default: 0)")
    parser.add_argument(
        "--precision",
        choices=("auto", "float32", "bfloat16", "int8"),
        help="arithmetic of the training steps; int8: binary layers in integers, exact, with "
        "gradients rounded to 8 bits; auto (default): bfloat16 on a GPU, int8 on a processor with "
        "AVX2, else bfloat16 where it is native, else float32. Validation is always exact",
    )
    parser.add_argument(
        "--deterministic",
        action=argparse.BooleanOptionalAction,
        help="the same command gives the same weights bit for bit, also after --resume",
    )
    parser.add_argument(
        "--start-from",
        metavar="RUN",
        help="begin with the weights of another run of the same network, for a second stage, or "
        "with packaged ones, such as bdnn4",
    )
    parser.add_argument(
        "--teacher",
        dest="teacher_run",
        metavar="RUN",
        help="run folder of a network whose answers the targets take in, see --distillation-weight",
    )
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
        description="Train a network.",
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
