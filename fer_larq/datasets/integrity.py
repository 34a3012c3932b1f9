"""Whether a source's pixels are FER2013's as published, or what was done to them. NumPy only.

The four CSV files that were published are known by their MD5. Every other shape (a zip of images, a
table without one of the splits, JPEG) is judged by statistics, since many public mirrors hold
pixels that their owner had changed: a figure that rests on such pixels compares with no published
one. Statistics need ``FACES_NEEDED`` faces of a split; of more than ``FACES_JUDGED`` they take the
first, which in canonical order are a fair sample. They cannot see what leaves grey levels and
detail as they were, such as mirroring, nor OpenCV's linear resizing by way of 100 or more pixels
that was then saved as JPEG of quality 75.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PUBLISHED_MD5 = {
    "f8428a1edbd21e88f42c73edd2a14f95": "fer2013.csv",
    "b114b9e04e6949e5fe8b6a98b3892b1d": "icml_face_data.csv",
    "3f0dfb3d3fd99c811a1299cb947e3131": "train.csv",
    "b02c2298636a634e8c2faabbf3ea9a23": "test.csv",
}
"""MD5 of the files of Kaggle's challenge; the last one has no labels and is not read."""

FACES_NEEDED = 500
"""Fewer faces of a split are not judged: the share of full-range faces alone then varies by more
than 0.016 from sample to sample."""

FACES_JUDGED = 1000
"""Faces of a split that are looked at, at most; they take some 0.1 s."""

SHARE_OF_IMAGES = 0.01
"""Share of images of another size, or with names of augmented ones, from which on they count."""

# Thresholds. The values beside them were measured on 2,000 training faces as published, and on the
# same faces altered with Pillow and OpenCV. PublicTest has the published values within 0.004 (mean
# and deviation within 0.4). JPEG means qualities 30 to 95; the extreme is nearly always that of 30.

FULL_RANGE_AT_MOST = 0.50
"""Published 0.16, JPEG 0.17 to 0.35. Stretched to 0 and 255 and then saved as JPEG 0.68, stretched
0.81, equalised 1.00."""

FULL_RANGE_AT_LEAST = 0.11
"""Published 0.16. Resized by bilinear filters 0.00 to 0.05, bicubic 0.06 to 0.10: averages of
neighbours reach neither end. (Lanczos 0.15 to 0.20: known by its fine detail.)"""

CLIPPED_AT_MOST = 0.028
"""Published 0.016, JPEG 0.016 to 0.020. Contrast times 1.1: 0.049, then saved as JPEG 0.036."""

DEVIATION = (50.5, 57.0)
"""Published 54.2, JPEG 53.8 to 54.2. Contrast times 0.8: 43.3, times 1.1: 58.9, stretched 60.4,
adaptively equalised 59.0, equalised 74.2 to 78.5. Resized by bilinear filters 47.9 to 53.5."""

BRIGHTNESS = (112.0, 140.0)
"""Published 129.3. Pixels times 0.8: 103, times 1.2: 153; gamma 1.5: 101, 0.8: 144."""

FLATNESS_AT_LEAST = 0.17
"""Published 0.24, JPEG 0.24, contrast times 1.1 to 2 0.20 to 0.25. Equalised 0.01 to 0.02, after
contrast times 1.2 0.10 to 0.11, adaptively equalised 0.09 to 0.18 (the gentlest of five such
copies, 0.18, passes here and counts as raised contrast)."""

FINE_DETAIL = (0.040, 0.11)
"""Published 0.065, JPEG 0.045 to 0.073. Resized by way of 24 to 256 pixels 0.002 to 0.038 with
filters that smooth, 0.016 to 0.026 when then saved as JPEG; with OpenCV's linear one by way of 100
and more 0.038 to 0.052, where the full range tells; by way of 44 or fewer without smoothing 0.12 to
0.57. (By way of more pixels without smoothing nothing changes.) Equalised 0.09, contrast times 2
0.10."""

