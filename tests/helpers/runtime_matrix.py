"""The wheel lce-delegate in clean environments, one for each release of a stock runtime.

``PYTHONPATH=.:tests python tests/helpers/runtime_matrix.py [RELEASE ...]`` makes an environment
with nothing but the wheel and the release, runs ``runtime_suite.py`` in it and prints a table. The
suite's cases, with what LCE's interpreter gives, are recorded before; ``--cases FILE`` keeps them
for the next time.

``--python`` names the interpreter: the oldest releases have wheels up to Python 3.11 only. The
wheels of lce-delegate are those of ``lce_delegate/python/build_wheels.py``. ``--emulate`` takes
wheels for aarch64 and runs them under qemu-user, with Debian's Python for arm64 out of its
packages, which are unpacked, not installed (Debian: ``qemu-user``).
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from fer_larq.utils.errors import UserError
from helpers import delegate_models as models
from helpers import larq_zoo_networks as networks

SUITE = Path(__file__).with_name("runtime_suite.py")
WHEELS = Path(__file__).resolve().parents[2] / "lce_delegate" / "wheels"

NUMPY_1 = "numpy<2"

RELEASES = {
    "tensorflow==2.12.0": [],
    "tensorflow==2.21.0": [],
    "tflite-runtime==2.14.0": [NUMPY_1],
    "ai-edge-litert==1.0.0": [NUMPY_1],
    "ai-edge-litert==1.4.0": [],
    "ai-edge-litert==2.1.6": [],
    "ai-edge-litert==2.3.0": [],
}
"""Releases of runtimes, and what their environment needs beside: those that were built for NumPy 1
do not say so."""

ARM_PACKAGES = (
    "python3.11-minimal libpython3.11-minimal libpython3.11-stdlib libc6 libgcc-s1 libstdc++6"
    " zlib1g libexpat1 libssl3 libffi8 libbz2-1.0 liblzma5 libsqlite3-0 libuuid1 libcrypt1"
).split()
ARM_TAGS = ("manylinux2014", "manylinux_2_17", "manylinux_2_27", "manylinux_2_28")


# What is recorded


Case = tuple[str, str, bytes, np.ndarray, np.ndarray]
"""What is compared ("bits", "answer" or "refusal"), name, model, input, LCE's output."""


def operators() -> Iterator[Case]:
    """Single operators, over the range of their parameters."""
    random = np.random.default_rng(3)
    for i, case in enumerate(models.convolutions(random, 40)):
        if not case.lce_omits_correction:
            model, values = case.model(), case.activations()
            (expected,) = models.lce(model, values, kernel=case.lce_kernel)
            yield "bits", f"convolution {i}", model, values, expected
    shape = (2, 7, 6, 70)
    real = random.normal(size=shape).astype(np.float32)
    bits = models.pack_bits(random.integers(0, 2, shape))
    for values in (real, real > 0, (40 * real).astype(np.int8)):
        scale = {"scale": 0.1, "zero_point": -3} if values.dtype == np.int8 else {}
        for model, x in (
            (models.quantize_model(shape, values.dtype, **scale), values),
            (models.dequantize_model(shape, values.dtype, **scale), bits),
        ):
            yield "bits", f"{values.dtype} and bits", model, x, models.lce(model, x)[0]
    for parameters in models.pools():
        model = models.pool_model(bits.shape, **parameters)
        yield "bits", f"pool {parameters}", model, bits, models.lce(model, bits)[0]


def several(network: str, size: int) -> Iterator[Case]:
    """Networks, and an operator that has to be refused."""
    random = np.random.default_rng(4)
    picture = (2 * random.integers(0, 256, (1, 12, 11, 1)) - 255).astype(np.float32)
    model = models.first_layer(64)
    yield "bits", "first layer", model, picture, models.lce(model, picture)[0]
    for batch in (1, 3):
        values = random.normal(size=(batch, 6, 6, 40)).astype(np.float32)
        (expected,) = models.lce(models.small_network(batch), values)
        yield "bits", f"small network, batch {batch}", models.small_network(1), values, expected
    malformed = models.Convolution()
    options = {**malformed.options(), "stride_height": 0}
    values = malformed.activations()
    yield "refusal", "a stride of 0", malformed.model(options), values, np.empty(0)
    if network == "none":
        return
    model = networks.without_softmax(networks.build(network, size))
    (values,) = networks.pictures(model, 1)
    yield "answer", f"{network}, {size} pixels", model, values, networks.lce(model)(values)[0]


def record(path: Path, network: str, size: int) -> None:
    arrays: dict[str, np.ndarray] = {}
    kinds, names = [], []
    cases = itertools.chain(operators(), several(network, size))
    for i, (kind, name, model, values, expected) in enumerate(cases):
        kinds.append(kind)
        names.append(name)
        arrays[f"model {i}"] = np.frombuffer(model, np.uint8)
        arrays[f"input {i}"], arrays[f"expected {i}"] = values, expected
    with path.open("wb") as file:
        np.savez_compressed(file, kinds=np.array(kinds), names=np.array(names), **arrays)


# Environments


@dataclass
class Environment:
    """A Python that finds a runtime and the wheel."""

    command: list[str | Path]
    variables: dict[str, str] = field(default_factory=dict)


