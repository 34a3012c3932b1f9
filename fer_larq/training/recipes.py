"""Training recipes: one for each row of the paper's tables, and some of this project.

A recipe holds everything that decides what a network learns, apart from the data and the seed.
Each one below states only what sets it apart. ``python -m fer_larq.train --recipe NAME`` picks
one; a flag such as ``--epochs 10`` overrides one value of it.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field, fields, replace
from typing import Any

from fer_larq.datasets.label_schemes import LABEL_SCHEMES
from fer_larq.datasets.normalisation import NORMALISATIONS
from fer_larq.models.bdnn import PSEUDO_GRADIENTS
from fer_larq.models.registry import TOPOLOGIES, name_of
from fer_larq.training.augmentation import EpochPlan, plan_epoch
from fer_larq.utils.options import add_alias

FORMER_NAMES = {
    "averaging": "ema_decay",
    "distillation": "distillation_weight",
}
"""Fields of a recipe as older run.json files and flags call them."""

FORMER_RECIPES = {"best": "augmented"}
"""Recipes as older commands call them."""


def option(default: Any, text: str, choices: tuple[str, ...] | None = None) -> Any:
    """A field of a recipe that is also a flag of the training command."""
    return field(default=default, metadata={"help": text, "choices": choices})


@dataclass(frozen=True)
class Recipe:
    """Settings of one training. An epoch shows every face once, in one crop."""

    topology: str = option(
        "bdnn",
        "bdnn: the paper's networks; residual: a float residual network, to be a teacher",
        tuple(TOPOLOGIES),
    )
    blocks: int = option(4, "dense blocks: 2, 3 or 4")
    dense: bool = option(True, "dense connections: BDNN with them, BCNN without")
    binary: bool = option(True, "weights and activations in {-1, +1}; without, its float twin")
    width: float = option(1.0, "filters and units as a share of the paper's, for quick experiments")
    augment: str = option(
        "five-crop",
        "five-crop: the paper's five crops, all of them in five epochs; random-crop: any of the "
        "49 crops of 42x42 pixels; random-affine: these, turned and resized at random; none: the "
        "centre crop alone",
        ("five-crop", "random-crop", "random-affine", "none"),
    )
    flip: bool = option(False, "mirror every second face at random")
    light: float = option(
        0.0, "strength, 0 to 1, of random changes of gamma, contrast and brightness"
    )
    erasing: float = option(0.0, "share of the crops in which a random rectangle is made grey")
    normalisation: str = option(
        "none",
        "stretch: spread the grey values of every face over 0 to 255, in training and wherever "
        "the network is used; none: as they are (paper)",
        NORMALISATIONS,
    )
    labels: str = option(
        "fer2013",
        "fer2013: its labels; ferplus: the shares of ten people's votes for each face; both: half "
        "of each",
        LABEL_SCHEMES,
    )
    loss: str = option(
        "squared-hinge",
        "squared-hinge (paper, section 2.4) or cross-entropy on the softmax of the scores",
        ("squared-hinge", "cross-entropy"),
    )
    label_smoothing: float = option(0.0, "share of a label spread over all classes, 0 to 1")
    distillation_weight: float = option(
        0.0, "share of a teacher's probabilities in the targets, 0 to 1; see --teacher"
    )
    temperature: float = option(
        1.0, "divides the teacher's scores; above 1 its probabilities become flatter"
    )
    optimizer: str = option(
        "adam",
        "adam: Adam on latent weights; bop: Larq's Bop on weights of -1 and +1, and Adam for "
        "batch normalisation; sgd: with Nesterov's momentum of 0.9, for float networks",
        ("adam", "bop", "sgd"),
    )
    learning_rate: float = option(2e-3, "largest learning rate of Adam or SGD")
    warmup: float = option(0.0, "epochs over which the learning rate rises from 0")
    weight_decay: float = option(
        0.0, "share of a weight, times the learning rate, that a step of SGD takes away"
    )
    dropout: float = option(0.0, "share of the features that the residual network leaves out")
    schedule: str = option(
        "cosine",
        "cosine or linear decay to half a percent of the learning rate (with Bop: of gamma, too), "
        "or constant",
        ("cosine", "linear", "constant"),
    )
    epochs: int = option(60, "passes over the training faces")
    batch_size: int = option(64, "crops in one step, over all devices together")
    pseudo_gradient: str = option(
        "ste_sign", "gradient that stands in for that of the activations' sign", PSEUDO_GRADIENTS
    )
    clip_value: float = option(1.0, "latent weights stay in [-clip, clip]")
    ema_decay: float = option(
        0.0,
        "share that a moving average of the latent weights keeps in a step, such as 0.998; it is "
        "validated and kept in their place; it lags in the first epochs. 0: the weights themselves",
    )
    momentum: float = option(0.9, "momentum of the moving batch statistics")
    bop_threshold: float = option(1e-8, "gradient average beyond which Bop flips a weight")
    bop_gamma: float = option(1e-4, "adaptivity rate of Bop's gradient average")

    @property
    def network(self) -> str:
        """Name of the network that the recipe trains, such as ``bdnn4``."""
        return name_of(self)

    @property
    def validation_crops(self) -> str:
        """Crops that it is evaluated with: the centre for the paper's row without crops."""
        return "centre" if self.augment == "none" else "five"


