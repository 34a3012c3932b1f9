"""How a command tells its user what went wrong: one line, exit code 2, no traceback."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

BAD_INPUT = 2
"""Exit code of a command that was given something it cannot work with (as argparse uses it)."""


class UserError(Exception):
    """Something that the user can mend: the message names the thing, the fault and the remedy."""


class MissingPackage(UserError, ModuleNotFoundError):
    """An optional package is not installed; the message says what brings it."""


@contextmanager
def writing(path: str | os.PathLike[str]) -> Iterator[None]:
    """Where a file or folder is written: an ``OSError`` becomes a ``UserError`` that names it."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise UserError(
            f"{error.filename or os.fspath(path)}: cannot be written ({reason})"
        ) from None


def warn(message: str) -> None:
    """Print one line to standard error; the program goes on."""
    print(f"warning: {message}", file=sys.stderr, flush=True)


def run_command(command: Callable[[], int | None]) -> NoReturn:
    """Run a command's ``main`` and leave the process with its exit code.

    A ``UserError`` becomes one line on standard error and exit code 2; Ctrl-C and a closed pipe
    become the exit codes that shells expect. Any other exception is a defect of this program and
    keeps its traceback.
    """
    try:
        code = command() or 0
        sys.stdout.flush()
        sys.exit(code)
    except UserError as error:
        leave(error)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # The reader, `head` say, has seen enough. Python must not flush the rest at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)


def leave(error: UserError) -> NoReturn:
    """Print the one line of an error and leave the process with exit code 2."""
    print(f"error: {error}", file=sys.stderr, flush=True)
    sys.exit(BAD_INPUT)


def refuse_import(error: UserError) -> NoReturn:
    """Raise an error that arises while a module is imported.

    The modules of a command (``python -m fer_larq...``) are imported before ``run_command`` can
    catch anything, so there the process is left at once.
    """
    command = getattr(sys.modules["__main__"], "__spec__", None)
    if command is not None and command.name.split(".")[0] == "fer_larq":
        leave(error)
    raise error
