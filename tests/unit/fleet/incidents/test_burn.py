from hypothesis import given
from hypothesis import strategies as st

from fleet.availability.burn import burn_rates
from fleet.availability.communes import CommuneSpan, CommuneTimeline
from fleet.durations import DAY_US, MINUTE_US
from fleet.facts.months import month_window
from fleet.facts.settings import DEFAULTS, ContractSettings
from fleet.facts.states import Cause, CommuneState
from fleet.incidents.burn import Edge, alarm, lost_us
from fleet.tickets.model import Criticality

NOW = month_window("2026-11").start_us + 9 * DAY_US


def dark(minutes: float) -> tuple[Edge, ...]:
    """Lost for so many minutes until now."""
    return (Edge(NOW - int(minutes * MINUTE_US), True),)


def test_a_dark_commune_is_paged_after_the_minutes_of_the_table() -> None:
    assert alarm(dark(6.9), DEFAULTS.objective_commune_ppm, NOW) is None
    assert alarm(dark(6.92), DEFAULTS.objective_commune_ppm, NOW) is Criticality.CRITICAL


def test_a_long_loss_that_is_over_is_not_paged_again() -> None:
    over = (Edge(NOW - 50 * MINUTE_US, True), Edge(NOW - 40 * MINUTE_US, False))
    assert alarm(over, DEFAULTS.objective_commune_ppm, NOW) is None


def test_a_slow_burn_is_major() -> None:
    edges = tuple(
        Edge(NOW - 360 * MINUTE_US + minute * MINUTE_US, minute % 16 == 0)
        for minute in range(361)
        if minute % 16 in (0, 1)
    )
    assert alarm(edges, DEFAULTS.objective_commune_ppm, NOW) is Criticality.MAJOR


def test_no_edge_is_no_loss() -> None:
    assert alarm((), DEFAULTS.objective_commune_ppm, NOW) is None


def test_the_contract_says_what_a_month_can_bear() -> None:
    assert alarm(dark(20), 970_000, NOW) is None
    assert alarm(dark(20), DEFAULTS.objective_commune_ppm, NOW) is Criticality.CRITICAL


@given(st.lists(st.integers(1, 7 * 60 * 60), min_size=2, max_size=8, unique=True).map(sorted))
def test_the_alarm_agrees_with_the_burn_rates_of_the_figures(ago_s: list[int]) -> None:
    instants = [NOW - ago * 1_000_000 for ago in reversed(ago_s[: len(ago_s) // 2 * 2])]
    pairs = list(zip(instants[::2], instants[1::2], strict=True))
    edges = tuple(edge for start, end in pairs for edge in (Edge(start, True), Edge(end, False)))
    line = CommuneTimeline(
        insee="37015",
        start_us=NOW - 9 * DAY_US,
        end_us=NOW,
        exceptions=tuple(CommuneSpan(*pair, CommuneState.LOST, Cause.POWER) for pair in pairs),
        below_two=(),
    )
    fastest, fast, *_ = burn_rates([line], {"37015": 1}, 992_000, ContractSettings(), NOW)
    expected = Criticality.CRITICAL if fastest.alerts else Criticality.MAJOR if fast.alerts else None
    assert alarm(edges, 992_000, NOW) is expected


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
