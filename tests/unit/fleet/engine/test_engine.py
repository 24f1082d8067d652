"""The engine's steps, without its thread: batches, cycles, our own sight, restarts, failures."""

from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from agent.wire.messages import Presence
from fleet.broker.inbox import Inbox
from fleet.configurations.status import statuses
from fleet.db.connect import CommitUnsure
from fleet.engine.cycle import Terms
from fleet.engine.engine import CYCLE_US, Engine
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
        self.last_echo_us = None
        self.last_error = ""
        self.acknowledged = []

    def sing(self, now_us):
        if self.there:
            self.last_echo_us = now_us

    def acknowledge(self, batch):
        self.acknowledged.extend(batch)

    def publish(self, topic, payload, *, retain, done):
        return False


def started(database, clock):
    link = Link(clock)
    terms = Terms(signing=KEY)
    engine = Engine(database=database, link=link, inbox=Inbox(), feed=Feed(), clock=clock, terms=terms)
    engine.state()
    return engine, link


@pytest.fixture
def scene(tmp_path):
    database, clock = founded_database(tmp_path), StandingClock()
    engine, link = started(database, clock)
    return SimpleNamespace(database=database, clock=clock, engine=engine, link=link)


def beat(scene, seq, *euis):
    scene.clock.now = NOW_US + seq * 30 * SECOND
    batch = [
        received(eui, "health", heartbeat(seq, at_us=scene.clock.now), at_us=scene.clock.now)
        for eui in euis or EUIS
    ]
    scene.engine.take(batch)
    scene.engine.cycle()


def network(scene):
    return scene.engine._feed.latest.network


def count_of(scene, name):
    with scene.database.read() as connection:
        return dict(connection.execute(select(counters)).all()).get(name, 0)


def test_a_batch_is_stored_then_acknowledged(scene):
    beat(scene, 1)
    assert len(scene.link.acknowledged) == 3
    assert count_of(scene, "heartbeats") == 3


def test_a_database_that_is_away_acknowledges_nothing(scene, monkeypatch):
    def away(*_):
        raise OperationalError("INSERT", {}, Exception("locked"))

    monkeypatch.setattr(store, "store_batch", away)
    with pytest.raises(OperationalError):
        scene.engine.take([received(EUIS[0], "health", heartbeat())])
    assert scene.link.acknowledged == []


def test_a_message_that_cannot_be_stored_is_refused_alone(scene, monkeypatch):
    good = store.store_batch

    def picky(connection, rows):
        if EUIS[1] in rows.presence:
            raise OverflowError("too large")
        good(connection, rows)

    monkeypatch.setattr(store, "store_batch", picky)
    batch = [received(eui, "presence", Presence(True, 7)) for eui in EUIS]
    scene.engine.take(batch)
    assert len(scene.link.acknowledged) == 3
    with scene.database.read() as connection:
        refused = connection.execute(select(refused_messages)).mappings().all()
    assert [(row["topic"].split("/")[2], "too large" in row["reason"]) for row in refused] == [
        (EUIS[1], True)
    ]
    assert set(scene.engine.state().memory.gateways[EUIS[0]].presence.__struct_fields__) >= {"online"}


def test_a_missing_canary_makes_us_blind_from_the_last_echo_and_its_return_ends_that(scene):
    for seq in (1, 2):
        beat(scene, seq)
    echo_us = scene.link.last_echo_us
    scene.link.there = False
    scene.clock.now = echo_us + CANARY_MISSING_US
    scene.engine.cycle()
    assert network(scene).blind
    scene.clock.now += 200 * SECOND
    scene.engine.cycle()
    assert network(scene).gateways[EUIS[0]].state is GatewayState.UNKNOWN
    assert network(scene).communes["37281"].state is CommuneState.UNKNOWN
    scene.link.there = True
    scene.clock.now += 10 * SECOND
    scene.engine.cycle()
    scene.clock.now += SECOND
    scene.engine.cycle()
    assert not network(scene).blind
    with scene.database.read() as connection:
        (row,) = connection.execute(select(blindness)).mappings().all()
    assert (row["from_at_us"], row["until_at_us"]) == (echo_us, scene.link.last_echo_us)


