"""Train a network: ``python -m fer_larq.train --blocks 4 --data fer2013.csv``.

Everything about *what* is learnt stands in a recipe (``fer_larq.recipes``), everything about the
order of the crops in ``fer_larq.pipeline``. This module is the loop around them: steps,
validation, checkpoints, logs.

Validation and the choice of the best weights are exact whatever the precision of the training:
rounded convolution sums move signs, and the deployed network is exact.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from fer_larq import data, distill, runs
from fer_larq.datasets.label_schemes import select
from fer_larq.datasets.labels import one_hot
from fer_larq.datasets.normalisation import normalise
from fer_larq.evaluation.metrics import accuracies
from fer_larq.history import History
from fer_larq.integer_training import kernels
from fer_larq.models import predictor
from fer_larq.optimizers import Adam
from fer_larq.pipeline import EpochPlan, batches, plan_epoch
from fer_larq.recipes import Recipe, add_recipe_options, recipe_from_options
from fer_larq.utils.backend import lq, tf
from fer_larq.utils.errors import UserError, run_command
from fer_larq.utils.options import add_data_option

FINAL_LEARNING_RATE = 0.005
"""Share of the learning rate that a decaying schedule ends with."""

DRAWN_FACES_EPOCHS = 6
"""Epochs on drawn faces unless ``--epochs`` says otherwise; the recipes' are meant for FER2013."""

STATISTICS_CROPS = 4096
"""Training crops from which the batch statistics are computed afresh before every validation."""

CHECKPOINT_MINUTES = 4.0
"""Longest time between two checkpoints, so that a killed run loses less than five minutes."""


SGD_MOMENTUM = 0.9

LATENT_SIZE = 0.2
"""Size of the latent weights of a training that starts from packed ones, which keep only signs.
A hundred steps of Adam in one direction turn a sign then, and noise takes epochs to."""


@dataclass(frozen=True)
class Settings:
    """What a run needs to know beside its recipe and its data: seed, arithmetic and files."""

    seed: int = 0
    precision: str = "float32"
    deterministic: bool = False
    start_from: str | None = None
    teacher_run: str | None = None


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
        self._previous = {
            number: signal.signal(number, self._note) for number in (signal.SIGINT, signal.SIGTERM)
        }
        return self

    def __exit__(self, *_) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _note(self, number: int, _) -> None:
        self.signal_number = number


def choose_precision(wanted: str, recipe: Recipe) -> str:
    """What ``auto`` means for a recipe on this machine: bfloat16 on a GPU, int8 where its kernels
    run, else bfloat16 where that is native."""
    in_integers = recipe.binary and recipe.pseudo_gradient == "ste_sign"
    if wanted == "int8" and not in_integers:
        raise UserError("--precision int8: is for binary networks with ste_sign; leave it out")
    if wanted == "int8" and not kernels.available():
        raise UserError(
            "--precision int8: needs an x86-64 processor with AVX2, and a C compiler when fer_larq "
            "is installed; leave the flag out to take what this machine has"
        )
    if wanted != "auto":
        return wanted
    if in_integers and kernels.available() and not tf.config.list_physical_devices("GPU"):
        return "int8"
    return "bfloat16" if native_bfloat16() else "float32"


def native_bfloat16() -> bool:
    """Whether a GPU, or this processor, multiplies numbers in bfloat16."""
    if tf.config.list_physical_devices("GPU"):
        return True
    try:
        processor = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return False
    return bool({"avx512_bf16", "amx_bf16", "bf16"} & set(processor.split()))


@contextlib.contextmanager
def precision_policy(precision: str):
    """Build layers under Keras's mixed precision policy of that name."""
    previous = tf.keras.mixed_precision.global_policy()
    name = "mixed_bfloat16" if precision == "bfloat16" else "float32"
    tf.keras.mixed_precision.set_global_policy(name)
    try:
        yield
    finally:
        tf.keras.mixed_precision.set_global_policy(previous)


