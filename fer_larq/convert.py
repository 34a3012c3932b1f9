"""Convert a trained network to TFLite: ``python -m fer_larq.convert RUN --out bdnn4.tflite``.

By default the whole network has one bit from the first convolution to the scores (1.47 MB for
BDNN4), takes a face and averages over five crops. Before anything is written, the model's scores
are compared with those of the trained network. ``--show FILE`` prints what a model holds.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from tqdm import tqdm

from fer_larq.conversion.verification_faces import QUICK_FACES, RANDOM_FACES, verification_faces
from fer_larq.datasets.normalisation import normalise
from fer_larq.tflite.metadata import ARITHMETIC, CROPS
from fer_larq.tflite.parser import read_model
from fer_larq.tflite.summary import model_summary
from fer_larq.utils.errors import UserError, run_command, writing
from fer_larq.utils.files import atomic_write
from fer_larq.utils.options import add_alias, add_data_option


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
    with writing(out):
        out.parent.mkdir(parents=True, exist_ok=True)
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
    with writing(out), atomic_write(out) as temporary:
        temporary.write_bytes(content)
    print("\n".join(found.lines()))
    print(f"{out}: {len(content):,} bytes, {ARITHMETIC[arithmetic]}")


def main(arguments: list[str] | None = None) -> int:
    """Convert a network, or show a model."""
    parser = argparse.ArgumentParser(
        prog="python -m fer_larq.convert",
        description="Convert a trained network to TFLite, or show what a model holds.",
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
