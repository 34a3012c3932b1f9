"""The training loop: steps, validation, checkpoints, logs.

Everything about *what* is learnt stands in a recipe (``recipes``), everything about the order of
the crops in ``augmentation``.

Validation and the choice of the best weights are exact whatever the precision of the training:
rounded convolution sums move signs, and the deployed network is exact.
"""

from __future__ import annotations

import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from fer_larq.datasets.dataset import Dataset, Faces
from fer_larq.datasets.label_schemes import select
from fer_larq.datasets.normalisation import normalise
from fer_larq.evaluation.metrics import accuracies
from fer_larq.models.bdnn import predictor
from fer_larq.models.int8 import kernels
from fer_larq.models.registry import build_network
from fer_larq.training import run_folder
from fer_larq.training.augmentation import batches
from fer_larq.training.batch_statistics import refresh_batch_statistics
from fer_larq.training.distillation import Teach, teacher_of
from fer_larq.training.distributed import writes_files
from fer_larq.training.history import History
from fer_larq.training.losses import make_loss
from fer_larq.training.optimizers import make_optimizer
from fer_larq.training.precision import choose_precision, precision_policy
from fer_larq.training.recipes import Recipe, plan_of
from fer_larq.training.run_settings import Settings
from fer_larq.utils.backend import lq, tf
from fer_larq.utils.errors import UserError

CHECKPOINT_MINUTES = 4.0
"""Longest time between two checkpoints, so that a killed run loses less than five minutes."""

LATENT_SIZE = 0.2
"""Size of the latent weights of a training that starts from packed ones, which keep only signs.
A hundred steps of Adam in one direction turn a sign then, and noise takes epochs to."""


class Stopped(Exception):
    """SIGINT or SIGTERM arrived; the run has written a checkpoint."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(signal_number)
        self.exit_code = 128 + signal_number


class StopRequest:
    """Turns SIGINT and SIGTERM into a flag that the loop looks at between two steps."""

    def __init__(self) -> None:
        self.signal_number: int | None = None

    def __enter__(self) -> StopRequest:
        # Python lets no other thread set handlers: a host program's training runs without them.
        in_main_thread = threading.current_thread() is threading.main_thread()
        numbers = (signal.SIGINT, signal.SIGTERM) if in_main_thread else ()
        self._previous = {number: signal.signal(number, self._note) for number in numbers}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _note(self, number: int, _: object) -> None:
        self.signal_number = number


def compiled_network(recipe: Recipe, precision: str, steps: int) -> tf.keras.Model:
    """The recipe's network with its optimizer and loss, for a training of ``steps`` steps."""
    with precision_policy(precision):
        network = build_network(recipe, integers=precision == "int8")
    network.compile(make_optimizer(recipe, steps), loss=make_loss(recipe), metrics=["accuracy"])
    return network


def peak_memory() -> int | None:
    """Largest resident memory of this process so far, in bytes; None on Windows."""
    try:
        import resource
    except ModuleNotFoundError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # Linux counts in KiB


def normalised(faces: Faces, recipe: Recipe) -> Faces:
    """Faces as the recipe's network sees them."""
    return replace(faces, images=normalise(faces.images, recipe.normalisation))


def starting_weights(recipe: Recipe, source: str) -> list[NDArray[Any]]:
    """Latent weights and batch statistics of a run of the same network, or of packed weights, where
    every latent weight is its sign times ``LATENT_SIZE``.

    Raises ``UserError`` if there is none, or it is another network or kind of weights.
    """
    loaded = run_folder.load_network(source)
    found = run_folder.recipe_of(loaded.description)
    if (found.network, found.optimizer) != (recipe.network, recipe.optimizer):
        raise UserError(
            f"{source}: holds {found.network} trained with {found.optimizer}, from which "
            f"{recipe.network} with {recipe.optimizer} cannot start"
        )
    if loaded.weights_file.suffix == ".npz" and recipe.optimizer == "adam":
        for layer in loaded.network.layers:
            if isinstance(layer, (lq.layers.QuantConv2D, lq.layers.QuantDense)):
                layer.set_weights([LATENT_SIZE * kernel for kernel in layer.get_weights()])
    return list(loaded.network.get_weights())


