"""Training steps of binary networks in integers of eight bits, for processors with AVX2.

``kernels`` computes on NumPy arrays, ``layers`` puts it behind Larq's layers; ``library`` finds the
compiled functions and shares their work among threads, ``memory`` holds large arrays.
"""
