#!/usr/bin/env python3
"""Build lce-delegate.aar without Google's SDK and NDK: `python3 lce_delegate/java/build_aar.py`.

Needs Debian's clang-19 lld-19 llvm-19 libgcc-12-dev-armhf-cross cmake ninja-build maven and
openjdk-17-jdk-headless. Writes dist/lce-delegate.aar beside this file, and build/host/ with the
same native code for this machine, on which Java code that uses the delegate can be tested.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILD = HERE / "build"
AAR = HERE / "dist" / "lce-delegate.aar"
LIBRARY = "liblce_delegate_jni.so"
ABIS = ("arm64-v8a", "armeabi-v7a", "x86_64")

TENSORFLOW_LITE_API = "org.tensorflow:tensorflow-lite-api:2.16.1:aar"

SHA256 = {  # of what is fetched from Maven Central
    TENSORFLOW_LITE_API: "885b95bc9e47a4aa5cf8e71523aed9b05e397cfef1ea09773f13fea8b649fcee",
}

PACKAGES = {  # which Debian package brings a program
    "clang-19": "clang-19",
    "ld.lld-19": "lld-19",
    "llvm-ar-19": "llvm-19",
    "cmake": "cmake",
    "ninja": "ninja-build",
    "mvn": "maven",
    "javac": "openjdk-17-jdk-headless",
    "apksigner": "apksigner",
}

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The date of every file in an archive: the same sources give the same bytes."""


class BuildError(Exception):
    """One line for the user: what is wrong and what to do."""


def need(*programs: str) -> None:
    """Stop with the names of the Debian packages that are missing."""
    missing = sorted({PACKAGES[program] for program in programs if not shutil.which(program)})
    if missing:
        raise BuildError(f"programs are missing: apt-get install {' '.join(missing)}")


def run(*command: str | Path, folder: Path | None = None) -> None:
    """Run a program; what it prints is shown only if it fails."""
    words = [str(word) for word in command]
    result = subprocess.run(
        words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        errors="replace", stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    if result.returncode != 0:
        sys.stderr.write(result.stdout)
        raise BuildError(f"{Path(words[0]).name} failed with code {result.returncode}, see above")


def java_home() -> Path:
    """The JDK of the `javac` in the path."""
    need("javac")
    return Path(os.path.realpath(shutil.which("javac") or "")).parents[1]


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def fetch(artifact: str, checksums: dict[str, str]) -> Path:
    """An artifact ``group:name:version[:type]`` of Maven Central, in Maven's own store."""
    group, name, version, kind = (*artifact.split(":"), "jar")[:4]
    store = Path.home() / ".m2" / "repository"
    path = store.joinpath(*group.split("."), name, version, f"{name}-{version}.{kind}")
    if not path.is_file():
        need("mvn")
        print(f"fetching {artifact}", flush=True)
        plugin = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:get"
        run("mvn", "-B", "-q", plugin, f"-Dartifact={artifact}", "-Dtransitive=false")
    if sha256(path) != checksums[artifact]:
        raise BuildError(f"{path} is not what was expected of {artifact}: delete it and try again")
    return path


def write_archive(path: Path, entries: Iterable[tuple[str, bytes]]) -> None:
    """A zip whose bytes depend on nothing but its entries."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".unfinished")
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in entries:
            archive.writestr(zipfile.ZipInfo(name, EPOCH), content, zipfile.ZIP_DEFLATED)
    unfinished.replace(path)


def classes_of(aar: Path, folder: Path) -> Path:
    """The classes.jar of an AAR, laid down where the compiler can read it."""
    folder.mkdir(parents=True, exist_ok=True)
    jar = folder / f"{aar.stem}.jar"
    with zipfile.ZipFile(aar) as archive:
        jar.write_bytes(archive.read("classes.jar"))
    return jar


def build_native(abi: str, source: Path = HERE, library: str = LIBRARY) -> Path:
    """A native library for an Android ABI, or for this machine (``host``), from its CMake files."""
    folder = source / "build" / abi
    options = [f"-DLCE_JAVA_HOME={java_home()}"]
    if abi != "host":
        need("clang-19", "ld.lld-19", "llvm-ar-19")
        toolchain = HERE / "without_ndk" / "toolchain.cmake"
        options += [f"-DCMAKE_TOOLCHAIN_FILE={toolchain}", f"-DLCE_ANDROID_ABI={abi}"]
    need("cmake", "ninja")
    run("cmake", "-S", source, "-B", folder, "-G", "Ninja", *options)
    run("cmake", "--build", folder)
    return folder / library


def build_classes() -> Path:
    """classes.jar: what Java code is compiled against."""
    interface = classes_of(fetch(TENSORFLOW_LITE_API, SHA256), BUILD)
    classes = BUILD / "classes"
    shutil.rmtree(classes, ignore_errors=True)
    sources = sorted((HERE / "src" / "main" / "java").rglob("*.java"))
    compiler = java_home() / "bin" / "javac"
    options = ["--release", "8", "-Xlint:all,-options,-classfile", "-Werror", "-g"]
    run(compiler, *options, "-d", classes, "-cp", interface, *sources)
    files = sorted(file for file in classes.rglob("*") if file.is_file())
    jar = BUILD / "classes.jar"
    write_archive(jar, [(str(file.relative_to(classes)), file.read_bytes()) for file in files])
    return jar


def build_aar() -> Path:
    """lce-delegate.aar, with the libraries of all ABIs."""
    main = HERE / "src" / "main"
    entries = [
        ("AndroidManifest.xml", (main / "AndroidManifest.xml").read_bytes()),
        ("classes.jar", build_classes().read_bytes()),
        ("R.txt", b""),
        ("proguard.txt", (main / "proguard.txt").read_bytes()),
        ("LICENSE", (HERE.parents[1] / "LICENSE").read_bytes()),
    ]
    entries += [(f"jni/{abi}/{LIBRARY}", build_native(abi).read_bytes()) for abi in ABIS]
    write_archive(AAR, entries)
    return AAR


def version() -> str:
    """The project's version, as fer_larq/__init__.py states it."""
    text = (HERE.parents[1] / "fer_larq" / "__init__.py").read_text(encoding="utf-8")
    match = re.search(r'^__version__ = "([^"]+)"', text, re.MULTILINE)
    if match is None:
        raise BuildError("fer_larq/__init__.py names no __version__")
    return match[1]


def main() -> int:
    try:
        build_native("host")
        aar = build_aar()
    except BuildError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{aar}: {aar.stat().st_size:,} bytes, sha256 {sha256(aar)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
