"""From a trained network to a TFLite model.

    network ── thresholds ─────────────── thresholds and signs: the network in integers
       │                                      │
       ├─ inference_form ─ lce ─ packing ─ bitpacked ────┐   one bit
       │                              └─ reference_formats ┤   float32, float16, int8
       │                                                 ├─ input_output ─ tflite.metadata
       └─ verification ◄──────────────── tflite.network ◄┘

``converter`` joins them. docs/conversion.md has the method.
"""
