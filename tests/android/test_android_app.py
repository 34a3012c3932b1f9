"""The Android app: tested and built by its command, then looked into. MODEL=FILE.tflite is built in
instead of the packaged model."""

import os
import re
import shutil
import struct
import subprocess
import sys
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest

from fer_larq.inference.analyzer import PACKAGED_MODEL
from helpers.project import ROOT

DEMO = ROOT / "android_demo"
MODEL = Path(os.environ.get("MODEL") or PACKAGED_MODEL)
TOOLS = ("clang-19", "ld.lld-19", "cmake", "ninja", "mvn", "javac", "apksigner", "aapt", "dexdump")
MISSING = [tool for tool in TOOLS if shutil.which(tool) is None]

pytestmark = [
    pytest.mark.skipif(
        bool(MISSING), reason=f"the Android build needs {', '.join(MISSING)}, not installed here"
    ),
    pytest.mark.skipif(not MODEL.is_file(), reason=f"there is no model {MODEL}"),
]

LARGEST_ARM64 = 6_000_000

DOWNLOAD_FAILED = re.compile(
    r"Could not transfer artifact .*|.*Unknown host.*|.*(?:Connection|Read) timed out.*"
    r"|.*Could not find a version that satisfies the requirement.*|.*offline mode.*"
)
"""What Maven and pip say where a registry cannot be reached."""


def build(what):
    """Run a command of build.py; a download that fails is a skip with Maven's or pip's words."""
    command = [sys.executable, DEMO / "build.py", what, "--model", MODEL]
    result = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        stdin=subprocess.DEVNULL, timeout=3000, check=False,
    )  # fmt: skip
    failed = DOWNLOAD_FAILED.search(result.stdout)
    if result.returncode != 0 and failed:
        pytest.skip(f"the Android build could not download what it needs: {failed[0].strip()}")
    assert result.returncode == 0, result.stdout[-8000:]
    return result.stdout


def apks_of(output):
    """The APKs that a build says it wrote."""
    paths = map(Path, re.findall(r"^(.+\.apk): [\d,]+ bytes", output, re.MULTILINE))
    return {path.name: path for path in paths}


@pytest.fixture(scope="module")
def checked():
    """What `build.py check` says; it tests the sources, builds both APKs and tests one of them."""
    for project in ("maven", "finished", "emulation"):
        shutil.rmtree(DEMO / "build" / project / "surefire-reports", ignore_errors=True)
    return build("check")


@pytest.fixture(scope="module")
def apks(checked):
    return apks_of(checked)


def results(project):
    """Each test of a Maven project, and how it ended: "passed", or why it was skipped."""
    ended = {}
    for report in (DEMO / "build" / project / "surefire-reports").glob("TEST-*.xml"):
        for case in ElementTree.parse(report).iter("testcase"):
            skipped = case.find("skipped")
            ended[case.get("name")] = "passed" if skipped is None else skipped.get("message")
    return ended


def test_the_sources_pass_their_tests_in_robolectric(checked):
    ended = results("maven")
    assert len(ended) >= 80
    skipped = {name: reason for name, reason in ended.items() if reason != "passed"}
    assert not skipped


def test_the_classes_of_the_finished_apk_pass_theirs(checked):
    assert "its classes, as R8 left them, pass their tests" in checked
    assert list(results("finished").values()) == ["passed"] * 5


def test_the_arm64_libraries_of_the_finished_apk_give_pythons_scores(checked):
    assert "its arm64 libraries give Python's scores, bit for bit" in checked
    assert list(results("emulation").values()) == ["passed"] * 3


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


def test_android_can_offer_the_apps_languages(apks):
    for apk in apks.values():
        assert "android:localeConfig" in output(
            "aapt", "dump", "xmltree", apk, "AndroidManifest.xml"
        )


def test_the_apk_is_signed_in_schemes_two_and_three(apks):
    for apk in apks.values():
        verified = output("apksigner", "verify", "--verbose", "--min-sdk-version", "26", apk)
        assert "v2 scheme (APK Signature Scheme v2): true" in verified
        assert "v3 scheme (APK Signature Scheme v3): true" in verified


