"""One-sided rank-sum test of two groups, exact for small ones; pure.

Exact: of all ways to draw the group from both, those with as low a rank sum, ties at their mean rank.
Sources: Mann, Whitney, Ann. Math. Stat. 18 (1947), 50-60; ties and the normal approximation with continuity
correction: Lehmann, Nonparametrics (1975), 1.2 and 1.4.
"""

import math
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate

EXACT_LIMIT = 12
"""Observations of the smaller group; a larger one takes the normal approximation."""
FIELD_BYTES = 16
"""Room for one count of ways: C(400, 12) is less than 2 to the power 79."""


def lower_p(group: Sequence[float], other: Sequence[float]) -> float:
    """Return how probable ranks as low as those of ``group`` are when nothing differs.

    >>> lower_p([1, 2, 3], [4, 5, 6]), lower_p([4, 5, 6], [1, 2, 3])
    (0.05, 1.0)
    """
    if not group or not other:
        return 1.0
    ranks = _doubled_ranks([*group, *other])
    total = sum(ranks[: len(group)])
    if len(group) > EXACT_LIMIT:
        return _approximate(ranks, len(group), total)
    ways = _ways(tuple(sorted(ranks)), len(group))
    return ways[min(total, len(ways) - 1)] / ways[-1]


def least_p(group: int, other: int) -> float:
    """Return the smallest probability that groups of these sizes can ever show.

    >>> least_p(3, 3)
    0.05
    """
    return 1 / math.comb(group + other, group)


def _doubled_ranks(values: Sequence[float]) -> list[int]:
    """Return the rank of each value, twice, so that mean ranks of ties are whole."""
    counts = Counter(values)
    before, ranks = 0, {}
    for value in sorted(counts):
        ranks[value] = 2 * before + counts[value] + 1
        before += counts[value]
    return [ranks[value] for value in values]


@lru_cache(maxsize=64)
def _ways(ranks: tuple[int, ...], size: int) -> tuple[int, ...]:
    """Return for each sum how many draws of ``size`` ranks come to it or less.

    Each row is a polynomial written as one long number, a field of ``FIELD_BYTES`` for each power.
    """
    rows = [1] + [0] * size
    for rank in ranks:
        for drawn in range(size, 0, -1):
            rows[drawn] += rows[drawn - 1] << (8 * FIELD_BYTES * rank)
    sums = sum(ranks[len(ranks) - size :]) + 1
    found = rows[size].to_bytes(sums * FIELD_BYTES, "little")
    fields = (found[at : at + FIELD_BYTES] for at in range(0, len(found), FIELD_BYTES))
    return tuple(accumulate(int.from_bytes(field, "little") for field in fields))


def _approximate(ranks: Sequence[int], size: int, total: int) -> float:
    count = len(ranks)
    other = count - size
    tied = sum(many**3 - many for many in Counter(ranks).values())
    variance = size * other / 12 * (count + 1 - tied / (count * (count - 1)))
    if variance <= 0:
        return 1.0
    z = (total / 2 + 0.5 - size * (count + 1) / 2) / math.sqrt(variance)
    return math.erfc(-z / math.sqrt(2)) / 2
