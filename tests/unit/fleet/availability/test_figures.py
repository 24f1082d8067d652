"""Verdicts in integers, truncated percentages, budget, burn, breach ETA, deferred figure, failure domains."""

from dataclasses import replace
from fractions import Fraction

import pytest

from fleet.availability.burn import (
    BurnRate,
    breach_at_us,
    budget,
    burn_rates,
    charged_between,
    share_lost,
)
from fleet.availability.communes import CommuneSpan, CommuneTimeline, below_two_domains
from fleet.availability.figures import (
    Share,
    commune_figures,
    deferred,
    gateway_figures,
    late_frames,
    percent,
    whole,
)
from fleet.availability.timeline import Span, Timeline
from fleet.durations import DAY_US, HOUR_US
from fleet.facts.model import DeliveredFact, GatewayFacts, Membership
from fleet.facts.months import Window, month_window
from fleet.facts.settings import DEFAULTS, ContractSettings
from fleet.facts.states import Cause, CommuneState, GatewayState
from tests.unit.fleet.availability.making import EUI, T0, S, run

MONTH = month_window("2026-11")
NOON = MONTH.start_us + 9 * DAY_US
LOST, UNKNOWN, EXCLUDED = CommuneState.LOST, CommuneState.UNKNOWN, CommuneState.EXCLUDED


def commune(*spans, insee="37015", window=MONTH):
    return CommuneTimeline(
        insee=insee, start_us=window.start_us, end_us=window.end_us, exceptions=tuple(spans), below_two=()
    )


def lost(start, length, state=LOST):
    return CommuneSpan(start, start + length, state, Cause.POWER)


def test_the_budgets_of_the_contract():
    thirty_days = 30 * DAY_US
    assert budget(thirty_days, 0, 0, 999_700).whole == 777_600_000
    assert budget(thirty_days, 0, 0, 992_000).whole == 20_736_000_000


@pytest.mark.parametrize(("month", "seconds"), [("2026-03", "802.44"), ("2026-10", "804.6")])
def test_months_with_a_change_of_clock(month, seconds):
    assert budget(month_window(month).length_us, 0, 0, 999_700).whole == int(Fraction(seconds) * S)


def test_a_percentage_is_truncated_never_rounded():
    assert percent(Fraction(999_699, 1_000_000)) == "99.96"
    assert percent(Fraction(999_999_999, 1_000_000_000), 4) == "99.9999"
    assert percent(Fraction(1)) == "100.00"
    assert percent(None) == ""


def test_a_verdict_compares_integers():
    month = 30 * DAY_US
    assert Share(served=month - 777_600_000, charged=777_600_000).meets(999_700) is True
    assert Share(served=month - 777_600_001, charged=777_600_001).meets(999_700) is False
    assert Share(served=0, charged=0).meets(999_700) is None


def test_unknown_is_charged_by_setting():
    line = commune(
        lost(NOON, HOUR_US, UNKNOWN), lost(NOON + DAY_US, HOUR_US), lost(NOON + 2 * DAY_US, 7, EXCLUDED)
    )
    assert commune_figures(line, DEFAULTS).share.charged == 2 * HOUR_US
    lenient = ContractSettings(unknown_is_charged=False)
    assert commune_figures(line, lenient).share.charged == HOUR_US
    assert commune_figures(line, lenient).share.served == MONTH.length_us - 2 * HOUR_US - 7


def test_neighbouring_spans_are_one_outage():
    two = [
        Span(10, 20, GatewayState.DOWN),
        Span(20, 30, GatewayState.BUFFERING),
        Span(50, 60, GatewayState.DOWN),
    ]
    figures = gateway_figures(Timeline(eui=EUI, start_us=0, end_us=100, exceptions=tuple(two)), DEFAULTS)
    assert (figures.outages, figures.mtbf_us, figures.mttr_us) == (2, 35, 15)


def test_the_global_figure_is_weighted():
    heavy = commune_figures(commune(lost(NOON, 1000), insee="a"), DEFAULTS)
    light = commune_figures(commune(insee="b"), DEFAULTS)
    assert whole([heavy, light], {"a": 3, "b": 1}).charged == 3000


