"""The rank-sum test against every way to draw the group."""

import math
from itertools import combinations
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.rollouts.ranks import EXACT_LIMIT, least_p, lower_p

values = st.lists(st.integers(0, 6), min_size=1, max_size=5)


def ranks(pool):
    return [sum(other < one for other in pool) + (pool.count(one) + 1) / 2 for one in pool]


@given(values, values)
def test_it_counts_every_way_to_draw_the_group(group, other):
    pool = ranks([*group, *other])
    seen = sum(pool[: len(group)])
    drawn = [sum(some) for some in combinations(pool, len(group))]
    assert lower_p(group, other) == pytest.approx(sum(one <= seen for one in drawn) / len(drawn))
    assert lower_p(group, other) >= least_p(len(group), len(other)) * (1 - 1e-9)


def test_the_approximation_continues_the_exact_one():
    other = [0.1 + number for number in range(60)]
    exact = lower_p([number * 4.0 for number in range(EXACT_LIMIT)], other)
    near = lower_p([number * 4.0 for number in range(EXACT_LIMIT)] + [50.0], other)
    assert exact == pytest.approx(near, rel=0.5)
    assert exact < near


def test_the_approximation_is_that_of_the_book():
    """28 ranks of which 14 lie evenly: z is 0.5 by the standard deviation, for the continuity alone."""
    group = [1, 28, 3, 26, 5, 24, 7, 22, 9, 20, 11, 18, 13, 16]
    other = sorted(set(range(1, 29)) - set(group))
    z = 0.5 / math.sqrt(14 * 14 * 29 / 12)
    assert lower_p(group, other) == pytest.approx(NormalDist().cdf(z), abs=1e-12)
    assert lower_p(other, group) == lower_p(group, other)


def test_where_all_are_equal_nothing_is_improbable():
    assert lower_p([0.0] * 50, [0.0] * 50) == 1.0
    assert lower_p([0.0] * 5, [0.0] * 50) == 1.0
    assert lower_p([], [1.0]) == lower_p([1.0], []) == 1.0