AUGMENTED_NAME = re.compile(
    r"(?:training|publictest|privatetest)_\d+(?!\d|\.(?:jpe?g|png)$)|aug", re.IGNORECASE
)
"""Begins names such as ``Training_123.jpg0.jpg``, ``Training_123_flipped.png``, ``aug_0_123.jpg``;
the published name is ``Training_123.jpg``."""


ALTERED = ("equalised", "contrast", "resized", "augmented")
"""Kinds of altered copies; of several that hold the first is named."""


@dataclass(frozen=True)
class Finding:
    """What was found of a source's pixels.

    Attributes:
        kind: ``published`` (bit for bit, by MD5) or ``unaltered`` (by statistics); for an altered
            copy ``equalised``, ``contrast``, ``resized`` or ``augmented``, the first that holds;
            ``unknown`` where there are too few faces to say; ``synthetic``.
        sentence: what that means, and for an altered copy all that was done to it.
    """

    kind: str = "unknown"
    sentence: str = "the pixels were not examined"

    @property
    def altered(self) -> bool:
        """Whether figures on these pixels compare with no published ones."""
        return self.kind in ALTERED


SYNTHETIC = Finding("synthetic", "drawings, made by this program")


@dataclass(frozen=True)
class Statistics:
    """What the pixels of N faces are judged by.

    Attributes:
        full_range: share of faces whose darkest pixel is 0 and whose brightest is 255.
        clipped: share of pixels that are 0 or 255.
        brightness: mean of all pixels, 0 to 255.
        deviation: mean of the faces' standard deviations.
        flatness: median of the largest distance, 0 to 1, between a face's cumulative histogram and
            that of evenly spread grey levels.
        fine_detail: median of a face's energy in its finest frequencies (40 to 47 of 48 in a
            cosine transform) as a share of that in the middle ones (16 to 31).
    """

    full_range: float
    clipped: float
    brightness: float
    deviation: float
    flatness: float
    fine_detail: float


def statistics(images: NDArray[np.uint8]) -> Statistics:
    """Statistics of faces, uint8 ``[N, 48, 48]``, N at least 1."""
    flat = images.reshape(len(images), -1)
    darkest, brightest = flat.min(axis=1), flat.max(axis=1)
    levels = np.arange(len(flat))[:, None] * 256 + flat
    histograms = np.bincount(levels.ravel(), minlength=256 * len(flat)).reshape(-1, 256)
    cumulative = histograms.cumsum(axis=1) / flat.shape[1]
    even = np.arange(1, 257) / 256

    size = images.shape[-1]
    position = np.arange(size)
    cosines = np.cos(np.pi / size * np.outer(position, position + 0.5)).astype(np.float32)
    energy = np.square(cosines @ images.astype(np.float32) @ cosines.T)
    frequency = np.maximum(position[:, None], position)

    def band(low: int, high: int) -> NDArray[np.float32]:
        share: NDArray[np.float32] = energy[:, (frequency >= low) & (frequency < high)].mean(axis=1)
        return share

    middle = band(16, 32)
    structured = middle > 0  # a blank image has no detail of any kind
    detail = (band(40, 48)[structured] / middle[structured]).tolist()
    return Statistics(
        full_range=float(np.mean((darkest == 0) & (brightest == 255))),
        clipped=float(histograms[:, [0, 255]].sum() / flat.size),
        brightness=float(flat.mean()),
        deviation=float(flat.std(axis=1, dtype=np.float32).mean()),
        flatness=float(np.median(np.abs(cumulative - even).max(axis=1))),
        fine_detail=float(np.median(detail or [0.0])),
    )