def scheduled(recipe: Recipe, value: float, steps: int):
    """``value`` under the recipe's schedule over ``steps`` steps, for an optimizer."""
    schedules = tf.keras.optimizers.schedules
    if recipe.schedule == "cosine" and recipe.warmup > 0:
        rising = min(round(steps * recipe.warmup / recipe.epochs), steps - 1)
        return schedules.CosineDecay(
            0.0, steps - rising, FINAL_LEARNING_RATE, warmup_target=value, warmup_steps=rising
        )
    if recipe.schedule == "cosine":
        return schedules.CosineDecay(value, steps, alpha=FINAL_LEARNING_RATE)
    if recipe.schedule == "linear":
        return schedules.PolynomialDecay(value, steps, value * FINAL_LEARNING_RATE)
    return value


def make_optimizer(recipe: Recipe, steps: int) -> tf.keras.optimizers.Optimizer:
    """The recipe's optimizer, its schedule spanning ``steps`` steps."""
    rate = scheduled(recipe, recipe.learning_rate, steps)
    if not 0 <= recipe.averaging < 1:
        raise UserError(f"--averaging {recipe.averaging:g}: it is a share, from 0 to below 1")
    if recipe.optimizer == "adam":
        return Adam(rate, use_ema=recipe.averaging > 0, ema_momentum=recipe.averaging)
    if recipe.optimizer == "sgd":
        optimizer = tf.keras.optimizers.SGD(
            rate,
            momentum=SGD_MOMENTUM,
            nesterov=True,
            weight_decay=recipe.weight_decay or None,
            use_ema=recipe.averaging > 0,
            ema_momentum=recipe.averaging,
        )
        # Shifts and scales of batch normalisation, and biases, are few and free.
        optimizer.exclude_from_weight_decay(var_names=["beta", "gamma", "bias"])
        return optimizer
    if recipe.averaging > 0:
        raise UserError(
            f"--averaging {recipe.averaging:g}: weights of -1 and +1 have no average; use 0, or "
            "--optimizer adam"
        )
    # Larq's CaseOptimizer accepts only the optimizers that Keras 2.11 called legacy.
    bop = lq.optimizers.Bop(
        threshold=recipe.bop_threshold, gamma=scheduled(recipe, recipe.bop_gamma, steps)
    )
    return lq.optimizers.CaseOptimizer(
        (lq.optimizers.Bop.is_binary_variable, bop),
        default_optimizer=tf.keras.optimizers.legacy.Adam(rate),
    )


def make_loss(recipe: Recipe) -> tf.keras.losses.Loss:
    """The recipe's loss on scores and one-hot labels."""
    if recipe.loss == "squared-hinge":
        return SoftSquaredHinge(recipe.label_smoothing)
    return tf.keras.losses.CategoricalCrossentropy(
        from_logits=True, label_smoothing=recipe.label_smoothing
    )


class SoftSquaredHinge(tf.keras.losses.Loss):
    """Squared hinge (paper, section 2.4) for targets that are probabilities.

    The mean over the classes of y max(0, 1 - s)^2 + (1 - y) max(0, 1 + s)^2, for a score s: what
    the squared hinge is expected to be if the class is the right one with probability y. It is
    smallest at s = 2 y - 1. With label smoothing e, 2 y - 1 shrinks to (1 - e) (2 y - 1).
    """

    def __init__(self, label_smoothing: float = 0.0) -> None:
        super().__init__()
        self.label_smoothing = label_smoothing

    def call(self, y_true, y_pred):
        right = 0.5 + (1.0 - self.label_smoothing) * (y_true - 0.5)
        too_low = tf.square(tf.maximum(1.0 - y_pred, 0.0))
        too_high = tf.square(tf.maximum(1.0 + y_pred, 0.0))
        return tf.reduce_mean(right * too_low + (1.0 - right) * too_high, axis=-1)


def compiled_network(recipe: Recipe, precision: str, steps: int) -> tf.keras.Model:
    """The recipe's network with its optimizer and loss, for a training of ``steps`` steps."""
    with precision_policy(precision):
        network = runs.build(recipe, integers=precision == "int8")
    network.compile(make_optimizer(recipe, steps), loss=make_loss(recipe), metrics=["accuracy"])
    return network