def test_burn_rates_fire_together():
    line = commune(lost(NOON - HOUR_US // 5, HOUR_US // 5))
    rates = burn_rates([line], {"37015": 1}, 992_000, DEFAULTS, NOON)
    assert rates[0].long == 25
    assert rates[0].alerts
    assert not rates[3].alerts


def test_breach_eta():
    assert breach_at_us(HOUR_US, HOUR_US, Fraction(1), NOON) == NOON + HOUR_US
    assert breach_at_us(HOUR_US, HOUR_US, Fraction(1, 10), NOON) == NOON + 10 * HOUR_US
    assert breach_at_us(HOUR_US, HOUR_US, Fraction(0), NOON) is None
    assert breach_at_us(-1, HOUR_US, Fraction(1), NOON) == NOON


def test_beyond_the_month_the_next_budget_is_used():
    late = MONTH.end_us - HOUR_US
    assert breach_at_us(2 * HOUR_US, 3 * HOUR_US, Fraction(1), late) == MONTH.end_us + 3 * HOUR_US


def test_what_a_whole_month_bears_is_no_breach():
    assert breach_at_us(DAY_US, DAY_US, Fraction(1, 1000), NOON) is None


def test_share_lost_leaves_out_who_has_no_member():
    states = [("a", LOST), ("b", CommuneState.SERVED), ("c", CommuneState.NOT_COVERED)]
    assert share_lost(states, {"a": 1, "b": 3, "c": 100}) == Fraction(1, 4)


def delivered(start, end, *, acked=None, dropped=0, seq=1, boot=1, connector="lns"):
    return DeliveredFact(
        eui=EUI,
        boot=boot,
        seq=seq,
        connector=connector,
        received_from_us=T0 + start * S,
        received_until_us=T0 + end * S,
        acked_at_us=T0 + (end if acked is None else acked) * S,
        frames=1,
        dropped=dropped,
        recorded_at_us=T0,
    )


@pytest.mark.parametrize(
    ("facts", "left"),
    [
        ([delivered(0, 1000)], 0),
        ([delivered(300, 1000)], 200),
        ([delivered(0, 1000), delivered(150, 200, dropped=1, seq=2)], 50),
        ([delivered(0, 1000, acked=48 * 3600 + 150)], 50),
        ([delivered(0, 1000, boot=2)], 400),
        ([delivered(0, 1000, connector="other")], 400),
    ],
    ids=["all", "part", "one dropped", "too late", "clock not believed", "another connector"],
)
def test_the_deferred_figure_needs_proof(facts, left):
    spans = (
        Span(T0 + 100 * S, T0 + 500 * S, GatewayState.BUFFERING),
        Span(T0 + 500 * S, T0 + 600 * S, GatewayState.DOWN),
    )
    line = Timeline(eui=EUI, start_us=T0, end_us=T0 + 1000 * S, exceptions=spans)
    gateway = GatewayFacts(eui=EUI, runs=(run(-300, 0, 900),), delivered=tuple(facts))
    told = gateway_figures(deferred(line, gateway, DEFAULTS), DEFAULTS).by_state_us
    assert told[GatewayState.BUFFERING] == left * S
    assert told[GatewayState.DOWN] == 100 * S


def line(eui, *spans):
    exceptions = tuple(Span(start, end, GatewayState.DOWN) for start, end in spans)
    return Timeline(eui=eui, start_us=0, end_us=100, exceptions=exceptions)


def member(eui):
    return Membership(id=eui, commune_insee="x", eui=eui, valid_from_us=0, approved_by="x", recorded_at_us=0)


def test_two_members_behind_one_operator_are_one():
    lines = {"a": line("a", (10, 20)), "b": line("b"), "c": line("c", (15, 30))}
    members = [member("a"), member("b"), member("c")]
    window = Window(0, 100)
    operators = {"a": "one", "b": "one", "c": "two"}
    assert below_two_domains(members, lines, operators, window) == [(15, 30)]
    assert below_two_domains(members, lines, {}, window) == [(0, 100)]
    assert below_two_domains(members, lines, dict.fromkeys("abc", "one"), window) == [(0, 100)]


def delivered_in(start_us, end_us, frames, acked_us=None):
    return DeliveredFact(
        eui=EUI,
        boot=1,
        seq=1,
        connector="lns",
        received_from_us=start_us,
        received_until_us=end_us,
        acked_at_us=end_us if acked_us is None else acked_us,
        frames=frames,
        dropped=0,
        recorded_at_us=end_us,
    )


def line_of(eui, *spans):
    """A day that serves but for (start, end, state) in hours."""
    exceptions = tuple(
        Span(NOON + start * HOUR_US, NOON + end * HOUR_US, state) for start, end, state in spans
    )
    return Timeline(eui=eui, start_us=NOON, end_us=NOON + DAY_US, exceptions=exceptions)


BUFFERING, DOWN = GatewayState.BUFFERING, GatewayState.DOWN
OUTAGE = (2, 6, BUFFERING)


@pytest.mark.parametrize(
    ("neighbours", "refused"),
    [
        ([], 0),
        ([line_of("b")], 400),
        ([line_of("b", OUTAGE)], 0),
        ([line_of("b", (0, 24, DOWN)), line_of("c", (3, 5, DOWN))], 200),
        ([line_of("b", (4, 24, DOWN)), line_of("c", (0, 4, DOWN))], 400),
    ],
)
def test_late_frames_are_probably_refused_where_a_neighbour_served(neighbours, refused):
    facts = [
        delivered_in(NOON, NOON + 2 * HOUR_US, 50),
        delivered_in(NOON + 2 * HOUR_US, NOON + 6 * HOUR_US, 400),
    ]
    found = late_frames(line_of(EUI, OUTAGE), facts, neighbours)
    assert (found.late, found.probably_refused) == (400, refused)


def test_frames_of_a_proof_that_reaches_beyond_the_outage_are_spread_over_it():
    found = late_frames(line_of(EUI, OUTAGE), [delivered_in(NOON, NOON + 8 * HOUR_US, 80)], [line_of("b")])
    assert (found.late, found.probably_refused) == (40, 40)
    empty = late_frames(line_of(EUI, OUTAGE), [delivered_in(NOON, NOON, 80)], [line_of("b")])
    assert (empty.late, empty.probably_refused) == (0, 0)


def test_settings_refuse_nonsense():
    with pytest.raises(ValueError, match="objective_global_ppm"):
        replace(DEFAULTS, objective_global_ppm=1_000_001)
    with pytest.raises(ValueError, match="maintenance_cap_us"):
        replace(DEFAULTS, maintenance_cap_us=-1)


@pytest.mark.parametrize(
    ("begin_h", "end_h", "charged_h", "served_h"),
    [
        (0, 24, 3, 20),
        (-9, 99, 3, 20),
        (3, 5, 1, 1),
        (3, 4, 0, 1),
        (5, 6, 1, 0),
        (7, 9, 0, 2),
        (7, 11, 0, 3),
        (10, 11, 0, 0),
        (23, 24, 0, 1),
        (24, 30, 0, 0),
        (-5, 0, 0, 0),
        (-5, -1, 0, 0),
    ],
)
def test_what_a_window_charges_is_cut_to_the_window_and_to_what_is_known(begin_h, end_h, charged_h, served_h):
    known = Window(NOON, NOON + DAY_US)
    spans = [
        lost(NOON + 4 * HOUR_US, 3 * HOUR_US),
        lost(NOON + 10 * HOUR_US, HOUR_US, CommuneState.NOT_COVERED),
    ]
    line = commune(*spans, window=known)
    window = Window(NOON + begin_h * HOUR_US, NOON + end_h * HOUR_US)
    assert charged_between(line, window, DEFAULTS) == Share(
        served=served_h * HOUR_US, charged=charged_h * HOUR_US
    )


@pytest.mark.parametrize(
    ("long", "short", "alerts"), [(15, 15, True), (15, 14, False), (14, 15, False), (14, 14, False)]
)
def test_both_windows_of_a_pair_must_burn_faster_than_its_factor(long, short, alerts):
    rate = BurnRate(
        long_us=HOUR_US, short_us=1, factor=Fraction(14), long=Fraction(long), short=Fraction(short)
    )
    assert rate.alerts is alerts


def test_a_network_burns_by_the_weights_of_its_communes():
    heavy, light = commune(lost(NOON - HOUR_US, HOUR_US), insee="a"), commune(insee="b")
    rates = burn_rates([heavy, light], {"a": 1, "b": 3}, 992_000, DEFAULTS, NOON)
    assert rates[0].long == Fraction(1, 4) * 125
    assert burn_rates([heavy], {}, 992_000, DEFAULTS, NOON)[0].long == 0
