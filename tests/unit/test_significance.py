"""McNemar's test against tables worked out by hand, and Holm's correction."""

from math import comb

import numpy as np
import pytest

pytest.importorskip("scipy")

from fer_larq.evaluation.significance import compare_all, holm, mcnemar


def answers(both: int, first: int, second: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    """Which faces two networks get right, from the four counts of McNemar's table."""
    one = np.repeat([True, True, False, False], [both, first, second, neither])
    other = np.repeat([True, False, True, False], [both, first, second, neither])
    return one, other


@pytest.mark.parametrize(("first", "second"), [(2, 10), (10, 2), (0, 5), (30, 41)])
def test_the_p_value_is_the_binomial_one(first, second):
    total, less = first + second, min(first, second)
    expected = min(1.0, 2 * sum(comb(total, k) for k in range(less + 1)) / 2**total)
    assert mcnemar(*answers(50, first, second, 20)) == pytest.approx(expected)
    # Faces on which both agree do not matter.
    assert mcnemar(*answers(0, first, second, 0)) == pytest.approx(expected)


def test_equal_counts_are_no_difference():
    assert mcnemar(*answers(10, 7, 7, 3)) == 1.0
    assert mcnemar(*answers(10, 0, 0, 3)) == 1.0


def test_holm_is_that_of_his_example():
    # Smallest times 4, next times 3, and so on; never less than a smaller one.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.6]) == [1.0, 1.0]
    assert holm([]) == []


def test_every_pair_is_compared_once():
    one, other = answers(100, 10, 60, 30)
    found = compare_all({"a": one, "b": other, "c": one.copy()})
    assert [(some.first, some.second) for some in found] == [("a", "b"), ("a", "c"), ("b", "c")]
    ab, ac, bc = found
    assert (ab.only_first, ab.only_second, ab.faces) == (10, 60, 200)
    assert ab.difference == pytest.approx(100 * (other.mean() - one.mean())) == 25
    assert bc.difference == -25 and bc.p_value == ab.p_value
    assert ab.real and bc.real and not ac.real
    assert ab.adjusted >= ab.p_value


def test_a_difference_that_one_pair_would_prove_may_be_chance_among_ten():
    one, other = answers(100, 10, 24, 0)
    assert 0.02 < mcnemar(one, other) < 0.05
    assert compare_all({"a": one, "b": other})[0].real
    many = {"a": one, "b": other} | {str(number): one for number in range(3)}
    assert not any(some.real for some in compare_all(many) if "b" not in (some.first, some.second))
    assert not compare_all(many)[0].real
