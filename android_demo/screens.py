#!/usr/bin/env python3
"""Keep some of the screens that `build.py screens` drew, with 256 colours, for the documents.

python android_demo/screens.py FROM TO
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image

SHOWN = {  # by their names in the documents: variant and state of ScreensTest
    "live": "enUS-notnight/live",
    "photo": "enUS-night/photo",
    "model": "zhCN-night/model",
}


def main(drawn: Path, kept: Path) -> None:
    kept.mkdir(parents=True, exist_ok=True)
    for name, source in SHOWN.items():
        picture = Image.open(drawn / f"{source}.png").convert("RGB")
        picture = picture.quantize(256, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
        picture.save(kept / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
