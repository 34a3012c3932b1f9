"""lce_delegate as a library that others link, and as a wheel of its own."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from helpers import runtime_matrix
from helpers.delegate_build import SOURCE, need

PROGRAM = """#include <cstdio>
#include <lce_core.h>
#include <lce_delegate.h>
int main() {
  TfLiteDelegate* delegate = LceDelegateCreate(nullptr, nullptr, nullptr);
  std::printf("%s %s", LceDelegateVersion(), LceDelegateKernel(delegate));
  LceDelegateDelete(delegate);
}
"""

USER = """cmake_minimum_required(VERSION 3.20)
project(user CXX)
find_package(lce_delegate 0.2 REQUIRED)
foreach(kind lce_delegate lce_delegate_static)
  add_executable(with_${kind} main.cpp)
  target_link_libraries(with_${kind} PRIVATE lce_delegate::${kind})
endforeach()
"""


def run(*command: str | Path, folder: Path | None = None, **environment: str) -> str:
    finished = subprocess.run(
        command, cwd=folder, env=environment or None, capture_output=True, text=True
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


def words(text: str) -> list[str]:
    version, kernel = text.split()
    assert version == "0.2.0"
    return [version, kernel]


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """The folder that `cmake --install` was pointed to."""
    need("cc", "c++", "cmake")
    build, prefix = (tmp_path_factory.mktemp(name) for name in ("build", "prefix"))
    ninja = ["-G", "Ninja"] if shutil.which("ninja") else []
    options = ["-DLCE_BUILD_TESTS=OFF", f"-DCMAKE_INSTALL_PREFIX={prefix}"]
    options.append("-DCMAKE_INSTALL_LIBDIR=lib")
    run("cmake", "-S", SOURCE, "-B", build, *ninja, *options)
    run("cmake", "--build", build)
    run("cmake", "--install", build)
    return prefix


@pytest.fixture
def program(tmp_path) -> Path:
    path = tmp_path / "main.cpp"
    path.write_text(PROGRAM, encoding="utf-8")
    return path


def test_a_program_elsewhere_finds_and_links_it_shared_and_static(installed, program, tmp_path):
    (tmp_path / "CMakeLists.txt").write_text(USER, encoding="utf-8")
    run("cmake", "-S", tmp_path, "-B", tmp_path / "b", f"-DCMAKE_PREFIX_PATH={installed}")
    run("cmake", "--build", tmp_path / "b")
    shared = run(tmp_path / "b" / "with_lce_delegate")
    assert words(shared) == words(run(tmp_path / "b" / "with_lce_delegate_static"))


@pytest.mark.parametrize("kind", ["shared", "static"])
def test_pkg_config_finds_it(installed, program, tmp_path, kind):
    need("pkg-config")
    library = installed / "lib"
    static = ["--static"] if kind == "static" else []
    flags = run(
        "pkg-config", *static, "--cflags", "--libs", "lce_delegate",
        PKG_CONFIG_PATH=str(library / "pkgconfig"), PATH="/usr/bin:/bin",
    ).split()  # fmt: skip
    run("c++", program, *(["-static"] if static else []), *flags, "-o", tmp_path / "program")
    words(run(tmp_path / "program", LD_LIBRARY_PATH=str(library)))


def test_only_what_the_header_declares_is_exported(installed):
    need("nm")
    listed = run("nm", "-D", "--defined-only", installed / "lib" / "liblce_delegate.so")
    names = {line.split()[-1] for line in listed.splitlines()}
    header = (installed / "include" / "lce_delegate.h").read_text(encoding="utf-8")
    assert {"LceDelegateCreate", "tflite_plugin_create_delegate"} <= names
    assert all(f"{name}(" in header for name in names), names


@pytest.fixture(scope="module")
def wheels(tmp_path_factory) -> Path:
    """A folder with the wheel lce-delegate for this machine."""
    pytest.importorskip("scikit_build_core", reason="builds the wheel")
    need("cc", "cmake")
    pip = [sys.executable, "-m", "pip"]
    if subprocess.run([*pip, "--version"], capture_output=True).returncode != 0:
        pytest.skip("pip is not installed: it builds the wheel")
    folder = tmp_path_factory.mktemp("wheels")
    run(*pip, "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", folder, SOURCE)
    return folder


def test_the_wheel_loads_the_delegate_into_a_stock_runtime(wheels, tmp_path):
    (wheel,) = wheels.glob("lce_delegate-0.2.0-py3-none-*.whl")
    shutil.unpack_archive(wheel, tmp_path / "site", "zip")
    script = (
        "import lce_delegate, pytest; from ai_edge_litert import interpreter\n"
        "assert lce_delegate.load(num_threads=2, kernel=lce_delegate.kernels()[-1])\n"
        "assert lce_delegate.load(runtime=interpreter)\n"
        "with pytest.raises(ValueError, match='num_threads is out of range'):\n"
        "    lce_delegate.load(num_threads=65)\n"
        "print(lce_delegate.__version__, lce_delegate.library_path().parent)\n"
    )
    printed = run(sys.executable, "-c", script, PYTHONPATH=str(tmp_path / "site"))
    assert printed.split() == ["0.2.0", str(tmp_path / "site" / "lce_delegate")]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory) -> Path:
    """Operators and small networks with what LCE's interpreter gives, for clean environments."""
    pytest.importorskip("fer_larq.utils.backend")
    path = tmp_path_factory.mktemp("recorded") / "cases.npz"
    try:
        runtime_matrix.record(path, "QuickNetSmall", 32)
    except ModuleNotFoundError as missing:
        pytest.skip(f"{missing.name} is not installed; larq_zoo_networks.py says how")
    return path


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.parametrize("release", ["ai-edge-litert==1.1.0", "ai-edge-litert==2.3.0"])
def test_in_a_clean_environment_a_release_of_the_runtime_gives_the_bits_of_lce(
    release, wheels, recorded, tmp_path
):
    clean = runtime_matrix.clean_environment(release, tmp_path / "clean", sys.executable, wheels)
    found = runtime_matrix.run_suite(clean, recorded)
    assert found["runtime"] == release.replace("==", " ")
    assert found["wrong"] == []
    assert found["runs"] > 100 * len(found["kernels"])


