"""Flags that several commands share, so that they mean the same everywhere."""

from __future__ import annotations

import argparse


def add_alias(parser: argparse.ArgumentParser, old: str, action: argparse.Action) -> None:
    """Let a flag's former name go on working; help does not show it."""
    parser.add_argument(
        old,
        dest=action.dest,
        type=action.type or str,
        choices=action.choices,
        default=argparse.SUPPRESS,
        help=argparse.SUPPRESS,
    )


def add_data_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--data``, the argument of ``fer_larq.data.load``."""
    parser.add_argument(
        "--data",
        metavar="SOURCE",
        help="FER2013: a folder, zip, tar.gz or CSV as published, or 'kaggle' to fetch it; "
        "without it, synthetic faces, on which a figure says nothing about people",
    )


def add_split_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--split``: which of FER2013's splits is judged."""
    parser.add_argument(
        "--split",
        choices=("training", "validation", "test"),
        default="validation",
        help="validation: PublicTest (default); test: PrivateTest, for the one final figure",
    )


def add_label_options(parser: argparse.ArgumentParser, schemes: tuple[str, ...]) -> None:
    """Add ``--labels`` and ``--ferplus``.

    Args:
        schemes: those of ``datasets.label_schemes.LABEL_SCHEMES`` that the command can use.
    """
    parser.add_argument(
        "--labels",
        choices=schemes,
        default="fer2013",
        help="labels to judge by: fer2013: its own; ferplus: the majority of FER+'s ten voters "
        "(default: fer2013)",
    )
    parser.add_argument(
        "--ferplus",
        metavar="FILE",
        help="FER+'s votes, fer2013new.csv (default: the one beside --data or in ../ferplus)",
    )


def ferplus_of(options: argparse.Namespace) -> str | bool | None:
    """``ferplus`` of ``fer_larq.data.load``, from the flags of ``add_label_options``."""
    return options.ferplus or options.labels not in (None, "fer2013")