def check_output(*command: str | Path, folder: Path | None = None) -> str:
    """Run a command; its last line of complaint is the error if it fails."""
    finished = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if finished.returncode != 0:
        lines = (finished.stderr or finished.stdout).strip().splitlines()
        raise UserError(f"{command[0]}: {lines[-1] if lines else 'failed'}")
    return finished.stdout


def wheel_for(machine: str, folder: Path) -> Path:
    """The wheel of lce-delegate for Linux."""
    found = sorted(folder.glob(f"lce_delegate-*linux*_{machine}.whl"))
    if not found:
        raise UserError(
            f"{folder} has no wheel for {machine}: run python lce_delegate/python/build_wheels.py"
        )
    return found[-1]


def pip_install(*arguments: str | Path) -> None:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    check_output(*pip, *arguments)


def clean_environment(release: str, folder: Path, python: str, wheels: Path) -> Environment:
    machine = check_output(python, "-c", "import platform; print(platform.machine())").strip()
    check_output(python, "-m", "venv", "--without-pip", folder)
    inside = folder / "bin" / "python"
    pip_install(
        "--python", inside, "install", "--no-compile", wheel_for(machine, wheels), release,
        *RELEASES.get(release, []),
    )  # fmt: skip
    return Environment([inside])


def unpack_arm_python(folder: Path) -> None:
    """Lay Debian's Python for arm64 into a folder, beside the system's own packages."""
    lists, archives = folder / "lists", folder / "archives"
    for path in (lists / "partial", archives / "partial"):
        path.mkdir(parents=True)
    options = {
        "APT::Architecture": "arm64",
        "APT::Architectures": "arm64",
        "APT::Sandbox::User": "root",
        "Dir::State::Lists": lists,
        "Dir::State::status": "/dev/null",
        "Dir::Cache": folder,
    }
    apt = ["apt-get", *(f"-o{name}={value}" for name, value in options.items())]
    check_output(*apt, "update")
    check_output(*apt, "download", *ARM_PACKAGES, folder=archives)
    for archive in sorted(archives.glob("*.deb")):
        check_output("dpkg", "-x", archive, folder)


def emulated_environment(release: str, folder: Path, root: Path, wheels: Path) -> Environment:
    platforms = [word for tag in ARM_TAGS for word in ("--platform", f"{tag}_aarch64")]
    pip_install(
        "install", "--no-compile", "--target", folder, "--only-binary=:all:", *platforms,
        "--python-version", "3.11",
        wheel_for("aarch64", wheels), release, *RELEASES.get(release, []),
    )  # fmt: skip
    command = ["qemu-aarch64", "-L", root, root / "usr" / "bin" / "python3.11"]
    return Environment(command, {"PYTHONPATH": str(folder)})


def run_suite(environment: Environment, file: Path) -> dict:
    """What the suite prints in an environment; ``failure`` says why there is no such line."""
    variables = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    finished = subprocess.run(
        [*environment.command, SUITE, file],
        env={**variables, **environment.variables}, capture_output=True, text=True,
    )  # fmt: skip
    lines = finished.stdout.splitlines()
    if finished.returncode in (0, 1) and lines and lines[-1].startswith("{"):
        return json.loads(lines[-1])
    if finished.returncode < 0:
        return {"failure": f"ended by {signal.Signals(-finished.returncode).name}"}
    return {"failure": (finished.stderr.strip().splitlines() or ["printed nothing"])[-1]}


HEADINGS = ("runtime", "Python", "NumPy", "machine", "kernels", "runs", "right")


def row(release: str, found: dict) -> tuple[str, ...]:
    if "failure" in found:
        return (release.replace("==", " "), "", "", "", "", "", found["failure"])
    right = found["runs"] - len(found["wrong"])
    words = "all" if not found["wrong"] else f"{right}, not {found['wrong'][0]}"
    kernels = ", ".join(found["kernels"])
    return (
        found["runtime"], found["python"], found["numpy"], found["machine"], kernels,
        str(found["runs"]), words,
    )  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("releases", nargs="*", metavar="RELEASE", help=", ".join(RELEASES))
    parser.add_argument("--python", default=sys.executable, help="interpreter (%(default)s)")
    parser.add_argument("--emulate", action="store_true", help="aarch64, under qemu-user")
    parser.add_argument("--wheels", type=Path, default=WHEELS, help="folder (%(default)s)")
    parser.add_argument("--cases", type=Path, help="read them from this file, or write them to it")
    parser.add_argument("--network", default="QuickNet", help="of larq-zoo, or none (%(default)s)")
    parser.add_argument("--size", type=int, default=224, help="of its pictures (%(default)s)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = options.cases or folder / "cases.npz"
        try:
            if not file.exists():
                record(file, options.network, options.size)
            if options.emulate:
                unpack_arm_python(folder / "arm")
        except UserError as error:
            parser.error(str(error))
        print("|", " | ".join(HEADINGS), "|\n|" + "---|" * len(HEADINGS), flush=True)
        all_right = True
        for release in options.releases or RELEASES:
            place = folder / release
            try:
                if options.emulate:
                    environment = emulated_environment(
                        release, place, folder / "arm", options.wheels
                    )
                else:
                    environment = clean_environment(release, place, options.python, options.wheels)
                found = run_suite(environment, file.resolve())
            except UserError as error:
                found = {"failure": str(error)}
            print("|", " | ".join(row(release, found)), "|", flush=True)
            all_right = all_right and found.get("wrong") == []
    return 0 if all_right else 1


if __name__ == "__main__":
    sys.exit(main())