def alterations(found: Statistics) -> dict[str, str]:
    """What was done to faces of such statistics: the kind, and how it shows. Empty: nothing."""
    full_range = f"{found.full_range:.0%} of the faces span exactly 0 to 255 (published 16 %)"
    deviation = f"the mean standard deviation of a face is {found.deviation:.1f} (published 54.1)"
    brightness = f"the mean brightness is {found.brightness:.0f} (published 129)"
    clipped = f"{found.clipped:.1%} of the pixels are 0 or 255 (published 1.6 %)"
    done = {}
    if found.flatness < FLATNESS_AT_LEAST:
        done["equalised"] = (
            f"their histograms were equalised: {full_range.replace('%', ' %', 1)}, {deviation}"
        )
    elif (
        found.full_range > FULL_RANGE_AT_MOST
        or found.clipped > CLIPPED_AT_MOST
        or found.deviation > DEVIATION[1]
    ):
        done["contrast"] = f"their contrast was raised: {deviation}, {clipped}"
    elif found.deviation < DEVIATION[0] and found.fine_detail >= FINE_DETAIL[0]:
        done["contrast"] = f"their contrast was lowered: {deviation}"
    elif not BRIGHTNESS[0] <= found.brightness <= BRIGHTNESS[1]:
        done["contrast"] = f"their brightness was changed: {brightness}"
    smoothed = found.fine_detail < FINE_DETAIL[0]
    if not done and found.full_range < FULL_RANGE_AT_LEAST:
        smoothed = True
    if smoothed or found.fine_detail > FINE_DETAIL[1]:
        done["resized"] = (
            f"they were resized from another size or {'smoothed' if smoothed else 'sharpened'}: "
            f"their finest detail has {found.fine_detail:.3f} of the energy of the middle one "
            "(published 0.065)"
        )
    return done


def many_resized(resized: int, total: int) -> bool:
    """Whether so many images of another size make a source a resized copy."""
    return total >= FACES_NEEDED and resized > SHARE_OF_IMAGES * total


def examine(
    splits: Mapping[str, NDArray[np.uint8]],
    *,
    published_counts: Mapping[str, int],
    md5: str | None = None,
    resized: int = 0,
    names: Sequence[str] = (),
) -> Finding:
    """Say whether the pixels of a source are FER2013's.

    Args:
        splits: uint8 ``[N, 48, 48]`` for each split, in an order that is a fair sample.
        published_counts: number of faces of each split as published.
        md5: of the table that they were read from, 32 hexadecimal digits, if there was one.
        resized: how many images had another size than 48x48.
        names: names of the images' files, without folders, if there were any.
    """
    if md5 in PUBLISHED_MD5:
        return Finding("published", f"FER2013 as published ({PUBLISHED_MD5[md5]}, by its MD5)")
    done: dict[str, str] = {}
    judged = [images for images in splits.values() if len(images) >= FACES_NEEDED]
    for images in judged:
        done |= alterations(statistics(images[:FACES_JUDGED]))
    total = sum(map(len, splits.values()))
    if many_resized(resized, total):
        done["resized"] = f"{resized:,} of {total:,} images had another size than 48x48"
    augmented = sum(AUGMENTED_NAME.match(name) is not None for name in names)
    more = {
        split: len(images) for split, images in splits.items()
        if len(images) > published_counts[split]
    }  # fmt: skip
    if augmented > SHARE_OF_IMAGES * max(total, 1):
        done["augmented"] = (
            f"augmented images are among them: {augmented:,} of {total:,} names are like "
            "Training_123.jpg0.jpg (published Training_123.jpg)"
        )
    elif more:
        found = ", ".join(
            f"{split} has {count:,} faces (published {published_counts[split]:,})"
            for split, count in more.items()
        )
        done["augmented"] = f"images were added to them: {found}"
    if done:
        kind = next(kind for kind in ALTERED if kind in done)
        return Finding(kind, f"these are not FER2013's pixels; {'; '.join(done.values())}")
    if not judged:
        return Finding(
            "unknown", f"too few faces to tell by statistics (a split needs {FACES_NEEDED})"
        )
    return Finding("unaltered", "FER2013's pixels as published, as far as statistics can tell")
