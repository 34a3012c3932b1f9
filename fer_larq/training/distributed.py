"""Training on several GPUs or machines: ``tf.distribute``."""

from __future__ import annotations

from fer_larq.utils.backend import tf


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
