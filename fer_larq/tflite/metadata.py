"""What a model says about itself, in three places of the file:

- ``fer_larq``: everything, a JSON document, in an entry of the model's metadata;
- ``TFLITE_METADATA``: what other tools show (TensorFlow's ``metadata_schema.fbs``, version 1.0.0);
- ``labels.txt`` in a zip behind the model, as that schema wants it: one expression a line, in the
  order of the scores. Any zip reader opens the .tflite file itself. Beside it ``sha256.txt``, the
  digest of all that lies before the zip: interpreters trust a model's every offset, so a damaged
  one is better noticed before it is run.

Nothing in this file imports TensorFlow.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import struct
import zipfile
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import flatbuffers

import fer_larq
from fer_larq.datasets.crops import CROP_SIZE, FACE_SIZE, FIVE_CROP_OFFSETS
from fer_larq.datasets.labels import EXPRESSIONS
from fer_larq.datasets.normalisation import NORMALISATIONS
from fer_larq.tflite.parser import ModelFile
from fer_larq.utils.errors import UserError

if TYPE_CHECKING:
    from fer_larq.tflite.graph import Graph

ENTRY = "fer_larq"
STANDARD_ENTRY = "TFLITE_METADATA"
STANDARD_IDENTIFIER = b"M001"
LABELS_FILE = "labels.txt"
DIGEST_FILE = "sha256.txt"

LARGEST_DOCUMENT = 1 << 20
"""Bytes of JSON that are read from a file of unknown origin."""

CROPS = ("five", "ten", "none")
"""What a model takes: a face, over whose five or ten crops it averages, or crops."""

ARITHMETIC = {
    "one-bit": "weights and activations of one bit, packed into words of 32 (Larq Compute Engine)",
    "float32": "float32",
    "float16": "float16 weights, float32 arithmetic",
    "int8": "int8, the first and the last layer float32",
}


def model_document(
    network: str, one_bit_weights: int, crops: str, arithmetic: str, run: Mapping[str, Any]
) -> dict[str, Any]:
    """The JSON document of a model.

    Args:
        network: name, such as ``bdnn4``.
        crops: one of ``CROPS``.
        arithmetic: one of ``ARITHMETIC``.
        run: what is known of the training, kept as it is.
    """
    model_input: dict[str, Any]
    if crops == "none":
        model_input = {
            "name": "crop",
            "type": "float32",
            "shape": [-1, CROP_SIZE, CROP_SIZE, 1],
            "content": "2p - 255 for grey pixels p from 0 to 255, rows from the top",
        }
    else:
        model_input = {
            "name": "face",
            "type": "uint8",
            "shape": [1, FACE_SIZE, FACE_SIZE, 1],
            "content": "grey pixels from 0 to 255, rows from the top",
            "crops": [list(offset) for offset in FIVE_CROP_OFFSETS],  # top, left
            "crop_size": CROP_SIZE,
            "mirrored_too": crops == "ten",
        }
    return {
        "made_by": f"fer_larq {fer_larq.__version__}",
        "network": network,
        "arithmetic": arithmetic,
        "function": "the trained network's, exactly",
        "one_bit_weights": one_bit_weights,
        "labels": list(EXPRESSIONS),
        "views": crops,
        "normalisation": run.get("recipe", {}).get("normalisation", "none"),
        "temperature": run.get("calibration", {}).get("temperature"),
        "scaling": "x = (2p - 255) / 255",
        "input": model_input,
        "output": {
            "name": "scores",
            "type": "float32",
            "shape": [-1 if crops == "none" else 1, len(EXPRESSIONS)],
            "content": "a score for each label, the largest is the answer; softmax of the scores "
            "divided by the temperature makes probabilities",
        },
        "run": dict(run),
    }


def add_metadata(graph: Graph, document: Mapping[str, Any]) -> None:
    """Put the document, and what the standard schema can say of it, into a graph's metadata."""
    graph.metadata[ENTRY] = json.dumps(document, indent=1, sort_keys=False).encode()
    graph.metadata[STANDARD_ENTRY] = standard_metadata(document)


def with_attachments(model: bytes) -> bytes:
    """A model with ``labels.txt`` and ``sha256.txt`` in a zip behind it."""
    attachments = {
        LABELS_FILE: "".join(f"{label}\n" for label in EXPRESSIONS),
        DIGEST_FILE: f"{hashlib.sha256(model).hexdigest()}\n",
    }
    file = io.BytesIO(model)
    with zipfile.ZipFile(file, "a") as archive:
        for name, text in attachments.items():
            # ZipInfo has a fixed date: the same model, the same bytes.
            archive.writestr(zipfile.ZipInfo(name), text)
    return file.getvalue()


def normalisation_of(document: Mapping[str, Any] | None, name: str) -> str:
    """How faces are prepared for a model, one of ``NORMALISATIONS``; ``UserError`` if unknown."""
    normalisation: str = (document or {}).get("normalisation", "none")
    if normalisation not in NORMALISATIONS:
        raise UserError(
            f"{name}: wants faces normalised by {normalisation!r:.40}, which this fer_larq does "
            f"not know (it knows {', '.join(NORMALISATIONS)}): install a newer one"
        )
    return normalisation


