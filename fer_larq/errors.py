"""How a command tells its user what went wrong: one line, exit code 2, no traceback."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import NoReturn

BAD_INPUT = 2
"""Exit code of a command that was given something it cannot work with (as argparse uses it)."""


class UserError(Exception):
    """Something that the user can mend: the message names the thing, the fault and the remedy."""


def warn(message: str) -> None:
    """Print one line to standard error; the program goes on."""
    print(f"warning: {message}", file=sys.stderr, flush=True)


def run_command(command: Callable[[], int | None]) -> NoReturn:
    """Run a command's ``main`` and leave the process with its exit code.

    A ``UserError`` becomes one line on standard error and exit code 2; Ctrl-C becomes exit code
    130, as shells expect it. Any other exception is a defect of this program and keeps its
    traceback.
    """
    try:
        sys.exit(command() or 0)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        sys.exit(BAD_INPUT)
    except KeyboardInterrupt:
        sys.exit(130)
