"""Flags that several commands share, so that they mean the same everywhere."""

from __future__ import annotations

import argparse


def add_data_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--data``, the argument of ``fer_larq.data.load``."""
    parser.add_argument(
        "--data",
        metavar="SOURCE",
        help="FER2013: a folder, zip, tar.gz or CSV as published, or 'kaggle' to fetch it; "
        "without it, drawn faces, on which a figure says nothing about people",
    )


def add_split_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--split``: which of FER2013's splits is judged."""
    parser.add_argument(
        "--split",
        choices=("training", "validation", "test"),
        default="validation",
        help="validation: PublicTest (default); test: PrivateTest, to be read once",
    )