def temperature_of(document: Mapping[str, Any] | None, name: str) -> float | None:
    """What a model's scores are divided by before softmax; None if it does not say.

    Raises ``UserError`` unless it is a number above 0.
    """
    temperature = (document or {}).get("temperature")
    if temperature is None:
        return None
    number = isinstance(temperature, (int, float)) and not isinstance(temperature, bool)
    if not (number and 0 < temperature < math.inf):
        raise UserError(
            f"{name}: its temperature is {temperature!r:.40}, no number above 0: convert the "
            "network again"
        )
    return float(temperature)


def check_digest(content: bytes, name: str) -> None:
    """Raise ``UserError`` unless a model of this program is as it was written."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            end = min(entry.header_offset for entry in archive.infolist())
            entry = archive.getinfo(DIGEST_FILE)
            if entry.compress_type != zipfile.ZIP_STORED:
                raise ValueError("it was written uncompressed")
            with archive.open(entry) as file:
                written = file.read(2 * hashlib.sha256().digest_size)
    except (
        *(zipfile.BadZipFile, EOFError, KeyError, OSError, RuntimeError, ValueError),
        *(NotImplementedError, struct.error),
    ):
        written, end = b"", 0
    if written != hashlib.sha256(content[:end]).hexdigest().encode():
        raise UserError(
            f"{name}: damaged, or changed after it was converted (its SHA-256 is not the one that "
            "was written with it): convert or download it again"
        )


def read_document(model: ModelFile) -> dict[str, Any] | None:
    """The document of a model; None if it has none, or one that this program did not write."""
    content = model.metadata.get(ENTRY)
    if content is None or len(content) > LARGEST_DOCUMENT:
        return None
    try:
        document = json.loads(bytes(content))
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def standard_metadata(document: Mapping[str, Any]) -> bytes:
    """``TFLITE_METADATA``: names, image size, labels.

    ``metadata_schema.fbs`` has no generated Python code on PyPI for current versions, so the few
    tables used are written by slot number. For a face, nothing is to be normalised: mean 0 and
    standard deviation 1; for a crop, 2p - 255 = (p - 127.5) / 0.5.
    """
    builder = flatbuffers.Builder(2048)
    is_face = document["input"]["name"] == "face"

    size = FACE_SIZE if is_face else CROP_SIZE
    image_size = table(builder, {0: ("uint32", size), 1: ("uint32", size)})
    grayscale = 2
    image = table(builder, {0: ("int8", grayscale), 1: ("offset", image_size)})
    image_properties = 2  # in the union ContentProperties
    content = table(builder, {0: ("uint8", image_properties), 1: ("offset", image)})
    normalisation = table(
        builder,
        {
            0: ("offset", floats(builder, [0.0 if is_face else 127.5])),
            1: ("offset", floats(builder, [1.0 if is_face else 0.5])),
        },
    )
    normalisation_options = 1  # in the union ProcessUnitOptions
    unit = table(builder, {0: ("uint8", normalisation_options), 1: ("offset", normalisation)})
    model_input = table(
        builder,
        {
            0: ("offset", builder.CreateString(document["input"]["name"])),
            1: ("offset", builder.CreateString(document["input"]["content"])),
            3: ("offset", content),
            4: ("offset", tables(builder, [unit])),
        },
    )
    axis_labels = 2  # AssociatedFileType
    labels = table(
        builder,
        {
            0: ("offset", builder.CreateString(LABELS_FILE)),
            1: ("offset", builder.CreateString("Expressions, in the order of the scores.")),
            2: ("int8", axis_labels),
        },
    )
    feature_properties = 1  # in the union ContentProperties
    feature = table(builder, {})
    content = table(builder, {0: ("uint8", feature_properties), 1: ("offset", feature)})
    model_output = table(
        builder,
        {
            0: ("offset", builder.CreateString(document["output"]["name"])),
            1: ("offset", builder.CreateString(document["output"]["content"])),
            3: ("offset", content),
            6: ("offset", tables(builder, [labels])),
        },
    )
    subgraph = table(
        builder,
        {
            2: ("offset", tables(builder, [model_input])),
            3: ("offset", tables(builder, [model_output])),
        },
    )
    description = f"Facial expressions, {ARITHMETIC[document['arithmetic']]}."
    model = table(
        builder,
        {
            0: ("offset", builder.CreateString(document["network"])),
            1: ("offset", builder.CreateString(description)),
            3: ("offset", tables(builder, [subgraph])),
            7: ("offset", builder.CreateString("1.0.0")),
        },
    )
    builder.Finish(model, STANDARD_IDENTIFIER)
    return bytes(builder.Output())


def table(builder: flatbuffers.Builder, fields: dict[int, tuple[str, int]]) -> int:
    """Write a table of fields, given by slot; strings and vectors are offsets already."""
    prepend = {
        "offset": builder.PrependUOffsetTRelativeSlot,
        "uint32": builder.PrependUint32Slot,
        "uint8": builder.PrependUint8Slot,
        "int8": builder.PrependInt8Slot,
    }
    builder.StartObject(max(fields, default=-1) + 1)
    for slot, (kind, value) in fields.items():
        prepend[kind](slot, value, 0)
    return int(builder.EndObject())


def tables(builder: flatbuffers.Builder, offsets: list[int]) -> int:
    """Write a vector of tables."""
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())


def floats(builder: flatbuffers.Builder, values: list[float]) -> int:
    """Write a vector of float32."""
    builder.StartVector(4, len(values), 4)
    for value in reversed(values):
        builder.PrependFloat32(value)
    return int(builder.EndVector())
