"""``python -m fer_larq.inference.detectors``: fetch BlazeFace's file, unless it is here."""

from fer_larq.inference.detectors.blazeface_file import main
from fer_larq.utils.errors import run_command

if __name__ == "__main__":
    run_command(main)
