"""What lce_delegate/README.md says to type is typed here, in a folder of its own."""

from __future__ import annotations

import importlib
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from helpers import delegate_models as models
from helpers.delegate_build import SOURCE, need, tensorflow_lite

ROOT = SOURCE.parent
README = (SOURCE / "README.md").read_text(encoding="utf-8")


def block(language: str, beginning: str) -> str:
    """The block of code of the README that begins so."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    (found,) = [text for text in blocks if text.startswith(beginning)]
    return found


def type_in(commands: str, folder: Path, **variables: str) -> subprocess.CompletedProcess:
    finished = subprocess.run(
        ["sh", "-ec", commands], cwd=folder, env={**os.environ, **variables}, capture_output=True
    )
    assert finished.returncode == 0, (finished.stdout + finished.stderr).decode()[-3000:]
    return finished


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder with lce_delegate, as it was downloaded and then built, and with a model."""
    need("cc", "cmake", "ninja", "ctest")
    folder = tmp_path_factory.mktemp("engineer")
    ignored = shutil.ignore_patterns("build", "dist", "__pycache__")
    shutil.copytree(SOURCE, folder / "lce_delegate", ignore=ignored)
    (folder / "model.tflite").write_bytes(models.small_network(batch=1))
    finished = type_in(block("sh", "cmake"), folder)
    assert b"100% tests passed" in finished.stdout
    return folder


def test_the_python_example_prints_what_lce_gives(folder):
    pytest.importorskip("fer_larq.utils.backend")
    (folder / "example.py").write_text(
        block("python", "import numpy")
        + "\nprint(interpreter.get_tensor(gives['index']).tobytes())\n"
    )
    # From elsewhere than this project, which it must not need.
    finished = type_in(f"{sys.executable} example.py", folder, PYTHONPATH="")
    ones = np.ones((1, 6, 6, 40), np.float32)
    (expected,) = models.lce((folder / "model.tflite").read_bytes(), ones)
    assert finished.stdout.decode().splitlines()[-1] == str(expected.tobytes())
    assert f"{expected.ravel()[0]:.4f}"[:5] in finished.stdout.decode()


def lay_tensorflow(folder: Path) -> str:
    """Make the folder ``tensorflow`` of the README from the AAR for Android, whose x86-64 library
    serves as the C library. Returns what has to be preloaded for that."""
    need("clang-19")
    sys.path.insert(0, str(ROOT / "android_demo"))
    host_runtime = importlib.import_module("host_runtime")
    tensorflow = folder / "tensorflow"
    with zipfile.ZipFile(tensorflow_lite()) as content:
        library = content.read("jni/x86_64/libtensorflowlite_jni.so")
        built = folder / "build" / "lce_delegate" / "liblce_delegate.so"
        host_runtime.lay_host_runtime(tensorflow, library, [built])
        headers = [name for name in content.namelist() if name.startswith("headers/")]
        content.extractall(folder, headers)
    shutil.copytree(folder / "headers", tensorflow, dirs_exist_ok=True)
    # The AAR leaves out two headers that its own headers include.
    core = tensorflow / "tensorflow" / "lite" / "core"
    (core / "async" / "c").mkdir(parents=True)
    (core / "async" / "c" / "types.h").touch()
    declaration = "typedef struct TfLiteRegistrationExternal TfLiteRegistrationExternal;\n"
    (core / "c" / "registration_external.h").write_text(declaration)
    # Linkers do not accept the library as it is made to load here, so they get one with its names.
    names = re.findall(r"\b(TfLite[A-Z]\w+)\(", (SOURCE / "examples" / "run_model.c").read_text())
    stub = folder / "stub.c"
    stub.write_text("".join(f"void {name}(void) {{}}\n" for name in sorted(set(names))))
    link = ["cc", "-shared", f"-Wl,-soname,{host_runtime.LIBRARY}", stub]
    subprocess.run([*link, "-o", tensorflow / "libtensorflowlite_c.so"], check=True)
    return str(tensorflow / host_runtime.SHIM)


def test_the_c_example_gives_what_lce_gives(folder):
    pytest.importorskip("fer_larq.utils.backend")
    if sys.platform != "linux" or os.uname().machine != "x86_64":
        pytest.skip("the library that stands for TensorFlow Lite's is for x86-64 Linux")
    preloaded = lay_tensorflow(folder)
    values = np.random.default_rng(0).normal(size=(1, 6, 6, 40)).astype(np.float32)
    (folder / "input").write_bytes(values.tobytes())
    compile_it, run_it = block("sh", "cc ").split("run_model\n", 1)
    type_in(compile_it + "run_model", folder)
    type_in(run_it.replace("LD_LIB", f"LD_PRELOAD={preloaded} LD_LIB"), folder)
    (expected,) = models.lce((folder / "model.tflite").read_bytes(), values)
    assert (folder / "output").read_bytes() == expected.tobytes()


def test_the_java_example_is_the_one_of_the_class():
    source = (SOURCE / "java/src/main/java/org/ferlarq/lce/LceDelegate.java").read_text()
    stated = re.sub(r"^ \* ?", "", source[source.index("{@code") :], flags=re.MULTILINE)
    assert block("java", "try") in stated


def test_every_file_and_program_that_the_readme_names_is_there():
    named = re.findall(r"(?:lce_delegate|tests|android_demo)/[\w/]+\.(?:py|sh|c)\b", README)
    assert len(set(named)) >= 8
    for name in named:
        assert (ROOT / name).is_file() or (SOURCE / name).is_file(), name
    for path in re.findall(r"\]\(([\w/.]+)\)", README):
        assert (SOURCE / path).is_file(), path
