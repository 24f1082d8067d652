"""The engine's steps, without its thread: batches, cycles, our own sight, restarts, failures."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import event, select
from sqlalchemy.exc import DatabaseError, OperationalError

from agent.wire.messages import Presence
from fleet.broker.inbox import Inbox
from fleet.clock import FleetClock
from fleet.configurations.status import statuses
from fleet.db.connect import CommitUnsure, is_database_trouble
from fleet.engine.cycle import Terms
from fleet.engine.engine import CYCLE_US, REST_LEAST_US, REST_LIMIT_US, Engine, Rhythm
from fleet.evidence import store
from fleet.evidence.blindness import CANARY_MISSING_US, RESTART_GAP_US
from fleet.evidence.tables import blindness, counters, refused_messages
from fleet.facts.states import CommuneState, GatewayState
from fleet.live.feed import Feed
from tests.unit.fleet.engine.crash_points import Fault, broken, fail
from tests.unit.fleet.founded import EUIS, NOW_US, StandingClock, founded_database, heartbeat, received

SECOND = 1_000_000
KEY = Ed25519PrivateKey.generate()


class Link:
    """A broker whose canary comes back at once while ``there``."""

    def __init__(self, clock):
        self.clock = clock
        self.there = True
        self.last_echo_monotonic_us = None
        self.last_error = ""
        self.epoch = 1
        self.acknowledged = []

    def sing(self, now_us):
        if self.there:
            self.last_echo_monotonic_us = self.clock.monotonic_us()

    def acknowledge(self, batch):
        self.acknowledged.extend(batch)

    def publish(self, topic, payload, *, retain, done):
        return False


def started(database, clock, inbox=None):
    link = Link(clock)
    terms = Terms(signing=KEY)
    engine = Engine(
        database=database,
        link=link,
        inbox=inbox or Inbox(),
        feed=Feed(),
        clock=FleetClock(clock),
        terms=terms,
    )
    engine.state()
    return engine, link


@pytest.fixture
def bench(tmp_path):
    database, clock = founded_database(tmp_path), StandingClock()
    inbox = Inbox()
    engine, link = started(database, clock, inbox)
    return SimpleNamespace(database=database, clock=clock, engine=engine, link=link, inbox=inbox)


def beat(bench, seq, *euis):
    bench.clock.now = NOW_US + seq * 30 * SECOND
    batch = [
        received(eui, "health", heartbeat(seq, at_us=bench.clock.now), at_us=bench.clock.now)
        for eui in euis or EUIS
    ]
    bench.engine.take(batch)
    bench.engine.cycle()


def network(bench):
    return bench.engine._feed.latest.network


def count_of(bench, name):
    with bench.database.read() as connection:
        return dict(connection.execute(select(counters)).all()).get(name, 0)


def test_a_batch_is_stored_then_acknowledged(bench):
    beat(bench, 1)
    assert len(bench.link.acknowledged) == 3
    assert count_of(bench, "heartbeats") == 3


def test_a_database_that_is_away_acknowledges_nothing(bench, monkeypatch):
    def away(*_):
        raise OperationalError("INSERT", {}, Exception("locked"))

    monkeypatch.setattr(store, "store_batch", away)
    with pytest.raises(OperationalError):
        bench.engine.take([received(EUIS[0], "health", heartbeat())])
    assert bench.link.acknowledged == []


def test_a_torn_database_acknowledges_and_refuses_nothing(bench):
    beat(bench, 1)
    came, sent = bench.engine.health.messages, list(bench.link.acknowledged)
    with bench.database.read() as connection:
        page = connection.exec_driver_sql("SELECT rootpage FROM sqlite_master WHERE name='latest'").scalar()
        size = connection.exec_driver_sql("PRAGMA page_size").scalar()
    bench.database.close()  # the last connection brings its log into the file
    with Path(bench.database.url.removeprefix("sqlite:///")).open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)
    with pytest.raises(DatabaseError, match="malformed") as torn:
        beat(bench, 2)
    assert is_database_trouble(torn.value)
    assert (bench.engine.health.messages, bench.link.acknowledged) == (came, sent)
    with bench.database.read() as connection:
        assert connection.execute(select(refused_messages)).all() == []


def test_a_read_only_disk_acknowledges_and_refuses_nothing_and_all_is_stored_afterwards(bench):
    def read_only(connection, _record):
        connection.execute("PRAGMA query_only=ON")

    beat(bench, 1)
    sent = list(bench.link.acknowledged)
    event.listen(bench.database.engine, "connect", read_only)
    bench.database.close()
    with pytest.raises(OperationalError, match="readonly"):
        beat(bench, 2)
    assert bench.link.acknowledged == sent
    event.remove(bench.database.engine, "connect", read_only)
    bench.database.close()
    beat(bench, 2)
    assert len(bench.link.acknowledged) == 2 * len(sent)
    with bench.database.read() as connection:
        assert connection.execute(select(refused_messages)).all() == []


def test_a_message_that_cannot_be_stored_is_refused_alone(bench, monkeypatch):
    good = store.store_batch

    def picky(connection, rows, measured):
        if EUIS[1] in rows.presence:
            raise OverflowError("too large")
        good(connection, rows, measured)

    monkeypatch.setattr(store, "store_batch", picky)
    batch = [received(eui, "presence", Presence(True, 7)) for eui in EUIS]
    bench.engine.take(batch)
    assert len(bench.link.acknowledged) == 3
    with bench.database.read() as connection:
        refused = connection.execute(select(refused_messages)).mappings().all()
    assert [(row["topic"].split("/")[2], "too large" in row["reason"]) for row in refused] == [
        (EUIS[1], True)
    ]
    assert set(bench.engine.state().memory.gateways[EUIS[0]].presence.__struct_fields__) >= {"online"}


def test_a_missing_canary_makes_us_blind_from_the_last_echo_and_its_return_ends_that(bench):
    for seq in (1, 2):
        beat(bench, seq)
    echo_us = bench.link.last_echo_monotonic_us
    bench.link.there = False
    bench.clock.now = echo_us + CANARY_MISSING_US
    bench.engine.cycle()
    assert network(bench).blind
    bench.clock.now += 200 * SECOND
    bench.engine.cycle()
    assert network(bench).gateways[EUIS[0]].state is GatewayState.UNKNOWN
    assert network(bench).communes["37281"].state is CommuneState.UNKNOWN
    bench.link.there = True
    bench.clock.now += 10 * SECOND
    bench.engine.cycle()
    bench.clock.now += SECOND
    bench.engine.cycle()
    assert not network(bench).blind
    with bench.database.read() as connection:
        (row,) = connection.execute(select(blindness)).mappings().all()
    assert (row["from_at_us"], row["until_at_us"]) == (echo_us, bench.link.last_echo_monotonic_us)


@pytest.mark.parametrize(("away_us", "rows"), [(RESTART_GAP_US - 1, 0), (RESTART_GAP_US, 1)])
def test_a_restart_after_a_gap_was_blind_from_the_last_cycle(bench, away_us, rows):
    beat(bench, 1)
    last_us = bench.clock.now
    bench.clock.now += away_us
    started(bench.database, bench.clock)
    with bench.database.read() as connection:
        found = connection.execute(select(blindness)).mappings().all()
    assert [row["from_at_us"] for row in found] == [last_us] * rows


def test_a_restart_remembers_what_was_known(bench):
    for seq in (1, 2, 3):
        beat(bench, seq)
    before = network(bench)
    engine, _ = started(bench.database, bench.clock)
    engine.cycle()
    assert engine._feed.latest.network.gateways == before.gateways


def test_a_gateway_accepted_meanwhile_counts_at_the_next_look(bench):
    from fleet.registry.store import accept

    beat(bench, 1)
    assert network(bench).gateways[EUIS[2]].state is GatewayState.OUT
    with bench.database.write() as connection:
        accept(connection, EUIS[2], at_us=bench.clock.now, who="test", now_us=bench.clock.now)
    beat(bench, 2)
    assert network(bench).gateways[EUIS[2]].state is GatewayState.SERVING


def test_a_new_month_begins_a_new_budget(bench):
    beat(bench, 1)
    bench.clock.now = 1_796_079_600_000_000 + CYCLE_US  # 2026-12-01 00:00:01 Paris
    bench.engine.cycle()
    lost = network(bench).communes["37281"]
    assert lost.state is CommuneState.LOST
    month_us = 31 * 86_400 * SECOND
    assert lost.budget_left_us == month_us * 8 // 1000 - CYCLE_US


def test_a_failing_cycle_is_tried_again_and_counted(bench, monkeypatch):
    tries = []

    def work():
        tries.append(1)
        if len(tries) < 2:
            raise RuntimeError("once")

    monkeypatch.setattr("fleet.engine.engine.RETRY_WAIT_S", 0.0)
    bench.engine._supervised(work)
    assert len(tries) == 2
    assert (bench.engine.health.failures, bench.engine.health.last_error) == (1, "RuntimeError: once")


def test_vitals_that_a_heartbeat_does_not_tell_are_kept(bench):
    bench.engine.take([received(EUIS[0], "health", heartbeat(1, temperature_c=41))])
    bench.engine.take([received(EUIS[0], "health", heartbeat(2))])
    assert bench.engine.state().memory.of(EUIS[0]).heartbeat.temperature_c == 41
    with bench.database.read() as connection:
        assert statuses(connection, [EUIS[0]])[EUIS[0]].heartbeat.temperature_c == 41


def test_a_cycle_names_what_changed_since_the_last_one_that_was_committed(bench):
    bench.engine.cycle()
    assert network(bench).changed_gateways is None
    beat(bench, 1)
    assert network(bench).changed_gateways == {EUIS[0], EUIS[1]}
    assert network(bench).changed_communes == {"37281", "37015"}
    beat(bench, 2)
    beat(bench, 3)
    assert network(bench).changed_gateways == network(bench).changed_communes == frozenset()


def test_a_change_that_was_rolled_back_is_named_again(bench):
    bench.engine.cycle()
    bench.clock.now += 30 * SECOND
    bench.link.sing(bench.clock.now)
    bench.engine.take([received(eui, "health", heartbeat(2), at_us=bench.clock.now) for eui in EUIS])
    with broken(bench.database, Fault(fail, before_commit=True)), pytest.raises(CommitUnsure):
        bench.engine.cycle()
    bench.engine.cycle()
    assert network(bench).changed_gateways == {EUIS[0], EUIS[1]}


@pytest.mark.parametrize(
    ("took_us", "waiting", "next_us"),
    [
        (100_000, 0, CYCLE_US),
        (100_000, 5, CYCLE_US),
        (300_000, 0, CYCLE_US),
        (300_000, 1, 1_200_000),
        (900_000, 0, 900_000 + REST_LEAST_US),
        (900_000, 1, 900_000 + 2_700_000),
        (5_000_000, 0, 5_000_000 + REST_LEAST_US),
        (5_000_000, 1, 5_000_000 + REST_LIMIT_US),
    ],
)
def test_messages_that_wait_go_before_the_next_cycle_for_a_bounded_time(took_us, waiting, next_us):
    """A cycle that began at 0 is followed by the next at ``next_us``."""
    rhythm = Rhythm(due_us=0).after(0, took_us)
    assert not rhythm.is_due(next_us - 1, waiting)
    assert rhythm.is_due(next_us, waiting)


def test_late_cycles_are_not_made_up_for():
    rhythm = Rhythm(due_us=0).after(10 * CYCLE_US, 10 * CYCLE_US + 1)
    assert rhythm.due_us == 10 * CYCLE_US + 1 + REST_LEAST_US
    assert rhythm.after(rhythm.due_us, rhythm.due_us + 1).due_us == rhythm.due_us + CYCLE_US
