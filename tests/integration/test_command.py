"""The command ``fer-larq``."""

from __future__ import annotations

from importlib import import_module

import pytest

import fer_larq
from fer_larq.__main__ import COMMANDS, main


def test_help_lists_every_command(capsys):
    with pytest.raises(SystemExit) as leaving:
        main(["--help"])
    assert leaving.value.code == 0
    printed = capsys.readouterr().out
    assert all(f"\n  {name} " in printed for name in COMMANDS)


def test_arguments_are_handed_on(capsys):
    assert main(["data"]) == 0
    assert "fingerprint" in capsys.readouterr().out


def test_an_unknown_command_is_refused_in_one_line(capsys):
    with pytest.raises(SystemExit) as leaving:
        main(["dream"])
    assert leaving.value.code == 2
    assert "invalid choice: 'dream'" in capsys.readouterr().err


def test_the_names_that_the_package_offers_are_there():
    assert fer_larq.FaceClassifier.__module__ == "fer_larq.inference.classifier"
    with pytest.raises(AttributeError, match="no attribute 'dream'"):
        _ = fer_larq.dream


@pytest.mark.parametrize("name", ["predict", "data"])
def test_a_command_has_a_main(name):
    assert callable(import_module(f"fer_larq.{name}").main)
