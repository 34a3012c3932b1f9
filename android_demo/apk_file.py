"""An APK as a file: a zip whose entries can be mapped, and its signature. For build.py."""

from __future__ import annotations

import os
import struct
import zipfile
from pathlib import Path

from build_aar import EPOCH, BuildError, java_home, need, run

PAGE = 16384


def write_apk(path: Path, entries: list[tuple[str, bytes, bool]]) -> None:
    """A zip of (name, content, stored). Stored entries start where they can be mapped: native
    libraries at pages of 16 KiB, others at multiples of 4, by a padding field of the type that
    Android's own tool uses, so that signing keeps it."""
    alignment_field = 0xD935
    with path.open("wb") as file, zipfile.ZipFile(file, "w") as archive:
        for name, content, stored in entries:
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
            if stored:
                alignment = PAGE if name.endswith(".so") else 4
                padding = -(file.tell() + 30 + len(name) + 6) % alignment
                entry.extra = struct.pack("<HHH", alignment_field, 2 + padding, alignment)
                entry.extra += bytes(padding)
            archive.writestr(entry, content, compresslevel=9)


def signing_key(keystore_path: Path) -> tuple[Path, str, str]:
    """Keystore, password and alias: from the environment, else one that is made once and kept."""
    if keystore := os.environ.get("FERLARQ_KEYSTORE"):
        if not Path(keystore).is_file():
            raise BuildError(f"{keystore} (FERLARQ_KEYSTORE): no such file")
        password = os.environ.get("FERLARQ_KEYSTORE_PASSWORD", "")
        return Path(keystore), password, os.environ.get("FERLARQ_KEY_ALIAS", "ferlarq")
    password = alias = "ferlarq"
    if not keystore_path.is_file():
        keystore_path.parent.mkdir(parents=True, exist_ok=True)
        run(
            java_home() / "bin" / "keytool", "-genkeypair", "-keystore", keystore_path,
            "-storetype", "PKCS12", "-storepass", password, "-alias", alias, "-keyalg", "RSA",
            "-keysize", "3072", "-validity", "10000", "-dname", "CN=fer_larq demo",
        )  # fmt: skip
    return keystore_path, password, alias


def sign(unsigned: Path, apk: Path, keystore_path: Path, minimum_api: int) -> None:
    """Sign an APK, in the schemes that Android knows from version 7.0 on."""
    need("apksigner")
    keystore, password, alias = signing_key(keystore_path)
    os.environ["FERLARQ_SIGNING_PASSWORD"] = password  # read from there, so no other user sees it
    run(
        "apksigner", "sign", "--ks", keystore, "--ks-pass", "env:FERLARQ_SIGNING_PASSWORD",
        "--ks-key-alias", alias, "--min-sdk-version", minimum_api, "--v1-signing-enabled", "false",
        "--v2-signing-enabled", "true", "--v3-signing-enabled", "true", "--out", apk, unsigned,
    )  # fmt: skip
    apk.with_name(apk.name + ".idsig").unlink(missing_ok=True)
    run("apksigner", "verify", "--min-sdk-version", minimum_api, apk)
