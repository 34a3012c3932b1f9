"""Binarised densely connected networks for facial expression recognition.

    fer-larq train --blocks 4          # train on FER2013 or on synthetic faces
    fer-larq evaluate RUN              # accuracy, per-class report, confusion matrix
    fer-larq convert RUN               # a bit-packed TFLite model
    fer-larq predict photo.jpg         # faces in images, videos and a webcam's view

or ``python -m fer_larq.train`` and so on. From Python::

    fer_larq.analyze("photo.jpg")               # the faces in an image and their expressions
    fer_larq.FaceClassifier("bdnn4.tflite")     # classifies faces that are cut out already
    fer_larq.load("bdnn4")                      # a trained network, as a Keras model

Importing this package imports nothing heavy: each of these is loaded when it is asked for, and
TensorFlow only by what trains or converts, never by what only classifies faces.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fer_larq.inference.analyzer import analyze as analyze
    from fer_larq.inference.classifier import FaceClassifier as FaceClassifier
    from fer_larq.training.run_folder import load as load

__version__ = "0.1.0"

_LAZY = {
    "analyze": "fer_larq.inference.analyzer",
    "FaceClassifier": "fer_larq.inference.classifier",
    "load": "fer_larq.training.run_folder",
}


def __getattr__(name: str) -> object:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