PHOTOGRAPHS = Recipe(
    augment="random-crop",
    flip=True,
    light=0.7,
    normalisation="stretch",
    labels="both",
    ema_decay=0.999,
    epochs=60,
)
"""The packaged network's: any light, and labels of FER2013 and FER+ in equal parts. Its average
spans a thousand steps, about two epochs."""

RECIPES = {
    # The five rows of Tab. 3 and 4, with the paper's ingredients. It gives no optimizer settings:
    # those are a first trial's, see docs/experiments.md.
    "bdnn2": Recipe(blocks=2),
    "bdnn3": Recipe(blocks=3),
    "bdnn4": Recipe(),
    "bcnn4": Recipe(dense=False),
    "bdnn4-no-crops": Recipe(augment="none"),
    # Random crops and mirroring keep a binary network from seeing the same pixels twice.
    "augmented": Recipe(augment="random-crop", flip=True),
    # A float residual network, with what networks for FER2013 are usually trained with.
    "teacher": Recipe(
        topology="residual",
        binary=False,
        augment="random-affine",
        flip=True,
        light=0.5,
        erasing=0.25,
        normalisation="stretch",
        loss="cross-entropy",
        label_smoothing=0.1,
        optimizer="sgd",
        learning_rate=0.1,
        warmup=1.0,
        weight_decay=5e-3,
        dropout=0.2,
        epochs=50,
        batch_size=128,
    ),
    "photographs": PHOTOGRAPHS,
    # For FER2013's labels: it sees a teacher's answer for each of its crops (Beyer et al. 2022,
    # arXiv:2106.05237). Its scores are logits, as the teacher's are.
    "distilled": replace(
        PHOTOGRAPHS,
        labels="fer2013",
        light=0.5,
        loss="cross-entropy",
        distillation_weight=0.7,
        epochs=50,
    ),
    # Threshold and gamma are Larq's defaults. With them a weight follows the sign of its gradient's
    # sum; a larger threshold starves the dense layers, whose gradients are a hundred times smaller.
    "bop": Recipe(augment="random-crop", flip=True, optimizer="bop", learning_rate=5e-3),
}


def add_recipe_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--recipe`` and one flag for every field of ``Recipe``."""
    parser.add_argument(
        "--recipe",
        type=lambda name: FORMER_RECIPES.get(name, name),
        choices=tuple(RECIPES),
        default="augmented",
        help="settings to start from (default: augmented): bdnn2, bdnn3, bdnn4, bcnn4 and "
        "bdnn4-no-crops are the paper's rows; augmented: bdnn4 with random crops and mirroring; "
        "photographs: for any light, with labels of FER2013 and FER+; teacher: a float network; "
        "distilled: FER2013's labels and a --teacher; bop: augmented with Larq's optimizer Bop",
    )
    group = parser.add_argument_group(
        "recipe", "Each flag overrides a value of --recipe; defaults named here are augmented's."
    )
    for item in fields(Recipe):
        flag = "--" + item.name.replace("_", "-")
        text = f"{item.metadata['help']} (default: {getattr(RECIPES['augmented'], item.name)})"
        if item.type == "bool":
            group.add_argument(flag, action=argparse.BooleanOptionalAction, help=text)
        else:
            kind = {"int": int, "float": float, "str": str}[str(item.type)]
            choices = (2, 3, 4) if item.name == "blocks" else item.metadata["choices"]
            action = group.add_argument(flag, type=kind, choices=choices, help=text)
            for former, name in FORMER_NAMES.items():
                if name == item.name:
                    add_alias(parser, f"--{former}", action)


def recipe_from_options(options: argparse.Namespace, base: Recipe | None = None) -> Recipe:
    """The recipe that the command line names: ``base`` or ``--recipe``, with its overrides."""
    overrides = {
        item.name: getattr(options, item.name)
        for item in fields(Recipe)
        if getattr(options, item.name) is not None
    }
    return replace(base or RECIPES[options.recipe], **overrides)


def plan_of(recipe: Recipe, count: int, epoch: int, seed: int) -> EpochPlan:
    """The crops of an epoch over ``count`` faces, as the recipe wants them."""
    return plan_epoch(count, epoch, seed, recipe.augment, recipe.flip, recipe.light, recipe.erasing)
