"""Verify that a converted model computes what the trained network computes.

The model that is to be written runs in its own runtime and is compared with Keras, score by score.
Keras in float32 is the reference with one reservation: where a sum lies within float32's rounding
of a threshold, Keras may turn that sign the other way, and the model, whose thresholds are exact,
does not follow. Faces on which the two differ are therefore judged by the same Keras network in
float64; if that disagrees with the model as well, the model is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_larq.conversion.bitpacked import unpacked_signs
from fer_larq.conversion.lce import lce_runner
from fer_larq.conversion.packing import check_packed
from fer_larq.conversion.reference_formats import ZERO_POINT
from fer_larq.conversion.thresholds import IntegerNetwork, integer_network
from fer_larq.datasets.crops import CROP_SIZE, cut
from fer_larq.evaluation.metrics import Predictor, crop_scores, mean_over_crops
from fer_larq.models.bdnn import predictor, weighted_layers
from fer_larq.tflite.delegate import library_path
from fer_larq.tflite.graph import Graph
from fer_larq.tflite.interpreter import Runner, litert_runner
from fer_larq.tflite.network import TFLiteNetwork
from fer_larq.tflite.parser import parse_model
from fer_larq.utils.backend import tf
from fer_larq.utils.errors import UserError

TOLERANCE = 1e-5
"""Largest difference between scores that counts as rounding, if scores are of ordinary size."""

FLOAT32_ROUNDING = 2.0**-21
"""Rounding of a score in float32, in proportion to the largest number in its computation: a few
units in the last place. More than ``TOLERANCE`` only for networks with scores far from ordinary."""

FACES_AT_ONCE = 20


@dataclass(frozen=True)
class Verification:
    """What was compared, and how it came out."""

    faces: int
    crops: str
    largest_difference: float
    """Between scores of the model and of Keras in float32, faces in ``rounded`` left out."""
    rounded: int
    """Faces on which Keras in float32 differs from both the model and Keras in float64."""
    runtimes: tuple[str, ...]
    """Further runtimes that gave the same scores to the last bit."""
    of_faces: bool
    """Whether means over the crops of a face were compared, or the scores of single crops."""

    def lines(self) -> list[str]:
        """What is printed of it."""
        compared = f"on every one of the {self.crops} crops of {self.faces} faces"
        if self.of_faces:
            compared = f"on all {self.faces} faces, {self.crops} crops each"
        lines = [
            f"verified: the same expression {compared}; scores at most "
            f"{self.largest_difference:.1e} apart"
        ]
        if self.rounded:
            lines.append(
                f"  on {self.rounded} of them Keras in float32 rounds a sign the other way; there "
                "the model equals Keras in float64"
            )
        return lines + [f"  the same scores to the last bit: {name}" for name in self.runtimes]


def verify(
    network: tf.keras.Model,
    content: bytes,
    faces: NDArray[np.uint8],
    *,
    thorough: bool = False,
    progress: Callable[[int], object] = lambda faces: None,
) -> Verification:
    """Compare a model with the network it was made from, on all its crops of some faces.

    Equal means: the same largest score, and no score further off than ``TOLERANCE``. A bit-packed
    model runs in the Larq Compute Engine's interpreter; other runtimes that are there have to give
    the same scores to the last bit.

    Args:
        network: the trained Keras network.
        content: the model, as it would be written.
        faces: uint8 ``[N, 48, 48]``.
        thorough: compare all of ``other_runtimes``; takes several times as long.
        progress: called with the number of faces that were compared since the last call.

    Raises:
        UserError: if the model differs; it names the first layer that does.
    """
    packed = parse_model(content, "model").is_bit_packed
    model = TFLiteNetwork(content, load=lce_runner if packed else None)
    others = {}
    if model.document["arithmetic"] == "one-bit":
        check_packed(Graph(content))
        loads = other_runtimes(thorough)
        others = {name: TFLiteNetwork(content, load=load) for name, load in loads.items()}
    crops = "five" if model.crops == "none" else model.crops
    exact = integer_network(network)
    tolerance = score_tolerance(exact)
    reference = predictor(network)

    def scores(judged: TFLiteNetwork | Predictor, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        """``[N, V, 7]`` for a model of crops, ``[N, 1, 7]`` for a model of faces."""
        if isinstance(judged, TFLiteNetwork) and model.crops != "none":
            return judged.scores(faces, crops)[:, np.newaxis]
        predict = judged.classify_crops if isinstance(judged, TFLiteNetwork) else judged
        of_crops = crop_scores(predict, faces, crops)
        return of_crops if model.crops == "none" else mean_over_crops(of_crops)[:, np.newaxis]

    largest, rounded = 0.0, 0
    for start in range(0, len(faces), FACES_AT_ONCE):
        part = faces[start : start + FACES_AT_ONCE]
        actual = scores(model, part)
        for name, other in others.items():
            if not np.array_equal(scores(other, part), actual):
                raise UserError(
                    f"{name} computes other scores than the Larq Compute Engine: a defect of "
                    "this program or of the runtime, please report it"
                )
        expected = scores(reference, part)
        same = equal(actual, expected, tolerance)
        if not same.all():
            double = in_float64(network)
            precise = scores(float64_predictor(double), part[~same])
            if not equal(actual[~same], precise, tolerance).all():
                where = first_difference(double, exact, content, part[~same], crops)
                raise UserError(f"the converted model is not the trained network: {where}")
        largest = max(largest, float(np.abs(actual - expected)[same].max(initial=0)))
        rounded += int((~same).sum())
        progress(len(part))
    return Verification(len(faces), crops, largest, rounded, tuple(others), model.crops != "none")


def other_runtimes(thorough: bool) -> dict[str, Callable[[bytes, int], Runner]]:
    """Runtimes for bit-packed models beside the Larq Compute Engine with indirect products.

    LiteRT with the delegate, if that was built; with ``thorough`` also the Larq Compute Engine's
    other kernels, LiteRT without XNNPACK and ``tensorflow.lite``.
    """
    found: dict[str, Callable[[bytes, int], Runner]] = {}
    if thorough:
        found["the Larq Compute Engine's default kernels"] = partial(lce_runner, indirect=False)
    try:
        library_path()
    except UserError:
        return found
    found["LiteRT with lce_delegate"] = litert_runner
    if thorough:
        found["LiteRT with lce_delegate, no XNNPACK"] = partial(litert_runner, xnnpack=False)
        found["tensorflow.lite with lce_delegate"] = partial(litert_runner, runtime=tf.lite)
    return found


def equal(
    actual: NDArray[np.float32], expected: NDArray[np.float32], tolerance: float
) -> NDArray[np.bool_]:
    """bool ``[N]``: are scores ``[N, V, 7]`` within ``tolerance`` and the largest ones the same?"""
    close: NDArray[np.bool_] = (np.abs(actual - expected) <= tolerance).all(axis=(1, 2))
    same: NDArray[np.bool_] = (actual.argmax(axis=2) == expected.argmax(axis=2)).all(axis=1)
    return close & same


def score_tolerance(exact: IntegerNetwork) -> float:
    """``TOLERANCE``, or float32's rounding of the scores if their scale is so large."""
    output = exact.output
    largest = np.max(output.largest_sum * np.abs(output.scale) + np.abs(output.offset))
    return max(TOLERANCE, FLOAT32_ROUNDING * float(largest))


