"""Thresholds: the integers at which batch normalisation and sign change, without rounding."""

from __future__ import annotations

from decimal import Decimal, localcontext

import numpy as np
import pytest

from fer_larq.conversion.thresholds import integer_network, threshold
from fer_larq.models.bdnn import weighted_layers
from fer_larq.utils.backend import tf
from fer_larq.utils.errors import UserError
from helpers.conversion_networks import random_network


def signs_in_sixty_digits(mean, variance, beta, epsilon, unit, largest_sum) -> list[bool]:
    """The sign of batch normalisation for every integer, evaluated as its formula stands."""
    with localcontext() as context:
        context.prec = 120
        deviation = (Decimal(variance) + Decimal(epsilon)).sqrt()
        values = [
            (Decimal(s) / unit - Decimal(mean)) / deviation + Decimal(beta)
            for s in range(-largest_sum, largest_sum + 1)
        ]
    # A root or a division by 255 that is not exact leaves an error far below this.
    return [value > Decimal("-1e-60") for value in values]


def as_float32(value: float) -> float:
    return float(np.float32(value))


@pytest.mark.parametrize("unit", [1, 255])
def test_a_threshold_separates_the_signs_of_every_reachable_sum(unit: int) -> None:
    random = np.random.default_rng(unit)
    largest_sum = 288
    epsilon = as_float32(1e-4)
    means = [0.0, 1.0, -3.0, 0.5, 200 / unit, -(largest_sum + 1) / unit, 1e-30, 3e38, -3e38]
    variances = [0.0, 1e-38, 1e-12, 1.0, 4.0, 1e4, 3e38]
    betas = [0.0, -0.0, 1e-38, -1e-38, 0.25, -0.25, 3.0, -3.0, 3e38, -3e38]
    cases = [(mean, variance, beta) for mean in means for variance in variances for beta in betas]
    cases += [
        (random.normal() * 100 / unit, random.uniform(0, 400) / unit**2, random.normal())
        for _ in range(100)
    ]
    reached = 0
    for case in cases:
        mean, variance, beta = map(as_float32, case)
        found = threshold(mean, variance, beta, epsilon, unit, largest_sum)
        signs = signs_in_sixty_digits(mean, variance, beta, epsilon, unit, largest_sum)
        assert [s >= found for s in range(-largest_sum, largest_sum + 1)] == signs, case
        reached += -largest_sum < found <= largest_sum
    assert reached > 100  # of thresholds that some sums reach and others do not


@pytest.mark.parametrize(
    ("mean", "beta", "expected"),
    [(3.0, 0.0, 3), (3.0, 1.5, 0), (3.0, -1.5, 6), (-0.5, 0.25, -1), (-0.5, -0.25, 0)],
)
def test_a_sum_exactly_on_the_threshold_is_positive(mean, beta, expected) -> None:
    # sqrt(variance + epsilon) = 2, so that the thresholds are 3, 3 - 3, 3 + 3, -1 and 0.
    assert threshold(mean, 4.0, beta, 0.0, unit=1, largest_sum=20) == expected


def test_one_step_of_float32_beside_an_integer_is_told_from_it() -> None:
    for integer in (5, -5):
        above = float(np.nextafter(np.float32(integer), np.float32(np.inf)))
        below = float(np.nextafter(np.float32(integer), np.float32(-np.inf)))
        found = [threshold(mean, 1e4, 0.0, 1e-4, 1, 100) for mean in (below, integer, above)]
        assert found == [integer, integer, integer + 1]


def test_keras_in_float32_agrees_wherever_it_is_not_within_rounding_of_zero() -> None:
    network = random_network(3, hostile=True, seed=5)
    exact = integer_network(network)
    compared = 0
    for layer, (_, batch_normalisation) in zip(
        exact.layers, weighted_layers(network)[:-1], strict=True
    ):
        unit = 255 if layer is exact.layers[0] else 1
        sums = np.arange(-layer.largest_sum, layer.largest_sum + 1)
        inputs = np.repeat((sums / unit)[:, np.newaxis], len(layer.thresholds), axis=1)
        shape = (len(sums), 1, 1, -1) if batch_normalisation.fused else inputs.shape
        values = batch_normalisation(tf.constant(inputs.reshape(shape), tf.float32))
        keras = values.numpy().reshape(inputs.shape)
        beta, mean, variance = (
            values.astype(np.float64) for values in batch_normalisation.get_weights()
        )
        deviation = np.sqrt(variance + batch_normalisation.epsilon)
        size = (np.abs(inputs) + np.abs(mean)) / deviation + np.abs(beta)
        clear = np.abs((inputs - mean) / deviation + beta) > 1e-6 * size
        expected = sums[:, np.newaxis] >= layer.thresholds
        assert np.array_equal((keras >= 0)[clear], expected[clear])
        compared += clear.sum()
        assert clear.mean() > 0.5
    assert compared > 100_000


def test_weights_are_the_signs_that_larq_computes_with_zero_counted_as_plus() -> None:
    network = random_network(hostile=True)
    layers = weighted_layers(network)
    exact = integer_network(network)
    zeros = 0
    for layer, (source, _) in zip([*exact.layers, exact.output], layers, strict=True):
        (latent,) = source.get_weights()
        assert np.array_equal(layer.signs.ravel(), np.where(latent >= 0, 1, -1).ravel())
        zeros += np.sum(latent == 0)
    assert zeros > 0


def test_weights_without_latent_values_are_read_as_they_are() -> None:
    network = random_network(latent_weights=False)
    (kernel,) = weighted_layers(network)[1][0].get_weights()
    assert set(np.unique(kernel)) == {-1, 1}
    assert np.array_equal(integer_network(network).blocks[0][1].signs, kernel)


def spoil(network: tf.keras.Model, index: int, which: int, values) -> None:
    """Set some weights of a layer, counted with its batch normalisation, to other values."""
    layer = [layer for layer in network.layers if layer.weights][index]
    weights = layer.get_weights()
    weights[which].reshape(-1)[0] = values
    layer.set_weights(weights)


@pytest.mark.parametrize(
    ("index", "which", "value", "message"),
    [
        (2, 0, np.nan, r"block 1, second convolution: it has weights that are not finite"),
        (3, 0, np.nan, r"block 1, second convolution: its batch normalisation holds values"),
        (5, 1, np.inf, r"block 2, first convolution: its batch normalisation holds values"),
        (-1, 3, np.nan, r"output layer: its batch normalisation holds values"),
        (9, 2, -1.0, r"fully connected layer 1: .* negative variance"),
    ],
)
def test_values_without_a_meaning_are_refused_by_the_name_of_their_layer(
    index, which, value, message
) -> None:
    network = random_network()
    spoil(network, index, which, value)
    with pytest.raises(UserError, match=message):
        integer_network(network)


def test_a_network_without_latent_weights_may_hold_nothing_but_signs() -> None:
    network = random_network(latent_weights=False)
    spoil(network, 2, 0, 0.5)
    with pytest.raises(UserError, match=r"block 1, second convolution: .* other than -1 and \+1"):
        integer_network(network)


def test_a_network_of_another_kind_is_refused() -> None:
    crop = tf.keras.Input((42, 42, 1))
    other = tf.keras.Model(crop, tf.keras.layers.Dense(7)(tf.keras.layers.Flatten()(crop)))
    with pytest.raises(UserError, match=r"not one of fer_larq\.models\.bdnn"):
        integer_network(other)
