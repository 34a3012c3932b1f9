"""Everything that README.md and docs/ tell a reader to type is run by a test: here or elsewhere.

Commands are the lines of indented and fenced blocks, and what stands between backquotes, as far as
they begin like a command. A new one fails here until it is run by a test.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from fer_larq.inference.analyzer import PACKAGED_MODEL
from fer_larq.inference.video import VideoWriter
from fer_larq.tflite.delegate import library_path
from fer_larq.utils.errors import UserError
from helpers.project import ROOT

DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]

PROGRAMS = r"(python3?|make|pip|pytest|pre-commit|adb|apt-get|docker|jupyter|cmake|git|sh)"

COMMAND = re.compile(rf"(?:[A-Z_]+=\S+ )*{PROGRAMS} (?!`)\S")

RUN_HERE = [
    "python -m fer_larq.data fer2013.csv",
    "python -m fer_larq.evaluate runs/bdnn4-augmented-seed0 --data fer2013.csv",
    "python -m fer_larq.convert --show bdnn4.tflite",
    "python -m fer_larq.predict photo.jpg",
    "python -m fer_larq.predict photo.jpg folder/ clip.mp4",
    "python -m fer_larq.benchmark photographs astronaut --out docs/photographs",
]
"""Run by `test_a_command_runs` as they stand, on small data."""

RUN_BY = {
    "python -m fer_larq.benchmark detection": "test_benchmark.py::test_the_detection_benchmark",
    "python -m fer_larq.benchmark inference": "test_benchmark.py::test_the_inference_benchmark",
    "python -m fer_larq.benchmark light": "test_benchmark.py::test_the_light_benchmark",
    "python -m fer_larq.benchmark layers": "test_benchmark.py::test_the_layers_benchmark",
    "python -m fer_larq.benchmark photographs": "test_readme.py::test_a_command_runs",
    "python -m fer_larq.benchmark robustness": "test_benchmark.py::test_the_robustness_benchmark",
    "python -m fer_larq.benchmark throughput": "test_benchmark.py::test_the_throughput_benchmark",
    "python -m fer_larq.benchmark training": "test_benchmark.py::test_the_training_benchmark",
    "python -m fer_larq.benchmark video": "test_benchmark.py::test_the_video_benchmark",
    "python -m fer_larq.convert": "test_convert.py::test_a_run_becomes_a_model",
    "python -m fer_larq.data": "test_data.py::test_the_command_in_a_process_of_its_own",
    "python -m fer_larq.evaluate": "test_evaluate.py::test_the_command_writes",
    "python -m fer_larq.predict": "test_predict.py::test_a_photo_gives_a_row",
    "python -m fer_larq.reproduce": "test_reproduce.py::test_rows_are_trained",
    "python -m fer_larq.runs": "test_runs.py::test_every_run_has_a_line",
    "python -m fer_larq.tflite": "test_runtime.py::test_the_command_names_the_library",
    "python -m fer_larq.inference.detectors": (
        "test_readme.py::test_the_detectors_model_is_fetched"
    ),
    "python -m fer_larq.train": "test_train.py::test_a_run_leaves_its_whole_account_behind",
    "python -m fer_larq.weights": "test_readme.py::test_weights_are_packed",
    "python notebooks/execute.py": "test_notebooks.py::test_a_notebook_runs_on_synthetic_faces",
    "python -m pytest": "test_readme.py::test_every_command_is_run_by_a_test",
    "pytest": "test_readme.py::test_every_command_is_run_by_a_test",
    "pip install": "test_packaging.py::test_in_a_clean_environment_a_photo",
    "make": "test_readme.py::test_a_target_of_make",
    "pre-commit install": "test_habits.py::test_the_hooks_are_known_to_pre_commit",
    "python examples/archive.py": "test_archive.py::test_every_image_is_once",
    "python docs/chart.py": "test_habits.py::test_the_chart_shows",
    "python android_demo/build.py": "test_android_app.py::test_the_sources_pass_their_tests",
    "python lce_delegate/java/build_aar.py": "test_android_delegate.py::test_a_library_is_built",
}
"""How a command begins, and how the test's name begins that runs it, perhaps on less."""

NOT_RUN = {"adb": "needs a phone", "apt-get": "changes the machine", "git": "fetches the project"}


