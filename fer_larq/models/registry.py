"""Every kind of network that a recipe can train, by the name of its topology."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from fer_larq.models.bdnn import DENSE_UNITS, FILTERS, bdnn, network_name
from fer_larq.models.residual import residual_network
from fer_larq.utils.backend import tf


class NetworkSettings(Protocol):
    """What decides the form of a network; ``training.recipes.Recipe`` has it all."""

    @property
    def topology(self) -> str: ...
    @property
    def blocks(self) -> int: ...
    @property
    def dense(self) -> bool: ...
    @property
    def binary(self) -> bool: ...
    @property
    def width(self) -> float: ...
    @property
    def optimizer(self) -> str: ...
    @property
    def pseudo_gradient(self) -> str: ...
    @property
    def clip_value(self) -> float: ...
    @property
    def momentum(self) -> float: ...
    @property
    def dropout(self) -> float: ...


def build_bdnn(settings: NetworkSettings, integers: bool) -> tf.keras.Model:
    """The paper's networks, and their float twins."""
    return bdnn(
        settings.blocks,
        settings.dense,
        binary=settings.binary,
        pseudo_gradient=settings.pseudo_gradient,
        clip_value=settings.clip_value,
        latent_weights=settings.optimizer != "bop",
        momentum=settings.momentum,
        filters=tuple(round(settings.width * filters) for filters in FILTERS),
        dense_units=tuple(round(settings.width * units) for units in DENSE_UNITS),
        integers=integers,
    )


def build_residual(settings: NetworkSettings, integers: bool) -> tf.keras.Model:
    """A float network; it has no convolutions in integers."""
    return residual_network(settings.width, settings.dropout, settings.momentum)


TOPOLOGIES: dict[str, Callable[[NetworkSettings, bool], tf.keras.Model]] = {
    "bdnn": build_bdnn,
    "residual": build_residual,
}


def build_network(settings: NetworkSettings, *, integers: bool = False) -> tf.keras.Model:
    """The network of some settings, under the current dtype policy; ``integers`` as in ``bdnn``."""
    return TOPOLOGIES[settings.topology](settings, integers)


def name_of(settings: NetworkSettings) -> str:
    """Name of the network of some settings, such as ``bdnn4``."""
    if settings.topology == "bdnn":
        name = network_name(settings.blocks, settings.dense)
        name += "" if settings.binary else "-float"
    else:
        name = settings.topology
    return name if settings.width == 1.0 else f"{name}-width{settings.width:g}"
