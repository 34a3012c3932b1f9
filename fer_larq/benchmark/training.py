"""Speed of training steps: precision against precision, pipeline against a constant batch."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable, Iterator

from fer_larq.benchmark.rounds import interleaved, ratio
from fer_larq.datasets import loading
from fer_larq.datasets.dataset import Faces
from fer_larq.datasets.labels import one_hot
from fer_larq.models.int8 import kernels
from fer_larq.training import precision, trainer
from fer_larq.training.augmentation import batches, plan_epoch
from fer_larq.training.recipes import RECIPES
from fer_larq.utils.backend import tf
from fer_larq.utils.options import add_data_option


def add_options(parser: argparse.ArgumentParser) -> None:
    """The flags of ``python -m fer_larq.benchmark training``."""
    add_data_option(parser)
    parser.add_argument("--rounds", type=int, default=7, help="interleaved rounds (default: 7)")
    parser.add_argument("--steps", type=int, default=4, help="steps in a round (default: 4)")
    parser.add_argument(
        "--bfloat16",
        action="store_true",
        help="measure bfloat16 even where the processor has no arithmetic for it, which takes long",
    )
    parser.set_defaults(command=main)


def endless_batches(faces: Faces, batch_size: int) -> Iterator[tuple[tf.Tensor, tf.Tensor]]:
    """Batches of epoch after epoch, as a training with the default recipe reads them."""
    for epoch in itertools.count():
        plan = plan_epoch(len(faces), epoch, 0, "random-crop", True)
        yield from batches(faces.images, one_hot(faces.labels), plan, batch_size)


def main(options: argparse.Namespace) -> int:
    """Measure and print."""
    recipe = RECIPES["augmented"]
    faces = loading.load(options.data).split("training")
    automatic = precision.choose_precision("auto", recipe)
    precisions = ["float32"]
    if kernels.available():
        precisions.append("int8")
    else:
        print("left out: int8, since its kernels are not there or not for this processor")
    if precision.native_bfloat16() or options.bfloat16:
        precisions.append("bfloat16")
    else:
        print("left out: bfloat16, since this processor has no arithmetic for it (--bfloat16)")
    networks = {
        precision: trainer.compiled_network(recipe, precision, 1000).make_train_function()
        for precision in precisions
    }
    stream = endless_batches(faces, recipe.batch_size)
    constant = itertools.repeat(next(stream))

    def steps(precision: str, source: Iterator[tuple[tf.Tensor, tf.Tensor]]) -> Callable[[], None]:
        def run() -> None:
            for _ in range(options.steps):
                networks[precision](source)

        return run

    candidates = {f"{name}, constant batch": steps(name, constant) for name in precisions}
    candidates[f"{automatic}, full pipeline"] = steps(automatic, stream)
    seconds = interleaved(candidates, options.rounds)
    print(
        f"{recipe.network}, batch {recipe.batch_size}, {options.rounds} interleaved rounds of "
        f"{options.steps} steps; --precision auto is {automatic} here"
    )
    base = seconds["float32, constant batch"]
    for name, values in seconds.items():
        crops = options.steps * recipe.batch_size / values
        middle, low, high = ratio(values, base)
        print(
            f"  {name:26s} {sorted(crops)[len(crops) // 2]:7.1f} crops/s   "
            f"{middle:.3f} times float32 on a constant batch ({low:.3f} to {high:.3f})"
        )
    return 0
