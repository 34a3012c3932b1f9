"""TensorFlow Lite's Java library on this machine: the x86-64 build for Android, made to load on
glibc, so that the app's own classes can be tested with the real networks. Only for tests.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
from collections.abc import Iterable
from pathlib import Path

HERE = Path(__file__).resolve().parent
LIBRARY = "libtensorflowlite_jni.so"
SHIM = "libbionic_on_glibc.so"

DYNAMIC_SEGMENT = 2
VERSION_TAGS = {0x6FFFFFF0, 0x6FFFFFFC, 0x6FFFFFFD, 0x6FFFFFFE, 0x6FFFFFFF}
IGNORED_TAG = 0x6000F000


def without_symbol_versions(library: bytes) -> bytes:
    """A 64-bit ELF library that asks for symbols by name alone: those of Android's C library carry
    the version LIBC, which glibc does not know."""
    changed = bytearray(library)
    (headers,) = struct.unpack_from("<Q", library, 32)
    size, count = struct.unpack_from("<HH", library, 54)
    for index in range(count):
        header = struct.unpack_from("<IIQQQQ", library, headers + index * size)
        kind, _, offset, _, _, length = header
        if kind != DYNAMIC_SEGMENT:
            continue
        for entry in range(offset, offset + length, 16):
            (tag,) = struct.unpack_from("<Q", library, entry)
            if tag in VERSION_TAGS:
                struct.pack_into("<Q", changed, entry, IGNORED_TAG)
    return bytes(changed)


def lay_host_runtime(folder: Path, tensorflow_lite: bytes, ours: Iterable[Path]) -> None:
    """Fills a folder for java.library.path, LD_LIBRARY_PATH and LD_PRELOAD.

    Args:
        tensorflow_lite: the x86-64 library of the AAR.
        ours: the project's JNI libraries, built for this machine.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / LIBRARY).write_bytes(without_symbol_versions(tensorflow_lite))
    for library in ours:
        shutil.copyfile(library, folder / library.name)
    source = HERE / "app" / "src" / "test" / "cpp" / "bionic_on_glibc.c"
    options = ["-O1", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", "-ldl"]
    subprocess.run(["clang-19", source, *options, "-o", folder / SHIM], check=True)
    (folder / "liblog.so").symlink_to(SHIM)
    # The Android library wants these names; they are the libraries that Java has loaded already.
    for name in ("libc.so.6", "libm.so.6", "libdl.so.2"):
        command = ["clang-19", f"-print-file-name={name}"]
        found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        (folder / name.rsplit(".", 1)[0]).symlink_to(Path(found).resolve())
