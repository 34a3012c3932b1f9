"""lce-delegate.aar: built by its command, and what Android's loader will find in it."""

import shutil
import subprocess
import sys
import zipfile

import pytest

from helpers.project import ROOT

JAVA = ROOT / "lce_delegate" / "java"
TOOLS = ("clang-19", "ld.lld-19", "llvm-readelf-19", "cmake", "ninja", "mvn", "javac")
MISSING = [tool for tool in TOOLS if shutil.which(tool) is None]

pytestmark = [
    pytest.mark.skipif(
        bool(MISSING), reason=f"the Android build needs {', '.join(MISSING)}, not installed here"
    ),
]

MACHINES = {"arm64-v8a": "AArch64", "armeabi-v7a": "ARM", "x86_64": "Advanced Micro Devices X86-64"}


def readelf(*arguments):
    command = ["llvm-readelf-19", "--wide", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def libraries(tmp_path_factory):
    command = [sys.executable, JAVA / "build_aar.py"]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, timeout=300)
    folder = tmp_path_factory.mktemp("aar")
    with zipfile.ZipFile(JAVA / "dist" / "lce-delegate.aar") as archive:
        assert archive.testzip() is None
        archive.extractall(folder)
    return {abi: folder / "jni" / abi / "liblce_delegate_jni.so" for abi in MACHINES}


@pytest.mark.parametrize("abi", MACHINES)
def test_a_library_is_built_for_its_processor_and_for_pages_of_16_kib(libraries, abi):
    assert f"Machine:                           {MACHINES[abi]}" in readelf("-h", libraries[abi])
    segments = [line.split() for line in readelf("-l", libraries[abi]).splitlines()]
    loaded = [segment for segment in segments if segment and segment[0] == "LOAD"]
    assert loaded
    assert all(int(segment[-1], 16) == 16384 for segment in loaded)


@pytest.mark.parametrize("abi", MACHINES)
def test_a_library_imports_only_what_is_listed_of_androids_c_library(libraries, abi):
    lines = (JAVA / "without_ndk" / "symbols.txt").read_text().splitlines()
    listed = {line.split()[1] for line in lines}
    symbols = [line.split() for line in readelf("--dyn-symbols", libraries[abi]).splitlines()]
    imported = {symbol[7] for symbol in symbols if len(symbol) == 8 and symbol[6] == "UND"}
    assert "malloc" in imported
    assert imported <= listed


@pytest.mark.parametrize("abi", MACHINES)
def test_a_library_exports_every_native_method_of_the_java_class(libraries, abi):
    source = (JAVA / "src/main/java/org/ferlarq/lce/LceDelegate.java").read_text()
    natives = {
        line.split("(")[0].split()[-1] for line in source.splitlines() if " static native " in line
    }
    assert len(natives) == 4
    symbols = readelf("--dyn-symbols", libraries[abi])
    for native in natives:
        assert f"Java_org_ferlarq_lce_LceDelegate_{native}\n" in symbols
