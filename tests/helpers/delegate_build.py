"""Builds of lce_delegate for tests, and the official TensorFlow Lite that some compare it with."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

from helpers.project import ROOT

SOURCE = ROOT / "lce_delegate"

TENSORFLOW_LITE = {
    "2.12.0": "002371fefe277e93f1421206062823d04daceb6c9e4e824cb543eab2d3a00c91",
    "2.13.0": "acd4a2f6dc67624600430347f1cfd970b1180c25788c628aa31f61d653c3d38f",
    "2.14.0": "709db81fbfba461b1ed27e9c1e83817c2d7cc60469074eaa36c88fb8dbea4886",
    "2.15.0": "7d6fb1c012b4c4a452f40fb1b05672871917d73cc78542f3577e6906bfa1e50b",
    "2.16.1": "34b065817e294e7dd3569504e8b9454938ceae453b6a459da54d5f6e45d3c94e",
}
"""Releases of org.tensorflow:tensorflow-lite and the SHA-256 of their AAR."""


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


def tensorflow_lite(version: str = "2.16.1") -> Path:
    """The AAR of a release of TensorFlow Lite: headers, and libraries for Android."""
    name, artifact = "tensorflow-lite", f"org.tensorflow:tensorflow-lite:{version}:aar"
    folder = Path.home() / ".m2/repository/org/tensorflow" / name / version
    archive = folder / f"{name}-{version}.aar"
    if not archive.is_file():
        if shutil.which("mvn") is None:
            pytest.skip(f"{artifact} is not there, and no Maven to fetch it")
        fetch = ["mvn", "-q", "-B", "dependency:get", f"-Dartifact={artifact}"]
        finished = subprocess.run([*fetch, "-Dtransitive=false"], capture_output=True, timeout=120)
        if finished.returncode != 0:
            pytest.skip(f"Maven could not fetch {artifact}")
    assert hashlib.sha256(archive.read_bytes()).hexdigest() == TENSORFLOW_LITE[version]
    return archive
