"""The package as it is installed: what a wheel holds, which versions it takes, where it runs."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import zipfile
from email.parser import HeaderParser
from pathlib import Path

import pytest
from PIL import Image

from helpers.project import ROOT

VERSIONS = ("3.10", "3.12", "3.13")

UNIX_ONLY = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "termios", "tty"}


def run(*words: object, **options) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*map(str, words)], capture_output=True, text=True, **options)


def pip(python: Path | str, *words: object) -> subprocess.CompletedProcess[str]:
    """Run pip; a test is skipped where the package registry cannot be reached."""
    done = run(python, "-m", "pip", "--disable-pip-version-check", *words)
    if re.search(r"NewConnectionError|Temporary failure in name resolution", done.stderr):
        pytest.skip("the package registry does not answer")
    assert done.returncode == 0, done.stderr
    return done


def interpreter(version: str) -> Path:
    """A Python of this version: on the path, or of pyenv."""
    installed = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    for python in (f"python{version}", *installed):
        try:
            found = run(python, "-c", "import sys; print(sys.executable)")
        except FileNotFoundError:
            continue
        if found.returncode == 0:
            return Path(found.stdout.strip())
    pytest.skip(f"Python {version} is not installed")


def environment(folder: Path, version: str) -> Path:
    """Make a clean environment; returns its Python."""
    made = run(interpreter(version), "-m", "venv", folder)
    if made.returncode:
        pytest.skip(f"Python {version} makes no environments: {made.stdout.splitlines()[0]}")
    return folder / "bin" / "python"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Built in isolation from a clone of the last commit in which someone has worked."""
    folder = tmp_path_factory.mktemp("wheel")
    clone = folder / "clone"
    if run("git", "clone", "--quiet", "--depth=1", ROOT.as_uri(), clone).returncode:
        pytest.skip("this is no clone, so that none can be made of it")
    for leftover in (
        "build/lce_delegate/liblce_delegate.so",
        "fer_larq/__pycache__/train.cpython-312.pyc",
        "fer_larq/datasets/__pycache__/labels.cpython-312.pyc",
        "runs/bdnn4/last.weights.h5",
    ):
        (clone / leftover).parent.mkdir(parents=True, exist_ok=True)
        (clone / leftover).write_bytes(b"leftover")
    pip(sys.executable, "wheel", "--no-deps", "--wheel-dir", folder, clone)
    (built,) = folder.glob("*.whl")
    return built


@pytest.mark.slow
@pytest.mark.network
def test_a_wheel_holds_the_package_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        (metadata,) = [name for name in archive.namelist() if name.endswith("METADATA")]
        stated = HeaderParser().parsestr(archive.read(metadata).decode())
    tracked = run("git", "ls-tree", "-r", "--name-only", "HEAD", "fer_larq", cwd=ROOT).stdout
    compiled = {name for name in names if Path(name).suffix in (".so", ".dylib", ".dll")}
    sources = re.compile(r".*(\.[ch]|/CMakeLists\.txt)")
    fetched = {"fer_larq/inference/detectors/blazeface_short_range.tflite"}
    assert names - compiled - fetched == {n for n in tracked.split() if not sources.fullmatch(n)}
    assert {Path(name).stem for name in compiled} <= {"liblce_delegate", "libinteger_training"}
    assert stated["License-Expression"] == "Apache-2.0" and stated["Summary"]


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.parametrize("version", VERSIONS)
def test_in_a_clean_environment_a_photo_is_classified_without_tensorflow(
    version, wheel, tmp_path, capsys
):
    """README.md's commands; prints what pip downloads."""
    skimage = pytest.importorskip("skimage.data", reason="the photo comes from scikit-image")
    python = environment(tmp_path / "environment", version)
    pip(python, "download", "--dest", tmp_path / "packages", wheel)
    sizes = {path.name: path.stat().st_size for path in (tmp_path / "packages").glob("*")}
    sizes.pop(wheel.name)
    with capsys.disabled():
        print(f"\n{version}: {len(sizes)} packages, {sum(sizes.values()) / 1e6:.1f} MB: {sizes}")
    pip(python, "install", "--no-index", "--find-links", tmp_path / "packages", wheel)

    Image.fromarray(skimage.astronaut()).save(tmp_path / "photo.jpg")
    read = run(python, "-m", "fer_larq.predict", "photo.jpg", cwd=tmp_path)
    assert read.returncode == 0 and "happy" in read.stdout, read.stderr
    assert (tmp_path / "predictions" / "photo-faces.jpg").is_file()
    listed = json.loads(pip(python, "list", "--format=json").stdout)
    names = {package["name"].lower().replace("-", "_"): package["version"] for package in listed}
    assert "fer_larq" in names
    assert not set(names) & {"tensorflow", "larq", "matplotlib", "pandas"}
    if version == "3.13":  # Larq's pins are not for whoever only classifies
        assert int(names["numpy"].split(".")[0]) >= 2


@pytest.mark.slow
@pytest.mark.network
def test_in_a_clean_environment_the_extra_for_training_brings_all_of_larq(wheel, tmp_path):
    python = environment(tmp_path / "environment", "3.12")
    pip(python, "install", f"{wheel}[train]")
    code = "from fer_larq.utils.backend import lq, tf; import larq_compute_engine, numpy, cv2"
    loaded = run(python, "-c", f"{code}; print(numpy.__version__, cv2.__version__)", cwd=tmp_path)
    assert loaded.returncode == 0, loaded.stderr
    numpy, opencv = loaded.stdout.split()
    assert numpy.startswith("1.") and opencv.startswith("4.")
    assert pip(python, "check").returncode == 0


def imported_at_once(tree: ast.Module) -> set[str]:
    """The modules that a file imports whenever it is imported itself."""
    found: set[str] = set()
    waiting = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").split(".")[0])
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Try):
            waiting += [child for child in ast.iter_child_nodes(node)]
    return found


def test_no_module_imports_what_windows_or_macos_lack():
    paths = sorted((ROOT / "fer_larq").rglob("*.py"))
    assert len(paths) > 40
    for path in paths:
        imported = imported_at_once(ast.parse(path.read_text(encoding="utf-8")))
        assert not imported & UNIX_ONLY, path


def test_an_import_that_windows_lacks_is_noticed():
    assert imported_at_once(ast.parse("class A:\n    import fcntl")) == {"fcntl"}
    guarded = "try:\n    import fcntl\nexcept ImportError:\n    pass\ndef f():\n    import pwd"
    assert imported_at_once(ast.parse(guarded)) == set()
