"""Builds of lce_delegate for tests, and the official TensorFlow Lite that some compare it with."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

from helpers.project import ROOT

SOURCE = ROOT / "lce_delegate"

TENSORFLOW_LITE = "org.tensorflow:tensorflow-lite:2.16.1:aar"
TENSORFLOW_LITE_SHA256 = "34b065817e294e7dd3569504e8b9454938ceae453b6a459da54d5f6e45d3c94e"


def need(*programs: str) -> None:
    """Skip the test, saying why, if one of these programs is not installed."""
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed: lce_delegate cannot be built and run")


def build(directory: Path, *options: str, target: str = "all") -> Path:
    """Configure and build lce_delegate; returns the build folder."""
    need("cc", "cmake")
    ninja = ["-G", "Ninja"] if shutil.which("ninja") else []
    configure = ["cmake", "-S", SOURCE, "-B", directory, *ninja, *options]
    for command in (configure, ["cmake", "--build", directory, "--target", target]):
        subprocess.run(command, check=True, capture_output=True, text=True)
    return directory


def tensorflow_lite() -> Path:
    """The AAR of TensorFlow Lite: headers, and libraries for Android."""
    group, name, version, kind = TENSORFLOW_LITE.split(":")
    folder = Path.home() / ".m2/repository" / group.replace(".", "/") / name / version
    archive = folder / f"{name}-{version}.{kind}"
    if not archive.is_file():
        if shutil.which("mvn") is None:
            pytest.skip(f"{TENSORFLOW_LITE} is not there, and no Maven to fetch it")
        artifact = f"-Dartifact={TENSORFLOW_LITE}"
        fetch = ["mvn", "-q", "-B", "dependency:get", artifact, "-Dtransitive=false"]
        if subprocess.run(fetch, capture_output=True, timeout=120).returncode != 0:
            pytest.skip(f"Maven could not fetch {TENSORFLOW_LITE}")
    assert hashlib.sha256(archive.read_bytes()).hexdigest() == TENSORFLOW_LITE_SHA256
    return archive
