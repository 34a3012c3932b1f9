"""Measurements: ``python -m fer_larq.benchmark WHAT``, see ``--help``.

Speed is a ratio within one run of interleaved rounds.
"""
