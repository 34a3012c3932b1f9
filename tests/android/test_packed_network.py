"""The app's reader of model files, in C, under AddressSanitizer: damaged files are refused or run.

For ten minutes of it: build as ``fuzzer`` does, put ``small_models`` into a folder, and run
``fuzz_packed_network FOLDER -max_total_time=600 -max_len=60000 -timeout=60 -rss_limit_mb=3000``.
"""

import shutil
import subprocess

import flatbuffers
import pytest
from ai_edge_litert import schema_py_generated as schema

from helpers.project import ROOT

pytestmark = pytest.mark.slow

MISSING = [tool for tool in ("clang-19", "cmake", "ninja") if shutil.which(tool) is None]


@pytest.fixture(scope="module")
def fuzzer(tmp_path_factory):
    if MISSING:
        pytest.skip(f"the fuzzer needs {', '.join(MISSING)}, not installed here")
    folder = tmp_path_factory.mktemp("fuzzer")
    options = [
        "-DCMAKE_C_COMPILER=clang-19", "-DPACKED_NETWORK_FUZZER=ON",
        "-DLCE_SANITIZE=fuzzer-no-link,address,undefined", "-DCMAKE_BUILD_TYPE=RelWithDebInfo",
    ]  # fmt: skip
    source = ROOT / "android_demo" / "network"
    configure = ["cmake", "-S", source, "-B", folder, "-G", "Ninja", *options]
    for command in (configure, ["cmake", "--build", folder]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    return folder / "fuzz_packed_network"


@pytest.fixture(scope="module")
def small_models():
    """Packed networks of two blocks and narrow layers, with five crops and with none."""
    pytest.importorskip("fer_larq.utils.backend")
    from fer_larq.conversion.converter import build_model
    from helpers.conversion_networks import random_network

    network = random_network(2, filters=(32, 32), dense_units=(32, 32))
    run = {"seed": 1, "accuracy": {"split": "validation", "five crops": 0.5}}
    return [build_model(network, run, crops, "one-bit") for crops in ("five", "none")]


def packed(model):
    builder = flatbuffers.Builder(0)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def with_bytes_as_outputs(content):
    """A model for each operator, whose output is a tensor of bytes that nobody reads."""
    count = len(schema.ModelT.InitFromPackedBuf(content, 0).subgraphs[0].operators)
    for index in range(count):
        model = schema.ModelT.InitFromPackedBuf(content, 0)
        graph = model.subgraphs[0]
        operator = graph.operators[index]
        usual = graph.tensors[operator.outputs[0]]
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.buffer = b"bytes", usual.shape, usual.buffer
        tensor.type = schema.TensorType.UINT8
        graph.tensors.append(tensor)
        operator.outputs = [len(graph.tensors) - 1]
        yield packed(model)


def lay(models, folder):
    folder.mkdir()
    for index, model in enumerate(models):
        (folder / f"{index:02d}").write_bytes(model)
    return folder


def run(fuzzer, *arguments):
    done = subprocess.run(
        [fuzzer, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:].decode(errors="replace")


def test_an_operator_writes_no_words_into_bytes(fuzzer, small_models, tmp_path):
    for content in small_models[:1]:
        folder = lay(with_bytes_as_outputs(content), tmp_path / "models")
        run(fuzzer, *sorted(folder.iterdir()))


def test_damaged_models_do_no_harm(fuzzer, small_models, tmp_path):
    folder = lay(small_models, tmp_path / "models")
    run(
        fuzzer,
        folder,
        "-runs=3000",
        "-seed=1",
        "-max_len=60000",
        "-timeout=60",
        "-rss_limit_mb=3000",
    )
