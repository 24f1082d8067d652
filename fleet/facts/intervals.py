"""Arithmetic of interval sets: sorted, disjoint, half-open [start, end) in integer microseconds; pure.

An ``Intervals`` value is *normal* when it is sorted and no two of its intervals touch; every function here
takes normal values (``normal`` makes them) and returns normal values.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import TypeAlias

Interval: TypeAlias = tuple[int, int]
Intervals: TypeAlias = Sequence[Interval]


def normal(intervals: Iterable[Interval]) -> list[Interval]:
    """Return the same instants, sorted and joined; empty and backward intervals hold none.

    >>> normal([(5, 7), (1, 3), (3, 4), (9, 9)])
    [(1, 4), (5, 7)]
    """
    joined: list[Interval] = []
    for start, end in sorted(intervals):
        if start >= end:
            continue
        if joined and start <= joined[-1][1]:
            if end > joined[-1][1]:
                joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def total(intervals: Intervals) -> int:
    """Return how long they are together.

    >>> total([(1, 4), (5, 7)])
    5
    """
    return sum(end - start for start, end in intervals)


def clip(intervals: Intervals, start: int, end: int) -> list[Interval]:
    """Return what lies in [start, end).

    >>> clip([(1, 4), (5, 7)], 2, 6)
    [(2, 4), (5, 6)]
    """
    return [(max(a, start), min(b, end)) for a, b in intervals if a < end and b > start]


def union(left: Intervals, right: Intervals) -> list[Interval]:
    """Return the instants in either.

    >>> union([(1, 4)], [(2, 6), (8, 9)])
    [(1, 6), (8, 9)]
    """
    return normal([*left, *right])


def intersect(left: Intervals, right: Intervals) -> list[Interval]:
    """Return the instants in both.

    >>> intersect([(1, 4), (5, 9)], [(3, 6)])
    [(3, 4), (5, 6)]
    """
    found: list[Interval] = []
    i = j = 0
    while i < len(left) and j < len(right):
        start = max(left[i][0], right[j][0])
        end = min(left[i][1], right[j][1])
        if start < end:
            found.append((start, end))
        if left[i][1] < right[j][1]:
            i += 1
        else:
            j += 1
    return found


def subtract(left: Intervals, right: Intervals) -> list[Interval]:
    """Return the instants of ``left`` that are not in ``right``.

    >>> subtract([(1, 9)], [(2, 3), (5, 6)])
    [(1, 2), (3, 5), (6, 9)]
    """
    rest: list[Interval] = []
    j = 0
    for a, b in left:
        start = a
        while j < len(right) and right[j][1] <= start:
            j += 1
        k = j
        while k < len(right) and right[k][0] < b:
            if right[k][0] > start:
                rest.append((start, right[k][0]))
            start = max(start, right[k][1])
            k += 1
        if start < b:
            rest.append((start, b))
    return rest


def complement(intervals: Intervals, start: int, end: int) -> list[Interval]:
    """Return the instants of [start, end) that are in none.

    >>> complement([(2, 3)], 0, 5)
    [(0, 2), (3, 5)]
    """
    return subtract([(start, end)] if start < end else [], intervals)


def contains(intervals: Intervals, at: int) -> bool:
    """Return whether an instant is in the set.

    >>> contains([(2, 3)], 2), contains([(2, 3)], 3)
    (True, False)
    """
    index = bisect_right(intervals, (at, _LAST)) - 1
    return index >= 0 and at < intervals[index][1]


def deeper_than(depth: int, intervals: Iterable[Interval]) -> list[Interval]:
    """Return the instants that more than ``depth`` of the given intervals share; they need not be normal.

    >>> deeper_than(1, [(0, 5), (3, 8), (4, 6)])
    [(3, 6)]
    """
    edges: list[Interval] = []
    for start, end in intervals:
        if start < end:
            edges.append((start, 1))
            edges.append((end, -1))
    edges.sort()
    found: list[Interval] = []
    level = opened = 0
    for at, change in edges:
        before = level
        level += change
        if before == depth and level > depth:
            opened = at
        elif before > depth and level == depth:
            found.append((opened, at))
    return normal(found)


def edges_of(intervals: Iterable[Interval]) -> list[int]:
    """Return the edges as sortable integers: odd where an interval begins, even where it ends.

    >>> edges_of([(1, 4)])
    [3, 8]
    """
    return [edge for start, end in intervals for edge in (start * 2 + 1, end * 2)]


_LAST = 1 << 80
"""Later than any instant."""