class Training:
    """One run of a recipe in its folder: a network, an optimizer, and how far they have come."""

    def __init__(
        self,
        recipe: Recipe,
        settings: Settings,
        dataset: Dataset,
        run: Path,
        strategy: tf.distribute.Strategy,
    ) -> None:
        self.recipe, self.settings, self.run, self.strategy = recipe, settings, run, strategy
        self.description = run_folder.describe(recipe, asdict(settings), dataset)
        chosen = select(dataset.split("training"), recipe.labels, "training")
        self.training, self.targets = normalised(chosen.faces, recipe), chosen.targets
        self.description["left_out"] = {"training": chosen.left_out}
        self.teach: Teach | None
        self.teach, provenance = teacher_of(recipe, settings.teacher_run)
        if provenance:
            self.description["teacher"] = provenance
        self.validation = None
        if "validation" in dataset.splits:
            judged_by = "ferplus" if recipe.labels == "ferplus" else "fer2013"
            chosen = select(dataset.split("validation"), judged_by, "evaluation")
            self.validation = normalised(replace(chosen.faces, labels=chosen.targets), recipe)
            self.description["left_out"]["validation"] = chosen.left_out
        self.writes = writes_files(strategy)
        self.steps_per_epoch = len(self.training) // recipe.batch_size
        if self.steps_per_epoch == 0:
            raise UserError(
                f"batch size {recipe.batch_size} is larger than the {len(self.training)} training "
                "faces; choose a smaller --batch-size"
            )
        tf.keras.utils.set_random_seed(settings.seed)
        with strategy.scope():
            self.network = compiled_network(
                recipe, settings.precision, recipe.epochs * self.steps_per_epoch
            )
        if settings.start_from and not (run / run_folder.CHECKPOINTS).exists():
            self.network.set_weights(starting_weights(recipe, settings.start_from))
        # float32, for validation and for what is written. Integers give the same there, sooner.
        self.exact = build_network(recipe, integers=choose_precision("auto", recipe) == "int8")
        self.predict = predictor(self.exact)
        self.history = History(run)

        # Progress, as variables so that a checkpoint holds it with the weights.
        self.epoch = tf.Variable(0, trainable=False)  # finished epochs
        self.step = tf.Variable(0, trainable=False)  # steps taken in the current epoch
        self.sums = tf.Variable(np.zeros(3), trainable=False)  # its loss, accuracy and seconds
        self.best = tf.Variable(-1.0, trainable=False)  # highest validation accuracy
        self._scratch = None if self.writes else tempfile.TemporaryDirectory()
        self.checkpoints = tf.train.CheckpointManager(
            tf.train.Checkpoint(
                network=self.network,
                optimizer=self.network.optimizer,
                epoch=self.epoch,
                step=self.step,
                sums=self.sums,
                best=self.best,
            ),
            # Every worker has to take part in saving, but only one may write the run folder.
            self._scratch.name if self._scratch else run / run_folder.CHECKPOINTS,
            max_to_keep=2,
        )

    def resume(self) -> None:
        """Go back to the last checkpoint; without one, the run starts from its beginning."""
        latest = tf.train.latest_checkpoint(self.run / run_folder.CHECKPOINTS)
        if latest is None:
            return
        optimizer = self.network.optimizer
        if hasattr(optimizer, "build"):  # else Larq's, which makes its variables in the first step
            with self.strategy.scope():
                optimizer.build(self.network.trainable_variables)
        try:
            # Without the assertion, a variable that the checkpoint lacks would keep its new value.
            self.checkpoints.checkpoint.restore(latest).assert_existing_objects_matched()
        except AssertionError:
            raise UserError(
                f"{latest}: the checkpoint of another network than {self.recipe.network} as this "
                "fer_larq builds it; remove the folder checkpoints/ to train from the start"
            ) from None
        except (tf.errors.OpError, ValueError, IndexError) as error:
            raise UserError(
                f"{latest}: damaged checkpoint ({str(error).splitlines()[0]}); "
                "remove the folder checkpoints/ to train from the start"
            ) from None
        self.history.keep_epochs(int(self.epoch))
        if self.history.rows:
            self._note_result(int(self.epoch))

    def train(
        self, checkpoint_minutes: float = CHECKPOINT_MINUTES, validate_every: int = 1
    ) -> None:
        """Train to the end of the recipe.

        Args:
            checkpoint_minutes: longest time between two checkpoints.
            validate_every: epochs from one validation to the next. The first and the last epoch
                are always validated.

        Raises:
            Stopped: if SIGINT or SIGTERM asked for it; the checkpoint is written by then.
        """
        train_step = self.network.make_train_function()
        if self.writes:
            run_folder.write_description(self.run, self.description)
        with StopRequest() as stop:
            while (epoch := int(self.epoch)) < self.recipe.epochs:
                self._train_epoch(epoch, train_step, stop, checkpoint_minutes * 60)
                validate = epoch % validate_every == 0 or epoch + 1 == self.recipe.epochs
                self._close_epoch(epoch + 1, validate)

    def _train_epoch(
        self,
        epoch: int,
        train_step: Callable[[Iterator[Any]], Any],
        stop: StopRequest,
        checkpoint_seconds: float,
    ) -> None:
        first, batch_size = int(self.step), self.recipe.batch_size
        plan = plan_of(self.recipe, len(self.training), epoch, self.settings.seed)
        iterator = iter(
            self.strategy.experimental_distribute_dataset(
                batches(self.training.images, self.targets, plan, batch_size, first, self.teach)
            )
        )
        saved = time.monotonic()
        with tqdm(
            desc=f"epoch {epoch + 1}/{self.recipe.epochs}",
            total=self.steps_per_epoch * batch_size,
            initial=first * batch_size,
            unit=" crops",
            disable=not self.writes,
            mininterval=1.0 if sys.stderr.isatty() else 30.0,
        ) as bar:
            for step in range(first + 1, self.steps_per_epoch + 1):
                start = time.monotonic()
                self.network.reset_metrics()
                try:
                    logs = train_step(iterator)
                except tf.errors.OpError as error:
                    if kernels.NotFiniteError.__name__ not in str(error):
                        raise
                    raise self._diverged("the gradient", step) from None
                now = time.monotonic()
                if not np.isfinite(logs["loss"]):
                    raise self._diverged("the loss", step)
                self.sums.assign_add([float(logs["loss"]), float(logs["accuracy"]), now - start])
                self.step.assign(step)
                loss, right, _ = self.sums.numpy() / step
                bar.set_postfix(loss=f"{loss:.4f}", accuracy=f"{right:.1%}", refresh=False)
                bar.update(batch_size)
                if stop.signal_number is not None:
                    self.checkpoints.save()
                    raise Stopped(stop.signal_number)
                if now - saved >= checkpoint_seconds:
                    self.checkpoints.save()
                    saved = time.monotonic()

    def _diverged(self, what: str, step: int) -> UserError:
        return UserError(
            f"{self.run}: {what} is not finite in epoch {int(self.epoch) + 1}, step {step}: the "
            "training has diverged; start again with a smaller --learning-rate"
        )

    def _close_epoch(self, epoch: int, validate: bool) -> None:
        """Log the epoch, and validate and keep the network as it is after ``epoch`` epochs."""
        loss, right, seconds = self.sums.numpy() / self.steps_per_epoch
        figures = {
            "training_loss": loss,
            "training_accuracy": right,
            "crops_per_second": self.recipe.batch_size / seconds,
        }
        better = validate and self._validate(figures)
        if self.writes:
            self.history.append(epoch=epoch, best=better, **figures)
            self._note_result(epoch)
            run_folder.write_description(self.run, self.description)
        self.epoch.assign(epoch)
        self.step.assign(0)
        self.sums.assign(np.zeros(3))
        self.checkpoints.save()

    def _validate(self, figures: dict[str, float]) -> bool:
        """Add the validation accuracies to ``figures``, keep the weights, tell if they are best."""
        self.exact.set_weights(self._weights_to_keep())
        refresh_batch_statistics(self.exact, self.training, self.recipe, self.settings.seed)
        if self.validation is None:
            judged = float(self.best) + 1.0  # nothing to judge by: the latest counts as best
        else:
            found = accuracies(self.predict, self.validation, progress=self.writes)
            figures.update({f"validation_{crops}": value for crops, value in found.items()})
            judged = found[self.recipe.validation_crops]
        better = judged > float(self.best)
        if better:
            self.best.assign(judged)
        if self.writes:
            run_folder.save_weights(self.exact, self.run / run_folder.LAST_WEIGHTS)
            if better:
                run_folder.save_weights(self.exact, self.run / run_folder.BEST_WEIGHTS)
        return better

    def _weights_to_keep(self) -> list[NDArray[Any]]:
        """The network's weights, averaged if the recipe asks for it."""
        weights: list[NDArray[Any]] = self.network.get_weights()
        if self.recipe.ema_decay == 0:
            return weights
        self.network.optimizer.finalize_variable_values(self.network.trainable_variables)
        averaged: list[NDArray[Any]] = self.network.get_weights()
        self.network.set_weights(weights)
        return averaged

    def _note_result(self, epochs: int) -> None:
        self.description["result"] = {
            "epochs": epochs,
            "finished": epochs == self.recipe.epochs,
            "best": self.history.best(),
            "peak_memory_bytes": peak_memory(),
        }
