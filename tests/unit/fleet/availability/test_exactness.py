"""Evidence is exact where the text says so, whatever happened to it on its way."""

from random import Random

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleet.availability import document, result
from fleet.availability.reckoning import reckon
from fleet.availability.timeline import timeline
from fleet.facts.intervals import total
from fleet.facts.settings import DEFAULTS
from fleet.facts.states import GatewayState
from fleet.simulation.gateway import Trouble, TroubleKind
from fleet.simulation.second_reading import Reading
from fleet.simulation.weather import WEATHERS, stalled
from tests.golden.files import GOLDEN
from tests.unit.fleet.availability.scenes import WINDOW, lived_facts, torn
from tests.unit.fleet.availability.test_laws import LATE, states

pytestmark = pytest.mark.slow
quick = settings(
    max_examples=settings.default.max_examples // 6, deadline=None, suppress_health_check=list(HealthCheck)
)
LIVES = 200


def charged_s(folder, name):
    with (GOLDEN / "cases" / folder / name).open("rb") as lines:
        month = document.read(lines)
    (commune,) = result.document(month, reckon(month), timelines=False)["communes"]
    return commune["charged"] // 1_000_000


def test_a_death_whose_journal_number_is_not_told_proves_nothing_before_it():
    told = [charged_s("30-journal-number-not-told", name) for name in ("j0.ndjson", "j4missing.ndjson")]
    assert told == [10_809, 10_809]


def test_a_delayed_heartbeat_is_placed_by_its_uptime():
    names = ("late_beat_no_stall.ndjson", "late_beat_stall.ndjson")
    assert [charged_s("31-delayed-heartbeat", name) for name in names] == [399, 399]


@pytest.mark.parametrize("weather", WEATHERS.values(), ids=WEATHERS.keys())
@given(torn(), st.randoms(use_true_random=False))
@quick
def test_equals_the_second_reading_in_every_weather(weather, given_, chance):
    facts, blindness = given_
    seen = weather(facts, chance)
    line = timeline(seen, blindness, WINDOW, DEFAULTS, LATE)
    assert states(line) == Reading(seen, blindness, DEFAULTS, LATE).partition(WINDOW.start_us, WINDOW.end_us)


def served_us(facts):
    spans = timeline(facts, (), WINDOW, DEFAULTS, LATE).spans
    return total([(one.start_us, one.end_us) for one in spans if one.state is GatewayState.SERVING])


def test_no_second_is_given_away_to_lines_that_stall():
    """200 lives, 2 % of the heartbeats stalled up to 45 s."""
    away_us = wrong = lived = 0
    for seed in range(LIVES):
        chance = Random(seed)
        kinds = [kind for kind in TroubleKind if kind is not TroubleKind.RESTART]
        troubles = [
            Trouble(
                chance.randrange(600, 3_000) * 1000, chance.randrange(40, 600) * 1000, chance.choice(kinds)
            )
            for _ in range(3)
        ]
        facts, _ = lived_facts(troubles)
        seen = stalled(facts, chance)
        if any(not any(run.trusted for run in seen.runs if run.boot == boot) for boot in _boots(seen)):
            continue
        difference_us = served_us(seen) - served_us(facts)
        away_us += abs(difference_us)
        wrong += difference_us != 0
        lived += 1
    assert (away_us, wrong) == (0, 0)
    assert lived > LIVES // 2


def _boots(facts):
    return {run.boot for run in facts.runs}


SAME_INSTANT = {"recorded_at_us": 1_793_700_000_000_000}


def month_bytes(lines):
    month = document.read(lines)
    return msgspec.json.encode(result.document(month, reckon(month), timelines=True)), document.digest(month)


@pytest.mark.parametrize("seed", range(5))
def test_the_same_facts_in_any_order_give_the_same_bytes(seed):
    """With facts of one instant that contradict each other: records of one number, revisions of works."""
    path = GOLDEN / "cases" / "30-journal-number-not-told" / "j0.ndjson"
    header, *lines = path.read_bytes().splitlines(keepends=True)
    facts = [msgspec.json.decode(line) for line in lines]
    record = next(fact for fact in facts if fact["type"] == "journal" and fact["value"] == "UP")
    works = {
        "type": "maintenance",
        "id": "w",
        "euis": [record["eui"]],
        "start_us": 1_793_660_000_000_000,
        "end_us": 1_793_700_000_000_000,
        "announced_at_us": 1_793_000_000_000_000,
        "approved_by": "x",
    } | SAME_INSTANT
    more = [record | {"value": "DOWN"}, works, works | {"withdrawn": True}, works | {"reason": "other"}]
    shuffled = [*lines, *(msgspec.json.encode(one) + b"\n" for one in more)]
    expected = month_bytes([header, *shuffled])
    Random(seed).shuffle(shuffled)
    assert month_bytes([header, *shuffled]) == expected
