"""Measurements of speed, each a ratio within one run of interleaved rounds.

``python -m fer_larq.benchmark training`` times the steps of a training, ``... inference`` readings
of a face.
"""
