"""Convert a trained network to TFLite: ``python -m fer_larq.convert RUN --out bdnn4.tflite``.

By default the whole network has one bit from the first convolution to the scores (1.47 MB for
BDNN4), takes a face and averages over five crops. Before anything is written, the model's scores
are compared with those of the trained network. ``--show FILE`` prints what a model holds.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from fer_larq import data
from fer_larq.datasets.crops import FACE_SIZE
from fer_larq.datasets.normalisation import normalise
from fer_larq.faces import draw
from fer_larq.tflite.metadata import ARITHMETIC, CROPS
from fer_larq.tflite.parser import read_model
from fer_larq.tflite.summary import listing
from fer_larq.utils.errors import UserError, run_command
from fer_larq.utils.files import atomic_write
from fer_larq.utils.options import add_data_option

QUICK_FACES = 100
"""Faces of the ordinary proof, five crops each: some ten seconds for BDNN4."""

RANDOM_FACES = {"quick": 20, "full": 400}
"""Images of random pixels beside them: they reach sums that faces do not."""

PROOF_SEED = 0


def convert(
    run: str, out: Path, crops: str, arithmetic: str, source: str | None, extent: str
) -> None:
    """Convert a run, prove the model, write it to ``out``; the arguments are ``main``'s options."""
    # Here, not above, so that --show need not wait for TensorFlow.
    from fer_larq import runs
    from fer_larq.conversion import verification as proof
    from fer_larq.conversion.converter import build_model

    if out.is_dir():
        raise UserError(f"{out}: is a folder; --out takes the name of a file, such as bdnn4.tflite")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{out}: cannot be written ({error.strerror})") from None
    loaded = runs.load_network(run)
    faces, origin = proof_faces(source, extent)
    faces = normalise(faces, runs.recipe_of(loaded.description).normalisation)
    print(f"converting {loaded.network.name} from {loaded.weights_file}", flush=True)
    content = build_model(loaded.network, run_account(loaded), crops, arithmetic)
    print(f"proving {len(content):,} bytes against the network on {origin}", flush=True)
    with tqdm(total=len(faces), desc="proving", unit="face", disable=None, leave=False) as bar:
        found = proof.prove(
            loaded.network, content, faces, thorough=extent == "full", progress=bar.update
        )
    try:
        with atomic_write(out) as temporary:
            temporary.write_bytes(content)
    except OSError as error:
        raise UserError(f"{out}: cannot be written ({error.strerror})") from None
    crops_each = f"on all {found.faces} faces, {found.views} crops each"
    if crops == "none":
        crops_each = f"on every one of the {found.views} crops of {found.faces} faces"
    print(
        f"proved: the same expression {crops_each}; scores at most {found.largest_difference:.1e} "
        "apart"
    )
    if found.rounded:
        print(
            f"  on {found.rounded} of them Keras in float32 rounds a sign the other way; there the "
            "model equals Keras in float64"
        )
    for name in found.runtimes:
        print(f"  the same scores to the last bit: {name}")
    print(f"{out}: {len(content):,} bytes, {ARITHMETIC[arithmetic]}")


def run_account(loaded) -> dict[str, Any]:
    """What a model keeps of its training.

    Accuracies are those of the best weights; the last ones may have others.
    """
    from fer_larq import runs

    description = runs.account(loaded.description)
    result = description.get("result") or {}
    account = {
        "recipe": description.get("recipe"),
        "settings": description.get("settings"),
        "data": description.get("data"),
        "epochs": result.get("epochs"),
        "weights_sha256": runs.weights_digest(loaded.network),
        "versions": description.get("versions"),
    }
    if loaded.weights_file.name != runs.LAST_WEIGHTS:
        views = {"validation_five": "five crops", "validation_centre": "centre crop"}
        best = result.get("best") or {}
        account["accuracy"] = {
            "split": "validation (PublicTest)",
            **{views[key]: value for key, value in best.items() if key in views},
        }
    return account


def proof_faces(source: str | None, extent: str) -> tuple[np.ndarray, str]:
    """The faces that a model is compared on, uint8 ``[N, 48, 48]``, and what they are.

    Without data they are drawn: to compare two computations, drawings do as well.
    """
    if source is None:
        images, name = draw(QUICK_FACES, PROOF_SEED).images, "drawn faces"
        if extent == "full":
            raise UserError("--prove full compares all faces of PublicTest: give --data as well")
    else:
        dataset = data.load(source)
        images, name = dataset.split("validation").images, f"faces of {dataset.name}, validation"
        if extent == "quick":
            images = images[:QUICK_FACES]
    shape = (RANDOM_FACES[extent], FACE_SIZE, FACE_SIZE)
    noise = np.random.default_rng(PROOF_SEED).integers(0, 256, shape, dtype=np.uint8)
    origin = f"{len(images)} {name} and {len(noise)} images of random pixels"
    return np.concatenate([images, noise]), origin


def main(arguments: list[str] | None = None) -> int:
    """Convert a network, or show a model."""
    parser = argparse.ArgumentParser(
        prog="python -m fer_larq.convert",
        description=__doc__.split("\n\n")[0],
    )
    parser.add_argument(
        "run", nargs="?", help="run folder, weights file or name of packaged weights"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="the .tflite file to write")
    parser.add_argument(
        "--crops",
        choices=CROPS,
        default="five",
        help="five (default) or ten (mirrored as well): the model takes a face and averages over "
        "its crops; none: it takes crops of 42x42 that hold 2p - 255",
    )
    parser.add_argument(
        "--format",
        choices=tuple(ARITHMETIC),
        default="one-bit",
        help="one-bit (default): packed, for the Larq Compute Engine's operators; the others: the "
        "same function in TFLite's ordinary arithmetic, as a base for comparison",
    )
    add_data_option(parser)
    parser.add_argument(
        "--prove",
        choices=tuple(RANDOM_FACES),
        default="quick",
        help=f"quick (default): {QUICK_FACES} validation faces; full: all of them, with --data",
    )
    parser.add_argument(
        "--show", metavar="FILE", help="print what a .tflite file holds, and do nothing else"
    )
    options = parser.parse_args(arguments)
    if options.show is not None:
        for line in listing(read_model(options.show), options.show):
            print(line)
        return 0
    if options.run is None or options.out is None:
        parser.error("give a run and --out FILE, or --show FILE")
    convert(options.run, options.out, options.crops, options.format, options.data, options.prove)
    return 0


if __name__ == "__main__":
    run_command(main)
