"""Faces with labels, and how they are cut into crops. NumPy only."""
