"""Packaged weights and models. This folder holds data; ``models.packed_weights`` reads it."""
