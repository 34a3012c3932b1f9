"""TFLite models: reading, checking, editing and running them. Never imports TensorFlow.

A bit-packed model holds operators of the Larq Compute Engine, which no published runtime knows;
``delegate`` gives them to it. ``python -m fer_larq.tflite`` prints which library and kernels this
machine uses.
"""
