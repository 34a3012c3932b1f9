"""Faces in an archive of images that is too large for one machine, with Dask.

    python examples/archive.py files.txt results/                        # two local workers
    python examples/archive.py files.txt s3://bucket/results --scheduler tcp://host:8786

``files.txt`` names an image in each line: a path, or an address that fsspec opens (``s3://``,
``gs://``, ``https://``; each needs its package, ``s3fs`` for one). The result is a folder of
Parquet files with the columns of ``fer_larq.predict``'s table and ``error``.

The list is cut into parts. A part is one task and one file, which appears whole or not at all, so
that every image is in the result once, whatever is killed and however often. Dask gives the part of
a lost worker to another one. A second start leaves out the parts that are there.
"""

from __future__ import annotations

import argparse
import hashlib
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.parquet
from dask.distributed import Client, as_completed
from tqdm import tqdm

import fer_larq
from fer_larq.datasets.labels import EXPRESSIONS
from fer_larq.utils.errors import UserError

RETRIES = 3
"""Times that a part is tried again after an error, such as a bucket that does not answer."""

NUMBERS = ("face", "left", "top", "width", "height", "angle", "confidence")


def analyze_part(names: Sequence[str], target: str, options: dict[str, str]) -> int:
    """Analyze images and write one Parquet file; returns how many rows it has."""
    rows = []
    for name in names:
        try:
            with fsspec.open(name, "rb") as file:
                content = file.read()
            faces = [face.as_dict() for face in fer_larq.analyze(content, **options)]
        except (UserError, FileNotFoundError) as error:  # the image's fault: no retry
            rows.append({"file": name, "error": str(error)})
            continue
        rows += [{"file": name, **columns(face)} for face in faces] or [{"file": name}]
    table = pa.Table.from_pylist(rows, schema=schema())
    filesystem, path = fsspec.url_to_fs(target)
    filesystem.makedirs(path.rsplit("/", 1)[0], exist_ok=True)
    temporary = f"{path}.{uuid.uuid4().hex}.tmp"  # two workers may have the same part
    with filesystem.open(temporary, "wb") as file:
        pa.parquet.write_table(table, file)
    filesystem.mv(temporary, path)
    return len(rows)


def columns(face: dict) -> dict:
    """A face of ``Face.as_dict`` as one row."""
    box, scores = face["box"], face["scores"]
    shares = face["probabilities"] or {}
    return {
        **{name: box.get(name, face.get(name)) for name in NUMBERS},
        "quality": ";".join(face["quality"]),
        "expression": face["expression"],
        **scores,
        **{f"{label}_probability": shares.get(label) for label in scores},
    }


def schema() -> pa.Schema:
    """The same for every part, whether or not a face was found in it."""
    texts = ("file", "error", "quality", "expression")
    scores = (*EXPRESSIONS, *(f"{label}_probability" for label in EXPRESSIONS))
    return pa.schema(
        [(name, pa.string()) for name in texts]
        + [(name, pa.float64()) for name in (*NUMBERS, *scores)]
    )


def parts(names: Sequence[str], size: int, out: str) -> Iterator[tuple[list[str], str]]:
    """The images of each part and its file, whose name says what is in it."""
    for start in range(0, len(names), size):
        part = list(names[start : start + size])
        digest = hashlib.sha256("\n".join(part).encode()).hexdigest()[:16]
        yield part, f"{out.rstrip('/')}/part-{digest}.parquet"


def run(client: Client, names: Sequence[str], out: str, size: int, options: dict[str, str]) -> int:
    """Analyze what is not in the result yet; returns how many parts there were to do."""
    filesystem, folder = fsspec.url_to_fs(out)
    there = set(filesystem.ls(folder, detail=False)) if filesystem.exists(folder) else set()
    done = {path.rsplit("/", 1)[-1] for path in there}
    todo = [
        (part, target)
        for part, target in parts(list(dict.fromkeys(names)), size, out)
        if target.rsplit("/", 1)[-1] not in done
    ]
    futures = [
        # Not pure: a part whose file was removed is to be made again.
        client.submit(analyze_part, part, target, options, pure=False, retries=RETRIES)
        for part, target in todo
    ]
    for future in tqdm(as_completed(futures), total=len(futures), unit="part"):
        future.result()
    return len(todo)


def main(arguments: list[str] | None = None) -> None:
    """Read the list and run it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("files", type=Path, help="list of images, one in each line")
    parser.add_argument("out", help="folder of the result, a path or an address of fsspec")
    parser.add_argument("--scheduler", help="of a Dask cluster (default: workers on this machine)")
    parser.add_argument("--workers", type=int, default=2, help="on this machine (default: 2)")
    parser.add_argument("--part", type=int, default=100, help="images in a part (default: 100)")
    parser.add_argument("--detector", default="auto", help="see fer_larq.predict (default: auto)")
    options = parser.parse_args(arguments)
    names = [line.strip() for line in options.files.read_text().splitlines() if line.strip()]
    workers = {} if options.scheduler else {"n_workers": options.workers, "threads_per_worker": 1}
    with Client(options.scheduler, **workers) as client:
        count = run(client, names, options.out, options.part, {"detector": options.detector})
    print(f"{options.out}: {count} parts analyzed, of {len(names)} images")


if __name__ == "__main__":
    main()
