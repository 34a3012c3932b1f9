"""From a trained network to a TFLite model, and back to what such a file holds.

    network ── exact.py ──────────────── thresholds and signs: the network in integers
       │                                      │
       ├─ inference_form.py ─ LCE ─ packing.py ─ binary.py ──┐   one bit
       │                                      └─ ordinary.py ┤   float32, float16, int8
       │                                                     ├─ ends.py ─ metadata.py ─ build.py
       └─ proof.py ◄──────────────── interpreter.py ◄────────┘

``graph.py`` edits flatbuffers, ``model_file.py`` reads those of unknown origin and ``listing.py``
prints them. docs/conversion.md has the method. Only what computes with a network loads TensorFlow.
"""
