"""The Android app: its APK, built by its command. MODEL=FILE.tflite is built in instead of the
packaged model."""

import os
import re
import shutil
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

DEMO = Path(__file__).resolve().parents[1] / "android_demo"
PACKAGED = DEMO.parent / "fer_larq" / "weights" / "bdnn4.tflite"
MODEL = Path(os.environ.get("MODEL") or PACKAGED)
TOOLS = ("clang-19", "ld.lld-19", "cmake", "ninja", "mvn", "javac", "apksigner", "aapt")
MISSING = [tool for tool in TOOLS if shutil.which(tool) is None]

pytestmark = [
    pytest.mark.skipif(
        bool(MISSING), reason=f"the Android build needs {', '.join(MISSING)}, not installed here"
    ),
    pytest.mark.skipif(not MODEL.is_file(), reason=f"there is no model {MODEL}"),
]

LARGEST_ARM64 = 8_000_000


def build():
    command = [sys.executable, DEMO / "build.py", "apk", "--model", MODEL]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, timeout=600)
    return {file.name: file for file in (DEMO / "dist").glob("*.apk")}


@pytest.fixture(scope="module")
def apks():
    shutil.rmtree(DEMO / "dist", ignore_errors=True)
    return build()


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_there_is_one_apk_for_all_phones_and_a_small_one_for_arm64(apks):
    (small,) = [file for name, file in apks.items() if "arm64" in name]
    assert len(apks) == 2
    assert small.stat().st_size <= LARGEST_ARM64


def test_the_apk_asks_for_the_camera_and_for_no_network(apks):
    for apk in apks.values():
        badging = output("aapt", "dump", "badging", apk)
        assert "package: name='org.ferlarq.demo'" in badging
        assert "sdkVersion:'26'" in badging
        assert "targetSdkVersion:'35'" in badging
        permissions = re.findall(r"uses-permission: name='([^']+)'", badging)
        assert permissions == ["android.permission.CAMERA"]


def test_the_apk_is_signed_in_schemes_two_and_three(apks):
    for apk in apks.values():
        verified = output("apksigner", "verify", "--verbose", "--min-sdk-version", "26", apk)
        assert "v2 scheme (APK Signature Scheme v2): true" in verified
        assert "v3 scheme (APK Signature Scheme v3): true" in verified


def test_libraries_and_models_lie_in_the_apk_so_that_they_can_be_mapped(apks):
    for apk in apks.values():
        content = apk.read_bytes()
        with zipfile.ZipFile(apk) as archive:
            assert archive.testzip() is None
            members = {member.filename: member for member in archive.infolist()}
        assert "lib/arm64-v8a/liblce_delegate_jni.so" in members
        for name, member in members.items():
            if not name.endswith((".so", ".tflite", ".arsc")):
                continue
            name_length, extra_length = struct.unpack_from(
                "<HH", content, member.header_offset + 26
            )
            start = member.header_offset + 30 + name_length + extra_length
            assert member.compress_type == zipfile.ZIP_STORED, name
            assert start % (16384 if name.endswith(".so") else 4) == 0, name


def test_a_second_build_gives_the_same_bytes(apks):
    before = {name: file.read_bytes() for name, file in apks.items()}
    shutil.rmtree(DEMO / "build" / "maven", ignore_errors=True)
    assert {name: file.read_bytes() for name, file in build().items()} == before


def test_a_model_that_is_not_there_is_one_line(tmp_path):
    command = [sys.executable, DEMO / "build.py", "apk", "--model", tmp_path / "absent.tflite"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert "no such model" in result.stderr