def make_strategy(name: str) -> tf.distribute.Strategy:
    """The ``tf.distribute`` strategy of that name; ``multi-worker`` reads ``TF_CONFIG``."""
    if name == "mirrored":
        return tf.distribute.MirroredStrategy()
    if name == "multi-worker":
        return tf.distribute.MultiWorkerMirroredStrategy()
    return tf.distribute.get_strategy()


def writes_files(strategy: tf.distribute.Strategy) -> bool:
    """Whether this process is the one of all workers that writes the run folder."""
    resolver = strategy.cluster_resolver
    return resolver is None or resolver.task_type in (None, "chief") or resolver.task_id == 0


def peak_memory() -> int | None:
    """Largest resident memory of this process so far, in bytes; None on Windows."""
    try:
        import resource
    except ModuleNotFoundError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # Linux counts in KiB


def refresh_batch_statistics(
    network: tf.keras.Model, faces: data.Faces, recipe: Recipe, seed: int
) -> None:
    """Set the moving statistics of batch normalisation to those of the final weights.

    While the weights still change, moving statistics lag behind them. Here they become the plain
    mean over the batches of up to ``STATISTICS_CROPS`` training crops, in the network's own
    arithmetic, so ``network`` should be a float32 one.
    """
    normalisations = [
        layer for layer in network.layers if isinstance(layer, tf.keras.layers.BatchNormalization)
    ]
    momenta = [layer.momentum for layer in normalisations]
    plan = plan_of(recipe, len(faces), 0, seed)
    count = max(1, STATISTICS_CROPS // recipe.batch_size)
    order = batches(faces.images, one_hot(faces.labels), plan, recipe.batch_size)
    for index, (crops, _) in enumerate(order.take(count)):
        for layer in normalisations:
            layer.momentum = index / (index + 1)  # makes the moving average a cumulative one
        network(crops, training=True)
    for layer, momentum in zip(normalisations, momenta, strict=True):
        layer.momentum = momentum


def teacher_of(recipe: Recipe, source: str | None):
    """The teacher that the recipe asks for with its provenance, or ``(None, None)``.

    Raises ``UserError`` if there is none, or one is given that the recipe ignores.
    """
    share = recipe.distillation
    if not 0 <= share <= 1:
        raise UserError(f"--distillation {share:g}: it is a share, from 0 to 1")
    if share > 0 and source is None:
        raise UserError(
            "--distillation needs a teacher: train one with `--recipe teacher` and name its run "
            "folder with --teacher"
        )
    if share == 0 and source is not None:
        raise UserError(
            f"--teacher {source}: of no use without --distillation, or use --recipe distilled"
        )
    return distill.teacher(source, recipe) if source else (None, None)


def normalised(faces: data.Faces, recipe: Recipe) -> data.Faces:
    """Faces as the recipe's network sees them."""
    return replace(faces, images=normalise(faces.images, recipe.normalisation))


def plan_of(recipe: Recipe, count: int, epoch: int, seed: int) -> EpochPlan:
    """The crops of an epoch over ``count`` faces, as the recipe wants them."""
    return plan_epoch(count, epoch, seed, recipe.augment, recipe.flip, recipe.light, recipe.erasing)


def starting_weights(recipe: Recipe, source: str) -> list[np.ndarray]:
    """Latent weights and batch statistics of a run of the same network, or of packed weights, where
    every latent weight is its sign times ``LATENT_SIZE``.

    Raises ``UserError`` if there is none, or it is another network or kind of weights.
    """
    loaded = runs.load_network(source)
    found = runs.recipe_of(loaded.description)
    if (found.network, found.optimizer) != (recipe.network, recipe.optimizer):
        raise UserError(
            f"{source}: holds {found.network} trained with {found.optimizer}, from which "
            f"{recipe.network} with {recipe.optimizer} cannot start"
        )
    if loaded.weights_file.suffix == ".npz" and recipe.optimizer == "adam":
        for layer in loaded.network.layers:
            if isinstance(layer, (lq.layers.QuantConv2D, lq.layers.QuantDense)):
                layer.set_weights([LATENT_SIZE * kernel for kernel in layer.get_weights()])
    return loaded.network.get_weights()


class Training:
    """One run of a recipe in its folder: a network, an optimizer, and how far they have come."""

    def __init__(
        self,
        recipe: Recipe,
        settings: Settings,
        dataset: data.Dataset,
        run: Path,
        strategy: tf.distribute.Strategy,
    ) -> None:
        self.recipe, self.settings, self.run, self.strategy = recipe, settings, run, strategy
        self.description = runs.describe(recipe, asdict(settings), dataset)
        chosen = select(dataset.split("training"), recipe.labels, "training")
        self.training, self.targets = normalised(chosen.faces, recipe), chosen.targets
        self.description["left_out"] = {"training": chosen.left_out}
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
        if settings.start_from and not (run / runs.CHECKPOINTS).exists():
            self.network.set_weights(starting_weights(recipe, settings.start_from))
        # float32, for validation and for what is written. Integers give the same there, sooner.
        self.exact = runs.build(recipe, integers=choose_precision("auto", recipe) == "int8")
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
            self._scratch.name if self._scratch else run / runs.CHECKPOINTS,
            max_to_keep=2,
        )

    def resume(self) -> None:
        """Go back to the last checkpoint; without one, the run starts from its beginning."""
        latest = tf.train.latest_checkpoint(self.run / runs.CHECKPOINTS)
        if latest is None:
            return
        try:
            self.checkpoints.checkpoint.restore(latest)
        except (tf.errors.OpError, ValueError, IndexError) as error:
            raise UserError(
                f"{latest}: damaged checkpoint ({str(error).splitlines()[0]}); "
                "remove the folder checkpoints/ to train from the start"
            ) from None
        self.history.keep_epochs(int(self.epoch))
        if self.history.rows:
            self._note_result(int(self.epoch))

    def train(self, checkpoint_minutes: float = CHECKPOINT_MINUTES) -> None:
        """Train to the end of the recipe.

        Raises:
            Stopped: if SIGINT or SIGTERM asked for it; the checkpoint is written by then.
        """
        train_step = self.network.make_train_function()
        if self.writes:
            runs.write_description(self.run, self.description)
        with StopRequest() as stop:
            while (epoch := int(self.epoch)) < self.recipe.epochs:
                self._train_epoch(epoch, train_step, stop, checkpoint_minutes * 60)
                self._close_epoch(epoch + 1)

    def _train_epoch(self, epoch, train_step, stop: StopRequest, checkpoint_seconds) -> None:
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

    def _close_epoch(self, epoch: int) -> None:
        """Validate the network as it is after ``epoch`` epochs, keep it and log the epoch."""
        loss, right, seconds = self.sums.numpy() / self.steps_per_epoch
        figures = {
            "training_loss": loss,
            "training_accuracy": right,
            "crops_per_second": self.recipe.batch_size / seconds,
        }
        self.exact.set_weights(self._weights_to_keep())
        refresh_batch_statistics(self.exact, self.training, self.recipe, self.settings.seed)
        if self.validation is None:
            judged = float(self.best) + 1.0  # nothing to judge by: the latest counts as best
        else:
            found = accuracies(self.predict, self.validation, progress=self.writes)
            figures |= {f"validation_{views}": value for views, value in found.items()}
            judged = found[self.recipe.validation_views]
        better = judged > float(self.best)
        if better:
            self.best.assign(judged)
        if self.writes:
            runs.save_weights(self.exact, self.run / runs.LAST_WEIGHTS)
            if better:
                runs.save_weights(self.exact, self.run / runs.BEST_WEIGHTS)
            self.history.append(epoch=epoch, best=better, **figures)
            self._note_result(epoch)
            runs.write_description(self.run, self.description)
        self.epoch.assign(epoch)
        self.step.assign(0)
        self.sums.assign(np.zeros(3))
        self.checkpoints.save()

    def _weights_to_keep(self) -> list[np.ndarray]:
        """The network's weights, averaged if the recipe asks for it."""
        weights = self.network.get_weights()
        if self.recipe.averaging == 0:
            return weights
        self.network.optimizer.finalize_variable_values(self.network.trainable_variables)
        averaged = self.network.get_weights()
        self.network.set_weights(weights)
        return averaged

    def _note_result(self, epochs: int) -> None:
        self.description["result"] = {
            "epochs": epochs,
            "finished": epochs == self.recipe.epochs,
            "best": self.history.best(),
            "peak_memory_bytes": peak_memory(),
        }


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
        help="run folder of a network whose answers the targets take in, see --distillation",
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
    add_recipe_options(parser)


