"""Where TensorFlow comes in, and where it must not."""

import importlib.util
import subprocess
import sys

import pytest

needs_larq = pytest.mark.skipif(
    importlib.util.find_spec("larq") is None, reason="needs `pip install 'fer_larq[train]'`"
)


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)


@needs_larq
def test_loading_tensorflow_says_nothing():
    done = python(
        "from fer_larq.utils.backend import lq, tf\nprint(tf.keras.__name__, lq.__name__)"
    )
    assert done.returncode == 0
    assert "larq" in done.stdout and done.stderr == ""


@pytest.mark.parametrize(
    "module",
    [
        "data",
        "datasets.crops",
        "datasets.labels",
        "evaluation.metrics",
        "datasets.synthetic",
        "inference.analyzer",
        "tflite.summary",
        "utils.errors",
        "utils.files",
        "utils.options",
    ],
)
def test_modules_that_only_handle_faces_do_not_load_tensorflow(module):
    done = python(
        f"import sys, fer_larq.{module}; print(*{{'tensorflow', 'pandas', 'matplotlib'}} "
        "& set(sys.modules))"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""


def test_tensorflow_with_keras_3_is_refused_in_one_line():
    done = python(
        "import os, sys, types; os.environ.pop('TF_USE_LEGACY_KERAS', None)\n"
        "sys.modules['tensorflow'] = types.ModuleType('tensorflow')\n"
        "from fer_larq.utils.errors import run_command\n"
        "run_command(lambda: __import__('fer_larq.utils.backend'))"
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and "TF_USE_LEGACY_KERAS=1" in done.stderr


@pytest.mark.parametrize("command", ["train", "models"])
def test_a_missing_tensorflow_is_named_with_the_remedy(command):
    done = python(
        "import runpy, sys; sys.modules['tensorflow'] = sys.modules['larq'] = None\n"
        f"runpy.run_module('fer_larq.{command}', run_name='__main__', alter_sys=True)"
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and "fer_larq[train]" in done.stderr


@needs_larq
def test_a_closed_pipe_is_no_error():
    done = subprocess.run(
        f"{sys.executable} -m fer_larq.models --blocks 2 | head -n 1",
        shell=True, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.stdout.count("\n") == 1 and done.stderr == ""
