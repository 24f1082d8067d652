"""No number from a gateway sizes anything: what it says moves itself alone, and no cycle is lost."""

from dataclasses import replace

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select

from fleet.availability.reckoning import reckon
from fleet.broker.inbox import Inbox
from fleet.clock import FleetClock
from fleet.engine.cycle import Terms
from fleet.engine.engine import Engine
from fleet.evidence import store
from fleet.evidence.allowance import PACES, UNUSED, MessageKind
from fleet.evidence.coherence import (
    RECORDS_BURST,
    RECORDS_PER_S,
    UPTIME_LIMIT_MS,
    Incoherent,
    check_coherent,
)
from fleet.evidence.ingest import Sorter
from fleet.evidence.quarantine import DEFAULT_BOUND
from fleet.evidence.tables import heartbeat_runs, incoherences
from fleet.facts.months import month_of
from fleet.facts.runs import run_of
from fleet.facts.settings import DEFAULTS
from fleet.facts.states import GatewayState
from fleet.live.feed import Feed
from fleet.live.gateways import INCOHERENT_SHOWN_US
from fleet.months.inputs import load_month
from tests.unit.fleet.engine.test_engine import Link
from tests.unit.fleet.evidence.hostile import Hostile
from tests.unit.fleet.founded import EUIS, NOW_US, StandingClock, founded_database, heartbeat, received

S = 1_000_000
KEY = Ed25519PrivateKey.generate()
FUZZED = 10_000


class Fleet:
    """An engine over a small fleet, step by step; ``EUIS[1]`` serves quietly beside the hostile one."""

    def __init__(self, folder, quarantine=DEFAULT_BOUND):
        self.database, self.clock = founded_database(folder), StandingClock()
        self.seq, self._quarantine = 0, quarantine
        self.restart()

    def restart(self):
        link, terms = Link(self.clock), Terms(signing=KEY, quarantine=self._quarantine)
        clock = FleetClock(self.clock)
        self.engine = Engine(
            database=self.database, link=link, inbox=Inbox(), feed=Feed(), clock=clock, terms=terms
        )
        self.engine.state()

    def step(self, messages=()):
        """30 s in which the quiet gateway beats and others send ``messages``."""
        self.seq += 1
        self.clock.now = NOW_US + self.seq * 30 * S
        beat = received(EUIS[1], "health", heartbeat(self.seq, at_us=self.clock.now), at_us=self.clock.now)
        self.engine.take([beat, *messages])
        self.engine.cycle()
        return self.engine._feed.latest.network

    def month(self):
        with self.database.read() as connection:
            return load_month(connection, month_of(self.clock.now), DEFAULTS, self.clock.now)


def one_beat(seq, journal_seq, at_us):
    beat = heartbeat(seq, at_us=at_us, journal_seq=journal_seq)
    return received(EUIS[0], "health", beat, at_us=at_us)


def test_a_journal_number_of_two_to_the_forty_is_refused_counted_and_shown(tmp_path):
    """``tests/golden/cases/README.md``, one heartbeat."""
    fleet = Fleet(tmp_path)
    fleet.step([one_beat(1, 3, fleet.clock.now + 30 * S)])
    network = fleet.step([one_beat(2, 2**40, fleet.clock.now + 30 * S)])
    assert network.gateways[EUIS[0]].incoherent
    assert not network.gateways[EUIS[1]].incoherent
    assert network.gateways[EUIS[1]].state is GatewayState.SERVING
    with fleet.database.read() as connection:
        (row,) = connection.execute(select(incoherences)).mappings()
    assert (row["eui"], row["refused"], row["reason"].split(":")[0]) == (EUIS[0], 1, "journal_seq")
    fleet.restart()
    assert fleet.step().gateways[EUIS[0]].incoherent
    fleet.clock.now += INCOHERENT_SHOWN_US
    fleet.seq += INCOHERENT_SHOWN_US // (30 * S)
    assert not fleet.step().gateways[EUIS[0]].incoherent


def test_a_stored_row_that_would_be_refused_today_is_skipped_counted_and_shown(tmp_path):
    fleet = Fleet(tmp_path)
    at_us = fleet.clock.now + 30 * S
    fleet.step([one_beat(1, 3, at_us)])
    run = run_of(EUIS[0], heartbeat(2, at_us=at_us + 30 * S, journal_seq=2**40), at_us + 30 * S)
    bad = [
        store.run_row(run),
        store.run_row(replace(run, boot=8, first_uptime_ms=2**62, last_uptime_ms=2**62)),
        store.run_row(replace(run, boot=9)) | {"radio": 7},
    ]
    with fleet.database.write() as connection:
        connection.execute(insert(heartbeat_runs), bad)
    fleet.restart()
    network = fleet.step()
    assert network.gateways[EUIS[0]].incoherent
    assert network.gateways[EUIS[1]].state is GatewayState.SERVING
    month = fleet.month()
    assert [month.facts.gateways[eui].skipped for eui in EUIS[:2]] == [3, 0]
    assert {run.journal_seq for run in month.facts.gateways[EUIS[0]].runs} == {3}
    reckon(month)


def refused(check, *given):
    try:
        check(*given)
    except Incoherent as error:
        return str(error).split(":")[0]
    return None


