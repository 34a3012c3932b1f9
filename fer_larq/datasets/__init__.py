"""Faces and their labels: where they come from, and how they are prepared. NumPy only."""