@pytest.mark.slow
@pytest.mark.network
def test_the_suite_of_clean_environments_notices_one_wrong_bit(wheels, recorded, tmp_path):
    release = "ai-edge-litert==2.3.0"
    with np.load(recorded) as file:
        cases = dict(file)
    cases["expected 3"].view(np.uint8).flat[0] ^= 1
    np.savez(tmp_path / "cases.npz", **cases)
    clean = runtime_matrix.clean_environment(release, tmp_path / "clean", sys.executable, wheels)
    found = runtime_matrix.run_suite(clean, tmp_path / "cases.npz")
    assert len(found["wrong"]) == 2 * len(found["kernels"])
    assert all(words.startswith(str(cases["names"][3])) for words in found["wrong"])


def test_a_wheel_whose_library_has_another_name_or_exports_more_is_noticed(wheels, monkeypatch):
    pytest.importorskip("lief", reason="reads libraries")
    monkeypatch.syspath_prepend(SOURCE / "python")
    build_wheels = importlib.import_module("build_wheels")
    (wheel,) = wheels.glob("*.whl")
    here = build_wheels.Platform("", "", "Linux", os.uname().machine)
    # The machine's own C library may be newer than a wheel for all of them may ask for.
    assert not [f for f in build_wheels.faults(wheel, here) if not f.startswith("needs GLIBC_")]
    elsewhere = build_wheels.Platform("", "", "Windows", "AMD64")
    assert build_wheels.faults(wheel, elsewhere) == ["lacks lce_delegate.dll"]
    monkeypatch.setattr(build_wheels, "declared", lambda: {"LceDelegateCreate"})
    assert any("exports differ" in fault for fault in build_wheels.faults(wheel, here))