def blocks(text: str) -> Iterator[str]:
    """Lines of indented blocks and of fenced ones that hold no program; continued ones joined."""
    text = re.sub(r"^```[a-z]+\n.*?^```$", "", text, flags=re.M | re.S)
    fenced = re.findall(r"^```\n(.*?)^```$", text, flags=re.M | re.S)
    lines = "\n".join(fenced).splitlines() + [
        line[4:] for line in text.splitlines() if line.startswith("    ")
    ]
    yield from re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines()


def commands(text: str) -> list[str]:
    """What a text tells its reader to type, with one space between words and without comments."""
    quoted = re.findall(r"`([^`]+)`", re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S))
    found = []
    for line in [*blocks(text), *quoted]:
        line = re.sub(r"\s+#.*", "", " ".join(line.split()))
        if COMMAND.match(line):
            found.append(line)
    return list(dict.fromkeys(found))


def documented() -> dict[str, str]:
    """Every command, and the documents that it stands in."""
    found: dict[str, str] = {}
    for path in DOCUMENTS:
        for command in commands(path.read_text(encoding="utf-8")):
            found[command] = f"{found[command]}, {path.name}" if command in found else path.name
    return found


def without_variables(command: str) -> str:
    """The command without environment variables before it; python3 is python."""
    command = re.sub(r"^([A-Z_]+=\S+ )+", "", command)
    return re.sub(r"^python3 ", "python ", command)


def runner(command: str) -> str | None:
    """The test that runs a command; a reason why none can; None if there is neither."""
    words = without_variables(command).split()
    starts = [" ".join(words[:count]) for count in range(len(words), 0, -1)]
    return next((RUN_BY[start] for start in starts if start in RUN_BY), NOT_RUN.get(words[0]))


def test_every_command_is_run_by_a_test():
    unknown = {c: where for c, where in documented().items() if runner(c) is None}
    assert not unknown, "add a test for these to RUN_HERE or RUN_BY"
    for command in documented():
        if re.match(r"(python -m )?pytest ", command):
            for name in re.findall(r"tests/\S+\.py", command):
                assert (ROOT / name).is_file(), command


def test_the_tests_that_are_named_exist():
    for named in RUN_BY.values():
        file, test = named.split("::")
        (path,) = (ROOT / "tests").rglob(file)
        found = re.findall(rf"^def {test}\w*\(", path.read_text(encoding="utf-8"), re.M)
        assert len(found) == 1, named


def test_a_new_command_is_noticed():
    text = (
        "Type\n\n    python -m fer_larq.dream --deep   # hard\n    FER=1 python3 \\\n"
        "        new.py\n\nor `python -m fer_larq.dream`, `make sense`, not `python` or `make`.\n"
        "```python\nmake = 1\n```\n```\nmake fenced\n```\n"
    )
    assert commands(text) == [
        "make fenced",
        "python -m fer_larq.dream --deep",
        "FER=1 python3 new.py",
        "python -m fer_larq.dream",
        "make sense",
    ]
    assert runner("python -m fer_larq.dream --deep") is None
    assert runner("python -m fer_larq.training") is None
    assert runner("python3 -m fer_larq.train --blocks 4") == RUN_BY["python -m fer_larq.train"]


# What the commands are given ----------------------------------------------------------------------


class Parsed(Exception):
    """The command has understood its arguments."""


def main_of(module: str):
    """The function that ``python -m module`` runs."""
    try:
        return importlib.import_module(f"{module}.__main__").main
    except ModuleNotFoundError:
        return importlib.import_module(module).main


def check_arguments(words: list[str], monkeypatch) -> None:
    """``python -m fer_larq...`` understands its arguments; capitals stand for something else."""
    pytest.importorskip("fer_larq.utils.backend")
    main = main_of(words[2])
    given = [re.sub(r"\b[A-Z][A-Z0-9]+\b", "1", word) for word in words[3:]]
    if not inspect.signature(main).parameters:
        assert not given
        return
    parse = argparse.ArgumentParser.parse_args

    def parse_only(parser, arguments=None, namespace=None):
        parse(parser, arguments, namespace)
        raise Parsed

    with monkeypatch.context() as patch:
        patch.setattr(argparse.ArgumentParser, "parse_args", parse_only)
        with pytest.raises(Parsed):
            main(given)


