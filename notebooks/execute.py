"""Run the notebooks and keep what they show: ``python notebooks/execute.py``.

    python notebooks/execute.py                                     # all, on synthetic faces
    FER_LARQ_DATA=fer2013.csv python notebooks/execute.py 1 7       # two of them, on FER2013

Outputs are written into the notebooks, without times, progress and logs, so that a change of a
notebook shows what has changed. The committed ones were made on synthetic faces; the tests run all.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError

from fer_larq.utils.errors import UserError, run_command
from fer_larq.utils.files import atomic_write

FOLDER = Path(__file__).resolve().parent

LONGEST = 3600
"""Seconds that a cell may take; the trainings of the fourth notebook take minutes."""


def notebooks(folder: Path = FOLDER) -> list[Path]:
    """All notebooks, in their order."""
    return sorted(folder.glob("[0-9]*_*.ipynb"))


def execute(path: Path, folder: Path) -> nbformat.NotebookNode:
    """Run a notebook from top to bottom in a kernel of its own.

    Args:
        path: of the notebook, which stays as it is.
        folder: where the kernel runs; what its cells write lies there.

    Returns:
        The notebook with new outputs, and the digest of the cells that made them.

    Raises ``UserError`` if a cell fails, with its traceback, or takes longer than ``LONGEST``.
    """
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=LONGEST,
        kernel_name="python3",
        record_timing=False,
        resources={"metadata": {"path": str(folder)}},
    )
    try:
        client.execute()
    except (CellExecutionError, CellTimeoutError) as error:
        raise UserError(f"{path.name}: a cell failed\n{error}") from None
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [kept for output in cell.outputs if (kept := tidy(output)) is not None]
    notebook.metadata = {
        "kernelspec": notebook.metadata["kernelspec"],
        "language_info": {"name": "python"},
        "outputs_of": digest(notebook),
    }
    return notebook


def tidy(output: nbformat.NotebookNode) -> nbformat.NotebookNode | None:
    """An output without progress bars and logs; None if nothing else is in it."""
    if output.output_type == "stream":
        lines = output.text.split("\n")  # not at "\r", by which progress bars can be told
        output.text = "\n".join(
            line for line in lines if "\r" not in line and not line.startswith("INFO")
        )
        if not output.text.strip():
            return None
    return output


def digest(notebook: nbformat.NotebookNode) -> str:
    """SHA-256 of the cells' sources, by which outputs of other sources can be told."""
    sources = "\0".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    return hashlib.sha256(sources.encode()).hexdigest()


def main(arguments: list[str] | None = None) -> int:
    """Run notebooks in their own folder and write them back."""
    parser = argparse.ArgumentParser(
        prog="python notebooks/execute.py", description=__doc__.split("\n\n")[0]
    )
    parser.add_argument("numbers", nargs="*", help="of the notebooks (default: all)")
    options = parser.parse_args(arguments)
    chosen = [
        path
        for path in notebooks()
        if not options.numbers or path.name.split("_")[0] in options.numbers
    ]
    if not chosen:
        raise UserError(f"no notebook has the number {' or '.join(options.numbers)}")
    for path in chosen:
        print(path.name, flush=True)
        notebook = execute(path, FOLDER)
        with atomic_write(path) as temporary:
            nbformat.write(notebook, temporary)
    return 0


if __name__ == "__main__":
    run_command(main)
