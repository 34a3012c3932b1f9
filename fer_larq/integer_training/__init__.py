"""Training steps of binary networks in integers of eight bits, for processors with AVX2.

``kernels`` computes on NumPy arrays, ``convolution`` puts it behind a layer of Larq.
"""
