"""Binarised densely connected networks for facial expression recognition.

The commands are the front door:

    python -m fer_larq.train --blocks 4       # train on FER2013 or on drawn faces
    python -m fer_larq.evaluate RUN           # accuracy, per-class report, confusion matrix
    python -m fer_larq.convert RUN            # a bit-packed TFLite model
    python -m fer_larq.predict photo.jpg      # faces in pictures, videos and a webcam's view

and from Python, ``fer_larq.analyze("photo.jpg")``.

Importing this package imports nothing heavy: TensorFlow is loaded only by the modules that
train or convert (see ``fer_larq.utils.backend``), never by those that only classify faces.
"""

__version__ = "0.1.0"


def __getattr__(name: str):
    """``fer_larq.analyze`` is there when it is asked for, and only then loads the runtime."""
    if name == "analyze":
        from fer_larq.inference.analyzer import analyze

        return analyze
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
