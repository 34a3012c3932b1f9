#!/usr/bin/env python3
"""Build the wheels of lce-delegate for all platforms: `python lce_delegate/python/build_wheels.py`.

Writes them to lce_delegate/wheels. Zig is the C compiler for all of them; needs
`pip install "ziglang>=0.13" build "scikit-build-core>=0.11" wheel` and CMake and Ninja.
"""

from __future__ import annotations

import argparse
import os
import stat
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

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
        environment = {**os.environ, "ZIG_GLOBAL_CACHE_DIR": str(folder / "cache")}
        subprocess.run(
            [*command, *options, SOURCE], check=True, env=environment, stdout=subprocess.DEVNULL
        )
        (wheel,) = folder.glob("*.whl")
        retag = [sys.executable, "-m", "wheel", "tags", "--remove", "--platform-tag", platform.tag]
        tagged = subprocess.run([*retag, wheel], check=True, capture_output=True, text=True)
        name = tagged.stdout.split()[-1]
        out.mkdir(parents=True, exist_ok=True)
        return (folder / name).replace(out / name)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tags", nargs="*", choices=[[], *PLATFORMS], help="default: all")
    parser.add_argument("--out", type=Path, default=SOURCE / "wheels")
    options = parser.parse_args()
    for tag in options.tags or PLATFORMS:
        print(build(PLATFORMS[tag], options.out), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
