"""Binarised densely connected networks for facial expression recognition.

The commands are the front door:

    python -m fer_larq.train --blocks 4       # train on FER2013 or on drawn faces
    python -m fer_larq.evaluate RUN           # accuracy, per-class report, confusion matrix
    python -m fer_larq.convert RUN            # a bit-packed TFLite model

Importing this package imports nothing heavy: TensorFlow is loaded only by the modules that
train or convert (see ``fer_larq.backend``), never by those that only classify faces.
"""

__version__ = "0.1.0"
