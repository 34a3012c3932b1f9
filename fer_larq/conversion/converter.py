"""From a trained network to the bytes of a TFLite model that says what it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fer_larq.conversion.bitpacked import binary_graph
from fer_larq.conversion.input_output import add_input_and_output, batch_size
from fer_larq.conversion.reference_formats import reference_graph
from fer_larq.conversion.thresholds import integer_network
from fer_larq.tflite.metadata import add_metadata, model_document, with_attachments
from fer_larq.utils.backend import tf


def build_model(
    network: tf.keras.Model,
    run: Mapping[str, Any],
    crops: str = "five",
    arithmetic: str = "one-bit",
) -> bytes:
    """Convert a network of ``fer_larq.models.bdnn``.

    Args:
        network: in float32, trained.
        run: what is known of its training, stored in the model as it is.
        crops: ``"five"`` or ``"ten"``: the model takes a face ``face``, uint8 ``[1, 48, 48, 1]``,
            and gives the mean over its crops; ``"none"``: it takes ``crop``, float32
            ``[N, 42, 42, 1]`` holding 2p - 255. It gives ``scores``, float32 ``[1 or N, 7]``.
        arithmetic: ``"one-bit"``, or another of ``metadata.ARITHMETIC``.

    Returns:
        The content of a .tflite file. The same network and ``run`` give the same bytes.
    """
    exact = integer_network(network)
    batch = batch_size(crops)
    if arithmetic == "one-bit":
        graph, crop, sums = binary_graph(network, exact, batch)
    else:
        graph, crop, sums = reference_graph(exact, arithmetic, batch)
    add_input_and_output(graph, crop, sums, exact.output, crops)
    add_metadata(graph, model_document(exact.name, exact.one_bit_weights, crops, arithmetic, run))
    return with_attachments(graph.save(f"{exact.name}, {arithmetic}, made by fer_larq"))