def in_float64(network: tf.keras.Model) -> tf.keras.Model:
    """The same network, computing in float64 with the same weights and statistics."""

    def in_double(key: str, value: Any) -> Any:
        """A layer's configuration; its quantizers are layers, too, with their own dtype."""
        if isinstance(value, dict):
            return {name: in_double(name, inner) for name, inner in value.items()}
        if key == "epsilon":
            return float(np.float32(value))  # as Keras rounds it
        return "float64" if key == "dtype" else value

    def layer_in_float64(layer: tf.keras.layers.Layer) -> tf.keras.layers.Layer:
        return type(layer).from_config(in_double("config", layer.get_config()))

    crop = tf.keras.Input(network.input_shape[1:], dtype="float64", name="crop")
    double = tf.keras.models.clone_model(
        network, input_tensors=crop, clone_function=layer_in_float64
    )
    double.set_weights([values.astype(np.float64) for values in network.get_weights()])
    return double


def float64_predictor(network: tf.keras.Model) -> Predictor:
    """As ``fer_larq.models.predictor``, for a network of ``in_float64``."""

    return lambda pixels: network(float64_input(pixels), training=False).numpy()


def float64_input(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Crops uint8 ``[N, 42, 42]`` as (2p - 255) / 255, float64 ``[N, 42, 42, 1]``."""
    return (2 * pixels[..., np.newaxis].astype(np.float64) - 255) / 255


def first_difference(
    network: tf.keras.Model,
    exact: IntegerNetwork,
    content: bytes,
    faces: NDArray[np.uint8],
    crops: str,
) -> str:
    """Where a model leaves the network: the first layer with other signs, and how many.

    Args:
        network: of ``in_float64``.
        faces: uint8 ``[N, 48, 48]``, on which the scores differ.
    """
    batch_normalisations = [layer for _, layer in weighted_layers(network)[:-1]]
    keras_layers = tf.keras.Model(network.input, [layer.output for layer in batch_normalisations])
    pixels = cut(faces, crops).reshape(-1, CROP_SIZE, CROP_SIZE)
    expected = [values.numpy() >= 0 for values in keras_layers(float64_input(pixels))]
    actual = model_signs(content, exact, faces, crops)
    for layer, actual_signs, expected_signs in zip(exact.layers, actual, expected, strict=True):
        different = actual_signs.reshape(expected_signs.shape) != expected_signs
        if different.any():
            return (
                f"the first layer that differs is {layer.name}, "
                f"in {different.sum()} of {different.size} signs"
            )
    return "its signs are all right and its scores are not, so its output layer differs"


def model_signs(
    content: bytes, exact: IntegerNetwork, faces: NDArray[np.uint8], crops: str
) -> list[NDArray[np.bool_]]:
    """The signs that a model computes, True for +1: bool ``[N V, height, width, out]`` by layer.

    Those of the second convolution of a block are pooled, as Keras pools before that sign.
    """
    pooled = {second.name for _, second in exact.blocks}
    graph = Graph(content)
    found = {tensor.name: index for index, tensor in enumerate(graph.tensors)}
    graph.outputs = [
        found[f"{layer.name}/{'pooled' if layer.name in pooled else 'signs'}"]
        for layer in exact.layers
    ]
    model = TFLiteNetwork(content)
    signs = graph.save("the signs of all layers")
    run = litert_runner(signs, with_delegate=model.model.is_bit_packed)
    pixels = faces
    if model.crops == "none":
        pixels = cut(faces, crops).reshape(-1, CROP_SIZE, CROP_SIZE)
    inputs = model.inputs(pixels)
    outputs = [run(inputs[index : index + 1]) for index in range(len(inputs))]
    return [is_positive(np.concatenate(batches)) for batches in zip(*outputs, strict=True)]


def is_positive(stored: NDArray[Any]) -> NDArray[np.bool_]:
    """Signs as a model holds them: packed in int32, or {-1, 0} in float32 or int8."""
    if stored.dtype == np.int32:
        return unpacked_signs(stored)
    return np.equal(stored, ZERO_POINT if stored.dtype == np.int8 else 0)