def test_every_command_understands_the_arguments_that_are_documented(monkeypatch):
    found = [shlex.split(without_variables(command)) for command in documented()]
    ours = [words for words in found if words[:2] == ["python", "-m"] and "fer_larq" in words[2]]
    assert len(ours) >= 10
    for words in ours:
        try:
            check_arguments(words, monkeypatch)
        except SystemExit as stop:
            if not stop.code:  # --help
                continue
            pytest.fail(f"{shlex.join(words)}: is refused")


@pytest.mark.parametrize(
    "target",
    sorted({c.split()[1] for c in map(without_variables, documented()) if c[:5] == "make "}),
)
def test_a_target_of_make_runs_commands_that_exist(target, monkeypatch):
    if shutil.which("make") is None:
        pytest.skip("there is no make")
    done = subprocess.run(
        ["make", "--dry-run", "--always-make", target], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    for line in re.sub(r"\\\n\s*", "", done.stdout).splitlines():
        words = shlex.split(line) if "python" in line else []
        if words[1:2] == ["-m"] and words[2].startswith("fer_larq"):
            check_arguments(["python", *words[1:]], monkeypatch)


def test_every_extra_that_is_documented_exists():
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for command in documented():
        for extras in re.findall(r"\[([a-z,]+)\]", command) if command.startswith("pip") else []:
            for extra in extras.split(","):
                assert re.search(rf"^{extra} = \[", project, re.M), f"{command}: no {extra}"


# Commands that are run as they stand --------------------------------------------------------------


@pytest.fixture
def readers_folder(tmp_path, monkeypatch, finished_run, published_csv) -> Path:
    """A folder with what README.md names: a photo, a run, a model and FER2013 (synthetic faces)."""
    skimage = pytest.importorskip("skimage.data", reason="the photo comes from scikit-image")
    try:
        library_path()
    except UserError as error:
        pytest.skip(str(error))
    Image.fromarray(skimage.astronaut()).save(tmp_path / "photo.jpg")
    (tmp_path / "folder").mkdir()
    shutil.copy(tmp_path / "photo.jpg", tmp_path / "folder" / "again.jpg")
    film = VideoWriter(tmp_path / "clip.mp4", 25)
    for index in range(2):
        film.write(skimage.astronaut(), index / 25)
    film.close()
    shutil.copytree(finished_run, tmp_path / "runs" / "bdnn4-augmented-seed0")
    shutil.copy(PACKAGED_MODEL, tmp_path / "bdnn4.tflite")
    shutil.copy(published_csv, tmp_path / "fer2013.csv")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("command", RUN_HERE)
def test_a_command_runs(command, readers_folder, capsys):
    assert command in documented(), "no document has it any more"
    words = shlex.split(command)
    assert main_of(words[2])(words[3:]) == 0
    said = capsys.readouterr().out
    if "photo" in command:
        assert "happy" in said
    if "evaluate" in command:
        assert (
            readers_folder / "runs/bdnn4-augmented-seed0/evaluation-validation/report.json"
        ).is_file()


def programs(path: Path) -> list[str]:
    """The fenced blocks of Python in a document."""
    return re.findall(r"^```python\n(.*?)^```$", path.read_text("utf-8"), flags=re.M | re.S)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_the_programs_in_a_document_run(path, request, drawn):
    if not programs(path):
        return
    request.getfixturevalue("readers_folder")
    for program in programs(path):
        names = {"face": drawn.split("validation").images[0]}
        exec(compile(program, path.name, "exec"), names)
        assert "scores =" not in program or len(names["scores"]) == 7


def test_weights_are_packed_by_the_command(finished_run, tmp_path, capsys):
    assert main_of("fer_larq.weights")([str(finished_run), "--out", str(tmp_path / "a.npz")]) == 0
    assert "a.npz: " in capsys.readouterr().out and (tmp_path / "a.npz").is_file()


def test_the_detectors_model_is_fetched_by_the_command(capsys):
    from fer_larq.inference.detectors import blazeface_file

    try:
        blazeface_file.main()
    except UserError as error:
        pytest.skip(f"the package registry does not answer: {error}")
    assert Path(capsys.readouterr().out.strip()).is_file()


def test_the_links_and_pictures_of_a_document_exist():
    for path in DOCUMENTS:
        for link in re.findall(r"\]\(([^)#]+)\)", path.read_text(encoding="utf-8")):
            if not link.startswith("https://"):
                assert (path.parent / link).exists(), f"{path.name}: {link}"
