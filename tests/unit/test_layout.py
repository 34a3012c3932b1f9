"""The layout of the package: contracts of import-linter, imports in functions, sizes of files."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from helpers.project import ROOT

PACKAGE = ROOT / "fer_larq"
FILES = sorted(PACKAGE.rglob("*.py"))

MAX_LINES = 350
MAX_COMMAND_LINES = 120

OPTIONAL = {"kagglehub", "larq_compute_engine", "pillow_heif", "resource", "skimage"}
"""Packages that an installation, or a system, may lack."""

NEED_TRAIN = ("fer_larq.conversion", "fer_larq.training")
"""Rooms of this package that need the extra ``train``; a command may do without them."""


def imports_in_functions(tree: ast.AST) -> Iterator[str]:
    """Modules that are imported inside a function."""
    for function in ast.walk(tree):
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
            for node in ast.walk(function):
                if isinstance(node, ast.Import):
                    yield from (alias.name for alias in node.names)
                elif isinstance(node, ast.ImportFrom):
                    yield node.module or ""


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_stand_at_the_top_but_for_what_may_be_absent(path):
    for module in imports_in_functions(ast.parse(path.read_text(encoding="utf-8"))):
        of_command = path.parent == PACKAGE and module.startswith(NEED_TRAIN)
        assert module.split(".")[0] in OPTIONAL or of_command, f"{path.name} imports {module}"


def test_an_import_inside_a_function_is_noticed():
    tree = ast.parse("import os\ndef f():\n    def g():\n        from a.b import c\n")
    assert set(imports_in_functions(tree)) == {"a.b"}


def test_no_file_is_long_and_commands_are_short():
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}
    assert {path.name: n for path, n in lengths.items() if n > MAX_LINES} == {}
    commands = {path.name: n for path, n in lengths.items() if path.parent == PACKAGE}
    assert {name: n for name, n in commands.items() if n > MAX_COMMAND_LINES} == {}


def test_the_layers_import_only_those_below(monkeypatch):
    cli = pytest.importorskip("importlinter.cli", reason="needs `pip install import-linter`")
    monkeypatch.chdir(ROOT)
    assert cli.lint_imports() == cli.EXIT_STATUS_SUCCESS
