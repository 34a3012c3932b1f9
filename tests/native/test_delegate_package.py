"""lce_delegate as a library that others link, and as a wheel of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

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


def test_the_wheel_loads_the_delegate_into_a_stock_runtime(tmp_path):
    pytest.importorskip("scikit_build_core", reason="builds the wheel")
    need("cc", "cmake")
    pip = [sys.executable, "-m", "pip"]
    if subprocess.run([*pip, "--version"], capture_output=True).returncode != 0:
        pytest.skip("pip is not installed: it builds the wheel")
    options = ["--no-deps", "--no-build-isolation", "-w", tmp_path]
    run(*pip, "wheel", "-q", *options, SOURCE)
    (wheel,) = tmp_path.glob("lce_delegate-0.2.0-py3-none-*.whl")
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
