"""The notebooks run from top to bottom, and hold what their own cells have made."""

from __future__ import annotations

import importlib.util
import itertools
import re
from pathlib import Path

import pytest

from fer_larq.utils.errors import UserError
from helpers.project import ROOT

pytest.importorskip("nbclient", reason="needs `pip install 'fer_larq[notebooks]'`")
pytest.importorskip("ipykernel", reason="needs `pip install 'fer_larq[notebooks]'`")
import nbformat

pytestmark = pytest.mark.slow

FOLDER = ROOT / "notebooks"
specification = importlib.util.spec_from_file_location("execute", FOLDER / "execute.py")
execute = importlib.util.module_from_spec(specification)
specification.loader.exec_module(execute)

NOTEBOOKS = execute.notebooks()

LARGEST = 300_000
"""Bytes of a notebook, so that a clone stays small and GitHub shows it."""

PLACES = re.compile(r"/(home|root|tmp|usr|work|Users|opt)/|\b[A-Z]:\\")
"""Paths that are those of one machine."""


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def texts(notebook) -> str:
    """Everything that the outputs say in words."""
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    said = [output.text for output in outputs if output.output_type == "stream"]
    shown = [output.data for output in outputs if "data" in output]
    return "\n".join([*said, *(text for data in shown for k, text in data.items() if "text" in k)])


def pictures(notebook) -> int:
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    return sum("image/jpeg" in output.get("data", {}) for output in outputs)


def run(path: Path, folder: Path, monkeypatch, data: Path | None = None):
    monkeypatch.setenv("FER_LARQ_QUICK", "1")
    monkeypatch.delenv("FER_LARQ_DATA", raising=False)
    if data is not None:
        monkeypatch.setenv("FER_LARQ_DATA", str(data))
    return execute.execute(path, folder)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_on_synthetic_faces(path, tmp_path, monkeypatch):
    made = run(path, tmp_path, monkeypatch)
    cells = code_cells(made)
    assert [cell.execution_count for cell in cells] == [*range(1, len(cells) + 1)]
    assert pictures(made) == pictures(nbformat.read(path, as_version=4)) >= 2
    assert list(tmp_path.iterdir()) == [], "a notebook leaves nothing behind"


def test_a_notebook_runs_on_a_file_in_the_form_of_fer2013(tmp_path, monkeypatch, published_csv):
    made = run(NOTEBOOKS[0], tmp_path, monkeypatch, published_csv)
    assert "FER2013: training 256, validation 128, test absent" in texts(made)
    assert "SYNTHETIC FACES" not in texts(made)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_a_notebook_holds_was_made_by_its_cells_on_synthetic_faces(path):
    stored = nbformat.read(path, as_version=4)
    nbformat.validate(stored)
    assert stored.metadata["outputs_of"] == execute.digest(stored), (
        f"the cells of {path.name} have changed: python notebooks/execute.py {path.name[0]}"
    )
    if "FER_LARQ_DATA" in "".join(cell.source for cell in code_cells(stored)):
        assert "synthetic faces: " in texts(stored) and "FER2013: training" not in texts(stored)
    assert path.stat().st_size < LARGEST
    assert not PLACES.search(texts(stored)), "a path of the machine that it ran on"
    assert "\r" not in texts(stored)


def test_the_notebooks_are_numbered_and_lead_to_each_other():
    assert [path.name[:2] for path in NOTEBOOKS] == [f"{n}_" for n in range(1, 8)]
    for path, following in itertools.pairwise(NOTEBOOKS):
        assert f"({following.name})" in path.read_text(), f"{path.name} does not lead on"


def test_a_cell_that_fails_is_an_error_that_shows_it(tmp_path):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 / 0")])
    nbformat.write(notebook, tmp_path / "1_bad.ipynb")
    with pytest.raises(UserError, match=r"1_bad\.ipynb: a cell failed(.|\n)*ZeroDivisionError"):
        execute.execute(tmp_path / "1_bad.ipynb", tmp_path)


def test_progress_and_logs_are_left_out_of_outputs():
    def stream(text):
        return nbformat.v4.new_output("stream", name="stderr", text=text)

    assert execute.tidy(stream("INFO: Created a delegate.\n")) is None
    assert execute.tidy(stream("\rrounds: 10%\rrounds: 20%")) is None
    assert execute.tidy(stream("a notice\nINFO: b\n")).text == "a notice\n"
