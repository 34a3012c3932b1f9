"""Old path of parts of ``fer_larq.inference`` and ``fer_larq.tflite``."""

from fer_larq.inference.classifier import FaceClassifier
from fer_larq.tflite.__main__ import main
from fer_larq.tflite.delegate import load_delegate
from fer_larq.tflite.interpreter import open_model
from fer_larq.utils.errors import run_command

__all__ = ["FaceClassifier", "load_delegate", "open_model"]

if __name__ == "__main__":
    run_command(main)
