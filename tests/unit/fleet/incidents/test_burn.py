from hypothesis import given
from hypothesis import strategies as st

from fleet.durations import HOUR_US, MINUTE_US
from fleet.incidents.burn import Edge, alarm, lost_us
from fleet.tickets.model import Criticality

NOW = 1_000 * HOUR_US


def dark(minutes: float) -> tuple[Edge, ...]:
    """Lost for so many minutes until now."""
    return (Edge(NOW - int(minutes * MINUTE_US), True),)


def test_a_dark_commune_is_paged_after_the_minutes_of_the_table() -> None:
    assert alarm(dark(6.9), NOW) is None
    assert alarm(dark(6.92), NOW) is Criticality.CRITICAL


def test_a_long_loss_that_is_over_is_not_paged_again() -> None:
    over = (Edge(NOW - 50 * MINUTE_US, True), Edge(NOW - 40 * MINUTE_US, False))
    assert alarm(over, NOW) is None


def test_a_slow_burn_is_major() -> None:
    edges = tuple(
        Edge(NOW - 360 * MINUTE_US + minute * MINUTE_US, minute % 16 == 0)
        for minute in range(361)
        if minute % 16 in (0, 1)
    )
    assert alarm(edges, NOW) is Criticality.MAJOR


def test_no_edge_is_no_loss() -> None:
    assert alarm((), NOW) is None


edges = st.lists(st.integers(-20, 40), unique=True, max_size=10).map(sorted)


@given(edges, st.booleans())
def test_lost_time_is_what_counting_each_unit_gives(found: list[int], first: bool) -> None:
    changes = [Edge(at, first is (index % 2 == 0)) for index, at in enumerate(found)]
    counted = 0
    for unit in range(30):
        state = (not first) if found else False
        for change in changes:
            if change.at_us <= unit:
                state = change.lost
        counted += state
    assert lost_us(changes, 0, 30) == counted