@pytest.mark.parametrize(
    ("lasted_ms", "beyond", "name"),
    [(0, 0, None), (0, 1, "journal_seq"), (100_000, 0, None), (100_000, 1, "journal_seq")],
)
def test_a_journal_number_is_bounded_by_what_was_said_before_and_by_time(lasted_ms, beyond, name):
    before = run_of(EUIS[0], heartbeat(10, at_us=NOW_US, journal_seq=40), NOW_US)
    newest = 40 + RECORDS_BURST + lasted_ms * RECORDS_PER_S // 1000 + beyond
    beat = heartbeat(11, at_us=NOW_US, journal_seq=newest, uptime_ms=before.last_uptime_ms + lasted_ms)
    assert refused(check_coherent, beat, before, NOW_US) == name


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"uptime_ms": UPTIME_LIMIT_MS}, None),
        ({"uptime_ms": UPTIME_LIMIT_MS + 1}, "uptime_ms"),
        ({"uptime_ms": -1}, "uptime_ms"),
        ({"interval_s": 0}, "interval_s"),
        ({"seq": -1}, "seq"),
        ({"at_us": 2**62}, "at_us"),
        ({"cpu_percent": 2**50}, "cpu_percent"),
    ],
)
def test_each_number_of_a_heartbeat_has_a_bound_by_name(fields, name):
    beat = msgspec.structs.replace(heartbeat(1), **fields)
    assert refused(check_coherent, beat, None, NOW_US) == name


@pytest.mark.parametrize("kind", list(MessageKind))
def test_a_gateway_may_say_a_burst_and_then_keep_a_pace(kind):
    pace = PACES[kind]
    full = UNUSED.after(((kind, pace.burst),), NOW_US)
    assert refused(full.after, ((kind, 1),), NOW_US + pace.step_us - 1) == kind
    assert refused(full.after, ((kind, 1),), NOW_US + pace.step_us) is None
    assert refused(UNUSED.after, ((kind, pace.burst + 1),), NOW_US) == kind


def test_what_is_refused_costs_nothing_of_any_kind():
    run = ((MessageKind.RUN, PACES[MessageKind.RUN].burst),)
    full = UNUSED.after(run, NOW_US)
    both = ((MessageKind.HEARTBEAT, 1), (MessageKind.RUN, 1))
    assert refused(full.after, both, NOW_US) == MessageKind.RUN
    assert full == UNUSED.after(run, NOW_US)


def test_what_is_beyond_the_pace_is_refused_and_the_gateway_marked_and_quarantined():
    sorter = Sorter({}, set(EUIS), DEFAULTS)
    many = PACES[MessageKind.HEARTBEAT].burst
    rows = sorter.sort(one_beat(seq, 1, NOW_US) for seq in range(1, many + 4))
    assert (len(rows.vitals), len(rows.refused), rows.incoherent[EUIS[0]][0]) == (many, 1, 1)
    assert rows.unheard[EUIS[0]] == (2, NOW_US)
    held = rows.quarantines[EUIS[0]]
    assert (held.budget, held.refused) == (MessageKind.HEARTBEAT, 3)


@pytest.mark.slow
@given(st.integers(0, 2**32))
@settings(
    max_examples=settings.default.max_examples // 20, deadline=None, suppress_health_check=list(HealthCheck)
)
def test_any_thousand_messages_of_one_gateway_change_no_other(tmp_path_factory, seed):
    folder = tmp_path_factory.mktemp("hostile")
    fleet, calm = Fleet(folder), Fleet(tmp_path_factory.mktemp("calm"))
    hostile = Hostile(EUIS[0], seed)
    for _ in range(10):
        at_us = fleet.clock.now + 30 * S
        network = fleet.step([hostile.message(at_us) for _ in range(100)])
        alone = calm.step()
        assert network.gateways[EUIS[1]] == alone.gateways[EUIS[1]]
        assert network.communes["37015"] == alone.communes["37015"]
    held = fleet.engine.state().memory.of(EUIS[0])
    assert len(held.runs) <= PACES[MessageKind.RUN].burst + 10
    assert fleet.engine.health.failures == 0
    reckon(fleet.month())


def fuzz(folder, count, seed):
    """Ingest, engine and month over ``count`` messages; returns how many were let in."""
    fleet, hostile = Fleet(folder), Hostile(EUIS[0], seed)
    fleet.step()
    sent = 0
    while sent < count:
        at_us = fleet.clock.now + 30 * S
        batch = [hostile.message(at_us) for _ in range(500)]
        sent += len(batch)
        assert fleet.step(batch).gateways[EUIS[1]].state is GatewayState.SERVING
    let_in = sent - fleet.engine.health.refused
    assert fleet.engine.health.failures == 0
    fleet.restart()
    assert fleet.step().gateways[EUIS[1]].state is GatewayState.SERVING
    month = fleet.month()
    reckon(month)
    assert month.facts.gateways[EUIS[0]].skipped == 0
    return let_in


@pytest.mark.slow
def test_no_cycle_is_lost_to_ten_thousand_messages(tmp_path):
    assert 0 < fuzz(tmp_path, FUZZED, "make test") < FUZZED


def test_budgets_follow_from_what_an_agent_keeps_and_how_often_it_speaks():
    records, events = 50_000, 100_000
    assert {kind: (pace.burst, pace.step_us) for kind, pace in PACES.items()} == {
        MessageKind.HEARTBEAT: (10 * 60, S // 2),
        MessageKind.RUN: (1_000, 30 * S),
        MessageKind.RECORD: (records, 10 * S),
        MessageKind.EVENT: (events, S),
        MessageKind.OTHER: (600, S),
        MessageKind.BOOT: (200, 10 * S),
        MessageKind.BYTE: (64_000_000, S // 4_000),
        MessageKind.PROCESSOR: ((records + events) * 200, 20),
    }
    assert (records + events) * 400 <= PACES[MessageKind.BYTE].burst