@pytest.mark.parametrize(("away_us", "rows"), [(RESTART_GAP_US - 1, 0), (RESTART_GAP_US, 1)])
def test_a_restart_after_a_gap_was_blind_from_the_last_cycle(scene, away_us, rows):
    beat(scene, 1)
    last_us = scene.clock.now
    scene.clock.now += away_us
    started(scene.database, scene.clock)
    with scene.database.read() as connection:
        found = connection.execute(select(blindness)).mappings().all()
    assert [row["from_at_us"] for row in found] == [last_us] * rows


def test_a_restart_remembers_what_was_known(scene):
    for seq in (1, 2, 3):
        beat(scene, seq)
    before = network(scene)
    engine, _ = started(scene.database, scene.clock)
    engine.cycle()
    assert engine._feed.latest.network.gateways == before.gateways


def test_a_gateway_accepted_meanwhile_counts_at_the_next_look(scene):
    from fleet.registry.store import accept

    beat(scene, 1)
    assert network(scene).gateways[EUIS[2]].state is GatewayState.OUT
    with scene.database.write() as connection:
        accept(connection, EUIS[2], at_us=scene.clock.now, who="test", now_us=scene.clock.now)
    beat(scene, 2)
    assert network(scene).gateways[EUIS[2]].state is GatewayState.SERVING


def test_a_new_month_begins_a_new_budget(scene):
    beat(scene, 1)
    scene.clock.now = 1_796_079_600_000_000 + CYCLE_US  # 2026-12-01 00:00:01 Paris
    scene.engine.cycle()
    lost = network(scene).communes["37281"]
    assert lost.state is CommuneState.LOST
    month_us = 31 * 86_400 * SECOND
    assert lost.budget_left_us == month_us * 8 // 1000 - CYCLE_US


def test_a_failing_cycle_is_tried_again_and_counted(scene, monkeypatch):
    tries = []

    def work():
        tries.append(1)
        if len(tries) < 2:
            raise RuntimeError("once")

    monkeypatch.setattr("fleet.engine.engine.RETRY_WAIT_S", 0.0)
    scene.engine._supervised(work)
    assert len(tries) == 2
    assert (scene.engine.health.failures, scene.engine.health.last_error) == (1, "RuntimeError: once")


def test_vitals_that_a_heartbeat_does_not_tell_are_kept(scene):
    scene.engine.take([received(EUIS[0], "health", heartbeat(1, temperature_c=41))])
    scene.engine.take([received(EUIS[0], "health", heartbeat(2))])
    assert scene.engine.state().memory.of(EUIS[0]).heartbeat.temperature_c == 41
    with scene.database.read() as connection:
        assert statuses(connection, [EUIS[0]])[EUIS[0]].heartbeat.temperature_c == 41


def test_a_cycle_names_what_changed_since_the_last_one_that_was_committed(scene):
    scene.engine.cycle()
    assert network(scene).changed_gateways is None
    beat(scene, 1)
    assert network(scene).changed_gateways == {EUIS[0], EUIS[1]}
    assert network(scene).changed_communes == {"37281", "37015"}
    beat(scene, 2)
    beat(scene, 3)
    assert network(scene).changed_gateways == network(scene).changed_communes == frozenset()


def test_a_change_that_was_rolled_back_is_named_again(scene):
    scene.engine.cycle()
    scene.clock.now += 30 * SECOND
    scene.link.sing(scene.clock.now)
    scene.engine.take([received(eui, "health", heartbeat(2), at_us=scene.clock.now) for eui in EUIS])
    with broken(scene.database, Fault(fail, before_commit=True)), pytest.raises(CommitUnsure):
        scene.engine.cycle()
    scene.engine.cycle()
    assert network(scene).changed_gateways == {EUIS[0], EUIS[1]}
