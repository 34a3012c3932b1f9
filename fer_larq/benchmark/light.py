"""What light costs: accuracy of a network on PublicTest as published, dimmed, and in other light.

Every face is changed before anything else sees it, as a camera would have changed it; values are
rounded and clipped to 0 to 255.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from fer_larq.datasets import loading
from fer_larq.datasets.label_schemes import select
from fer_larq.evaluation.metrics import accuracy
from fer_larq.evaluation.report import crops_name
from fer_larq.evaluation.target import load_target, score_target
from fer_larq.utils.options import add_data_option, add_label_options, ferplus_of

MIDDLE = 127.5

CHANGES: dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "as published": lambda p: p,
    "pixels x 0.4": lambda p: 0.4 * p,
    "pixels x 0.25": lambda p: 0.25 * p,
    "contrast x 0.4": lambda p: MIDDLE + 0.4 * (p - MIDDLE),
    "gamma 0.5": lambda p: 255 * (p / 255) ** 0.5,
    "gamma 2": lambda p: 255 * (p / 255) ** 2,
}
"""From grey values, float64 from 0 to 255, to those in another light."""


def changed(faces: NDArray[np.uint8], name: str) -> NDArray[np.uint8]:
    """Faces, uint8 ``[N, 48, 48]``, in one of the lights of ``CHANGES``; uint8 as well."""
    values = np.clip(np.rint(CHANGES[name](np.arange(256.0))), 0, 255)
    return np.asarray(values, np.uint8)[faces]


def add_options(parser: argparse.ArgumentParser) -> None:
    """The flags of ``python -m fer_larq.benchmark light``."""
    parser.add_argument(
        "network", help="run folder, packaged weights such as bdnn4, or a .tflite model"
    )
    add_data_option(parser)
    add_label_options(parser, ("fer2013", "ferplus"))
    parser.set_defaults(command=main)


def main(options: argparse.Namespace) -> int:
    """Judge the network in every light and print the table."""
    dataset = loading.load(options.data, ferplus=ferplus_of(options))
    chosen = select(dataset.split("validation"), options.labels, "evaluation")
    network = load_target(options.network)
    print(
        f"{network.name} on {dataset.name}, validation split (PublicTest), {len(chosen.faces)} "
        f"faces, labels of {options.labels}, {crops_name(network.main_crops)}\n"
    )
    print("| light | accuracy (%) | difference (points) |\n|---|---|---|")
    base = None
    for name in CHANGES:
        scores = score_target(network, changed(chosen.faces.images, name))
        found = 100 * accuracy(scores[network.main_crops], chosen.targets)
        base = found if base is None else base
        print(f"| {name} | {found:.2f} | {found - base:+.2f} |", flush=True)
    return 0
