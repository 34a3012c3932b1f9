"""Learning from a teacher: a binary network sees a float network's answer for each of its crops.

A label says one expression; a teacher's probabilities also say what else a face looks like, and
many labels of FER2013 are wrong (Hinton, Vinyals and Dean 2015, arXiv:1503.02531). The teacher
classifies the very crop that the binary network is given, turned, mirrored and lit as it is: such
consistent views are what makes distillation work (Beyer et al. 2022, arXiv:2106.05237)::

    python -m fer_larq.train --recipe teacher --data fer2013.csv
    python -m fer_larq.train --recipe distilled --data fer2013.csv --teacher RUN
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fer_larq.models.registry import build_network
from fer_larq.training import run_folder
from fer_larq.training.precision import choose_precision, precision_policy
from fer_larq.training.recipes import Recipe
from fer_larq.utils.backend import tf
from fer_larq.utils.errors import UserError

Teach = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
"""From scaled crops, float32 ``[B, 42, 42, 1]``, and targets, ``[B, 7]``, to mixed targets."""


def teacher(
    source: str, recipe: Recipe, precision: str | None = None
) -> tuple[Teach, dict[str, Any]]:
    """A teacher for a training.

    Args:
        source: a run folder, or one of its ``.weights.h5`` files.
        recipe: of the network that learns; ``distillation_weight`` is the teacher's share in the
            targets, ``temperature`` divides its scores before the softmax.
        precision: float32 or bfloat16, in which it answers; by default what this machine has.

    Returns:
        The function that mixes its answers into targets, and the provenance of the teacher.

    Raises:
        UserError: there is no such network, or it was trained on faces with another normalisation.
    """
    loaded = run_folder.load_network(source)
    found = run_folder.recipe_of(loaded.description)
    if found.normalisation != recipe.normalisation:
        raise UserError(
            f"{source}: was trained with --normalisation {found.normalisation}, and cannot teach "
            f"a network with --normalisation {recipe.normalisation}: train one of them anew"
        )
    share, temperature = recipe.distillation_weight, recipe.temperature
    precision = precision or choose_precision("auto", found)
    with precision_policy(precision):
        network = build_network(found)
    network.set_weights(loaded.network.get_weights())

    def teach(crops: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
        scores = network(crops, training=False)
        return targets + share * (tf.nn.softmax(scores / temperature) - targets)

    return teach, {
        **run_folder.provenance(loaded.description),
        "weights_sha256": run_folder.weights_digest(loaded.network),
        "precision": precision,
    }


def teacher_of(
    recipe: Recipe, source: str | None
) -> tuple[Teach, dict[str, Any]] | tuple[None, None]:
    """The teacher that the recipe asks for with its provenance, or ``(None, None)``.

    Raises ``UserError`` if there is none, or one is given that the recipe ignores.
    """
    share = recipe.distillation_weight
    if not 0 <= share <= 1:
        raise UserError(f"--distillation-weight {share:g}: it is a share, from 0 to 1")
    if share > 0 and source is None:
        raise UserError(
            "--distillation-weight needs a teacher: train one with `--recipe teacher` and name its "
            "run folder with --teacher"
        )
    if share == 0 and source is not None:
        raise UserError(
            f"--teacher {source}: of no use without --distillation-weight; or use --recipe "
            "distilled"
        )
    return teacher(source, recipe) if source else (None, None)