def test_the_dex_file_is_sound_and_holds_what_the_manifest_names(apks):
    for apk in apks.values():
        output("dexdump", "-c", apk)  # its checksum
        classes = re.findall(r"Class descriptor  : 'L([^;]+);'", output("dexdump", apk))
        for name in ("Demo", "MainActivity", "sharing/SharedFiles"):
            assert f"org/ferlarq/demo/{name}" in classes
        assert "org/ferlarq/lce/LceDelegate" in classes


def test_libraries_and_models_lie_in_the_apk_so_that_they_can_be_mapped(apks):
    for apk in apks.values():
        content = apk.read_bytes()
        with zipfile.ZipFile(apk) as archive:
            assert archive.testzip() is None
            members = {member.filename: member for member in archive.infolist()}
        for library in ("lce_delegate_jni", "packed_network"):
            assert f"lib/arm64-v8a/lib{library}.so" in members
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
    shutil.rmtree(DEMO / "build" / "maven" / "classes")
    after = apks_of(build("apk"))
    assert {name: file.read_bytes() for name, file in after.items()} == before


LAYERS = ({"image"}, {"inference", "camera"}, {"ui", "sharing"}, {"live", "photo", "model"}, {""})
"""Packages of the app below org.ferlarq.demo, from the bottom up; the last is that itself."""


def test_packages_import_only_what_lies_below_them():
    level = {package: index for index, layer in enumerate(LAYERS) for package in layer}
    sources = DEMO / "app" / "src" / "main" / "kotlin" / "org" / "ferlarq" / "demo"
    for file in sources.rglob("*.kt"):
        package = file.parent.name if file.parent != sources else ""
        for line in re.findall(
            r"^import org\.ferlarq\.demo\.(\S+)", file.read_text(), re.MULTILINE
        ):
            imported = line.split(".")[0] if line[0].islower() else ""
            if line == "R" or imported == package:
                continue
            assert level[imported] < level[package], f"{file.name} imports {line}"


def test_gradle_and_maven_use_the_same_versions():
    tomllib = pytest.importorskip("tomllib", reason="comes with Python 3.11")
    catalogue = tomllib.loads((DEMO / "gradle" / "libs.versions.toml").read_text())
    versions = catalogue["versions"]
    pom, script = (DEMO / "pom.xml").read_text(), (DEMO / "build.py").read_text()
    assert f"<kotlin.version>{versions['kotlin']}</kotlin.version>" in pom
    assert f"org.tensorflow:tensorflow-lite:{versions['tensorflowLite']}:aar" in script
    api = f"MINIMUM_API, TARGET_API = {versions['minSdk']}, {versions['targetSdk']}"
    assert api in script
    for kind in ("libraries", "plugins"):
        assert all(entry["version"]["ref"] in versions for entry in catalogue[kind].values())
    for build in ("build.gradle.kts", "app/build.gradle.kts", "lce/build.gradle.kts"):
        for kind, name in re.findall(
            r"libs\.(plugins\.|versions\.|)([\w.]+\w)", (DEMO / build).read_text()
        ):
            section = kind.rstrip(".") or "libraries"
            name = name.removesuffix(".get").replace(".", "-")
            assert name in catalogue[section], f"{build}: {name}"


def test_a_model_that_is_not_there_is_one_line(tmp_path):
    command = [sys.executable, DEMO / "build.py", "apk", "--model", tmp_path / "absent.tflite"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert "no such model" in result.stderr


def test_programs_that_are_missing_are_one_line_with_their_packages(tmp_path):
    command = [sys.executable, DEMO / "build.py", "apk", "--model", MODEL]
    result = subprocess.run(
        command, env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert result.returncode == 1
    assert result.stderr == (
        "error: programs are missing: apt-get install apksigner clang-19 cmake lld-19 llvm-19"
        " maven ninja-build openjdk-17-jdk-headless\n"
    )