def prepare(options: argparse.Namespace) -> tuple[Recipe, Settings, Path]:
    """What to train, how and where, from the command line and, with ``--resume``, the run."""
    if not options.resume:
        recipe = recipe_from_options(options)
        if options.data is None and options.epochs is None:
            recipe = replace(recipe, epochs=DRAWN_FACES_EPOCHS)
        settings = Settings(
            options.seed or 0,
            choose_precision(options.precision or "auto", recipe),
            bool(options.deterministic),
            options.start_from,
            options.teacher_run,
        )
        run = options.out or Path("runs", f"{recipe.network}-{options.recipe}-seed{settings.seed}")
        if (run / runs.DESCRIPTION).exists():
            raise UserError(
                f"{run}: already holds a run; go on with it by --resume --out {run}, or choose "
                "another --out"
            )
        return recipe, settings, run

    run = options.out or Path(
        "runs", f"{recipe_from_options(options).network}-{options.recipe}-seed{options.seed or 0}"
    )
    description = runs.read_description(run)
    stored = runs.recipe_of(description)
    recipe = recipe_from_options(options, stored)
    settings = Settings(**description["settings"])
    choose_precision(settings.precision, recipe)  # the run may have begun on another machine
    for name, value in {**asdict(stored), **asdict(settings)}.items():
        given = getattr(options, name)
        if name != "epochs" and given not in (None, "auto", value):
            raise UserError(
                f"{run}: was begun with {name} {value}, so it cannot go on with {given}; "
                "leave the flag out, or start another run"
            )
    return recipe, settings, run


