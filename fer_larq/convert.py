"""Convert a trained network to TFLite: ``python -m fer_larq.convert RUN --out bdnn4.tflite``.

By default the whole network has one bit from the first convolution to the scores (1.47 MB for
BDNN4), takes a face and averages over five crops. Before anything is written, the model's scores
are compared with those of the trained network. ``--show FILE`` prints what a model holds.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from fer_larq.datasets import loading
from fer_larq.datasets.crops import FACE_SIZE
from fer_larq.datasets.normalisation import normalise
from fer_larq.datasets.synthetic import draw_faces
from fer_larq.tflite.metadata import ARITHMETIC, CROPS
from fer_larq.tflite.parser import read_model
from fer_larq.tflite.summary import model_summary
from fer_larq.utils.errors import UserError, run_command
from fer_larq.utils.files import atomic_write
from fer_larq.utils.options import add_alias, add_data_option

QUICK_FACES = 100
"""Faces of the quick verification, five crops each: some ten seconds for BDNN4."""

RANDOM_FACES = {"quick": 20, "full": 400}
"""Images of random pixels beside them: they reach sums that faces do not."""

VERIFICATION_SEED = 0


def convert(
    run: str, out: Path, crops: str, arithmetic: str, source: str | None, extent: str
) -> None:
    """Convert a run, verify the model, write it; the arguments are ``main``'s options."""
    # Here, not above, so that --show does without TensorFlow, which may not be installed.
    from fer_larq.conversion import verification
    from fer_larq.conversion.converter import build_model
    from fer_larq.training import run_folder

    if out.is_dir():
        raise UserError(f"{out}: is a folder; --out takes the name of a file, such as bdnn4.tflite")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{out}: cannot be written ({error.strerror})") from None
    loaded = run_folder.load_network(run)
    faces, origin = verification_faces(source, extent)
    faces = normalise(faces, run_folder.recipe_of(loaded.description).normalisation)
    print(f"converting {loaded.network.name} from {loaded.weights_file}", flush=True)
    content = build_model(loaded.network, run_folder.model_provenance(loaded), crops, arithmetic)
    print(f"verifying {len(content):,} bytes against the network on {origin}", flush=True)
    with tqdm(total=len(faces), desc="verifying", unit="face", disable=None, leave=False) as bar:
        found = verification.verify(
            loaded.network, content, faces, thorough=extent == "full", progress=bar.update
        )
    try:
        with atomic_write(out) as temporary:
            temporary.write_bytes(content)
    except OSError as error:
        raise UserError(f"{out}: cannot be written ({error.strerror})") from None
    print("\n".join(found.lines()))
    print(f"{out}: {len(content):,} bytes, {ARITHMETIC[arithmetic]}")


def verification_faces(source: str | None, extent: str) -> tuple[NDArray[np.uint8], str]:
    """The faces that a model is compared on, uint8 ``[N, 48, 48]``, and what they are.

    Without data they are synthetic: to compare two computations, drawings do as well.
    """
    if source is None:
        images, name = draw_faces(QUICK_FACES, VERIFICATION_SEED).images, "drawn faces"
        if extent == "full":
            raise UserError("--verify full compares all faces of PublicTest: give --data as well")
    else:
        dataset = loading.load(source)
        images, name = dataset.split("validation").images, f"faces of {dataset.name}, validation"
        if extent == "quick":
            images = images[:QUICK_FACES]
    shape = (RANDOM_FACES[extent], FACE_SIZE, FACE_SIZE)
    noise = np.random.default_rng(VERIFICATION_SEED).integers(0, 256, shape, dtype=np.uint8)
    origin = f"{len(images)} {name} and {len(noise)} images of random pixels"
    return np.concatenate([images, noise]), origin


def main(arguments: list[str] | None = None) -> int:
    """Convert a network, or show a model."""
    parser = argparse.ArgumentParser(
        prog="python -m fer_larq.convert", description=__doc__.split("\n\n")[0]
    )
    parser.add_argument(
        "run", nargs="?", help="run folder, weights file or name of packaged weights"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="the .tflite file to write")
    parser.add_argument(
        "--crops",
        choices=CROPS,
        default="five",
        help="crops inside the model: five, or ten with their mirror images (it takes a face and "
        "averages over them), or none (it takes crops of 42x42 that hold 2p - 255) (default: five)",
    )
    parser.add_argument(
        "--format",
        choices=tuple(ARITHMETIC),
        default="one-bit",
        help="one-bit: packed, for operators of the Larq Compute Engine; the others: the same "
        "function in TFLite's own operators, for comparison (default: one-bit)",
    )
    add_data_option(parser)
    verify = parser.add_argument(
        "--verify",
        choices=tuple(RANDOM_FACES),
        default="quick",
        help=f"faces to compare model and network on: quick: {QUICK_FACES} of the validation "
        "split; full: all of them, which needs --data (default: quick)",
    )
    add_alias(parser, "--prove", verify)
    parser.add_argument(
        "--show", metavar="FILE", help="print what a .tflite file holds, and do nothing else"
    )
    options = parser.parse_args(arguments)
    if options.show is not None:
        print("\n".join(model_summary(read_model(options.show), options.show)))
        return 0
    if options.run is None or options.out is None:
        parser.error("give a run and --out FILE, or --show FILE")
    convert(options.run, options.out, options.crops, options.format, options.data, options.verify)
    return 0


if __name__ == "__main__":
    run_command(main)
