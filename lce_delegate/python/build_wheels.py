#!/usr/bin/env python3
"""Build the wheels of lce-delegate for all platforms: `python lce_delegate/python/build_wheels.py`.

Writes them to lce_delegate/wheels. Zig is the C compiler for all of them. Each wheel's library is
read: its name, system and processor, what it exports and what it needs. Asks for CMake, Ninja and
`pip install "ziglang>=0.13" "scikit-build-core>=0.11" wheel "lief>=1"`.
"""

from __future__ import annotations

import argparse
import re
import stat
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import lief

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parent


@dataclass(frozen=True)
class Platform:
    tag: str
    """Of the wheel."""
    target: str
    """For Zig."""
    system: str
    processor: str
    """For CMake."""


@dataclass(frozen=True)
class System:
    library: str
    """Name in the wheel, by which the package finds it."""
    needs: str
    """Pattern of the libraries that it may need: the system's own."""


SYSTEMS = {
    "Linux": System("liblce_delegate.so", r"lib(c|pthread)\.so\.\d|ld-linux-[\w.-]+"),
    "Darwin": System(
        "liblce_delegate.dylib", r"/usr/lib/libSystem\.B\.dylib|@rpath/liblce_delegate\.dylib"
    ),
    "Windows": System("lce_delegate.dll", r"(?i)kernel32\.dll|api-ms-win-crt-[\w-]+\.dll"),
}

LINKERS_OWN = {"__dso_handle", "_mh_dylib_header"}
"""Symbols that Zig's linker exports from every library for macOS."""

NEWEST_GLIBC = (2, 17)
"""That a library may ask for: manylinux2014's."""


PLATFORMS = {
    platform.tag: platform
    for platform in (
        Platform("manylinux2014_x86_64", "x86_64-linux-gnu.2.17", "Linux", "x86_64"),
        Platform("manylinux2014_aarch64", "aarch64-linux-gnu.2.17", "Linux", "aarch64"),
        Platform("macosx_11_0_arm64", "aarch64-macos.11.0", "Darwin", "arm64"),
        Platform("macosx_11_0_x86_64", "x86_64-macos.11.0", "Darwin", "x86_64"),
        Platform("win_amd64", "x86_64-windows-gnu", "Windows", "AMD64"),
    )
}


def write_tool(folder: Path, name: str, *arguments: str) -> Path:
    """A program for CMake that calls Zig with arguments."""
    path = folder / name
    words = " ".join((sys.executable, "-m", "ziglang", *arguments))
    path.write_text(f'#!/bin/sh\nexec {words} "$@"\n', encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def build(platform: Platform, out: Path) -> Path:
    """Build one wheel; returns its path."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        toolchain = folder / "toolchain.cmake"
        compiler = write_tool(folder, "cc", "cc", "-target", platform.target)
        archiver = write_tool(folder, "ar", "ar")
        indexer = write_tool(folder, "ranlib", "ranlib")
        lines = {
            "CMAKE_SYSTEM_NAME": platform.system,
            "CMAKE_SYSTEM_PROCESSOR": platform.processor,
            "CMAKE_C_COMPILER": compiler,
            "CMAKE_AR": archiver,
            "CMAKE_RANLIB": indexer,
        }
        text = "".join(f'set({key} "{value}")\n' for key, value in lines.items())
        toolchain.write_text(text, encoding="utf-8")
        command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation"]
        options = [f"-Ccmake.define.CMAKE_TOOLCHAIN_FILE={toolchain}", "-w", folder]
        subprocess.run([*command, *options, SOURCE], check=True, stdout=subprocess.DEVNULL)
        (wheel,) = folder.glob("*.whl")
        retag = [sys.executable, "-m", "wheel", "tags", "--remove", "--platform-tag", platform.tag]
        tagged = subprocess.run([*retag, wheel], check=True, capture_output=True, text=True)
        name = tagged.stdout.split()[-1]
        out.mkdir(parents=True, exist_ok=True)
        return (folder / name).replace(out / name)


def declared() -> set[str]:
    """The functions of the public header."""
    header = (SOURCE / "include" / "lce_delegate.h").read_text(encoding="utf-8")
    return set(re.findall(r"^LCE_EXPORT [^;(]*?(\w+)\(", header, re.MULTILINE))


def faults(wheel: Path, platform: Platform) -> list[str]:
    """What is wrong with the library in a wheel."""
    system = SYSTEMS[platform.system]
    with zipfile.ZipFile(wheel) as content:
        if f"lce_delegate/{system.library}" not in content.namelist():
            return [f"lacks {system.library}"]
        binary = lief.parse(list(content.read(f"lce_delegate/{system.library}")))
    found = []
    kind = {"Linux": lief.ELF.Binary, "Darwin": lief.MachO.Binary, "Windows": lief.PE.Binary}
    if not isinstance(binary, kind[platform.system]):
        return [f"{system.library} is no library of {platform.system}"]
    processor = "ARM64" if platform.processor in ("aarch64", "arm64") else "X86_64"
    if binary.abstract.header.architecture.name != processor:
        found.append(f"is for {binary.abstract.header.architecture.name}")
    exported = {function.name for function in binary.exported_functions}
    if platform.system == "Darwin":
        exported = {name.removeprefix("_") for name in exported} - LINKERS_OWN
    if exported != declared():
        found.append(f"exports differ from the header: {sorted(exported ^ declared())}")
    needed = [str(getattr(library, "name", library)) for library in binary.libraries]
    found += [f"needs {name}" for name in needed if not re.fullmatch(system.needs, name)]
    if platform.system == "Linux":
        for required in binary.symbols_version_requirement:
            for version in required.get_auxiliary_symbols():
                numbers = tuple(map(int, re.findall(r"\d+", version.name)))
                if version.name.startswith("GLIBC_") and numbers[:2] > NEWEST_GLIBC:
                    found.append(f"needs {version.name}")
    return found


def main() -> int:
    lief.logging.disable()  # it reports what it cannot read and nobody asks for
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tags", nargs="*", choices=[[], *PLATFORMS], help="default: all")
    parser.add_argument("--out", type=Path, default=SOURCE / "wheels")
    options = parser.parse_args()
    bad = False
    for tag in options.tags or PLATFORMS:
        wheel = build(PLATFORMS[tag], options.out)
        wrong = faults(wheel, PLATFORMS[tag])
        print(wheel, "; ".join(wrong) or "as it should be", flush=True)
        bad = bad or bool(wrong)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
