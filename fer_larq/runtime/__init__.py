"""Classify faces with a converted network. Needs LiteRT and NumPy, and never imports TensorFlow.

    from fer_larq.runtime import FaceClassifier
    FaceClassifier("bdnn4.tflite").predict(face)     # face: uint8 [48, 48]

A bit-packed model holds operators of the Larq Compute Engine, which no published runtime knows;
``fer_larq.runtime.delegate`` gives them to it. ``python -m fer_larq.runtime`` prints which library
and kernels this machine uses.
"""

from fer_larq.runtime.classifier import FaceClassifier
from fer_larq.runtime.delegate import load_delegate, open_model

__all__ = ["FaceClassifier", "load_delegate", "open_model"]