def check_same_data(run: Path, dataset: data.Dataset) -> None:
    """Raise ``UserError`` unless the run in that folder was begun on this data."""
    begun_on, found = runs.read_description(run)["data"], dataset.description()
    for part, words in (("fingerprint", "other data"), ("ferplus", "other votes of FER+")):
        before, now = begun_on.get(part), found.get(part)
        if part == "ferplus":
            before, now = ((votes or {}).get("fingerprint") for votes in (before, now))
        if before != now:
            raise UserError(
                f"{run}: was begun on {words} ({begun_on['name']}, fingerprint {before!s:.12}, not "
                f"{now!s:.12}); give the same --data and --ferplus, or start another run"
            )


def main(arguments: list[str] | None = None) -> int:
    """Train a network, or go on with a run."""
    parser = argparse.ArgumentParser(
        prog="python -m fer_larq.train",
        description=__doc__.split("\n\n")[0],
        epilog="Example: python -m fer_larq.train --blocks 4 --data fer2013.csv --epochs 30",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_options(parser)
    options = parser.parse_args(arguments)
    strategy = make_strategy(options.strategy)  # several workers have to meet before anything else
    recipe, settings, run = prepare(options)
    votes = options.ferplus or recipe.labels != "fer2013"
    dataset = data.load(options.data, ferplus=votes)
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
        training.train(options.checkpoint_minutes)
    except Stopped as stopped:
        print(
            f"stopped after {int(training.epoch)} epochs and {int(training.step)} steps; go on "
            f"with: python -m fer_larq.train --resume --out {run}"
            + (f" --data {options.data}" if options.data else ""),
            flush=True,
        )
        return stopped.exit_code
    print(f"weights sha256 {runs.weights_digest(training.exact)}")
    if training.writes:
        print(f"evaluate: python -m fer_larq.evaluate {run}")
    return 0


if __name__ == "__main__":
    run_command(main)
