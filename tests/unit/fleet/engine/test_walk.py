"""The way of one heartbeat through the fleet: a line of few modules, none entered again.

A *stay* begins when a named function of a module of ``fleet`` is called while the call before it was to
another module.  A *return* is a stay in a module that was left before.  Building a value, the end of a
context manager and coming back to a caller are no calls; a comprehension is part of its function.
"""

import sys
import types
from collections.abc import Callable
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.wire.messages import Radio
from fleet.broker.address import Broker
from fleet.broker.inbox import Inbox
from fleet.broker.link import BrokerLink
from fleet.clock import FleetClock
from fleet.engine.cycle import Terms
from fleet.engine.engine import Engine
from fleet.live.feed import Feed
from tests.unit.fleet.founded import EUIS, NOW_US, StandingClock, founded_database, heartbeat, received

ROOT = Path(__file__).parents[4]
STAYS_LIMIT = 12
INTERVAL_US = 30_000_000
GENERATED = "__create_fn__"
"""What ``dataclasses`` names the methods that it makes."""


def walk(work: Callable[[], object], package: str = "fleet") -> list[str]:
    """Return the modules of ``package`` in which ``work`` stays, in order."""
    called: list[str] = []
    seen: set[types.FrameType] = set()

    def note(frame: types.FrameType, event: str, _argument: object) -> None:
        module, code = frame.f_globals.get("__name__", ""), frame.f_code
        if event != "call" or not module.startswith(f"{package}.") or frame in seen:
            return
        seen.add(frame)
        if not code.co_name.startswith("<") and not code.co_qualname.startswith(GENERATED):
            called.append(module)

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return [module for module, _ in groupby(called)]


@pytest.fixture
def clock():
    return StandingClock()


@pytest.fixture
def engine(tmp_path, clock):
    database, inbox, terms = founded_database(tmp_path), Inbox(), Terms(signing=Ed25519PrivateKey.generate())
    ours = FleetClock(clock)
    link = BrokerLink(Broker(host="127.0.0.1", port=1, tls=False), tmp_path, inbox, ours)
    engine = Engine(database=database, link=link, inbox=inbox, feed=Feed(), clock=ours, terms=terms)
    yield engine
    database.close()


def way(engine: Engine, clock: StandingClock, seq: int, **fields: object) -> list[str]:
    """Return the stays of one heartbeat that the engine takes."""
    clock.now = NOW_US + seq * INTERVAL_US
    message = received(EUIS[0], "health", heartbeat(seq, at_us=clock.now, **fields), at_us=clock.now)
    batch = [replace(message, monotonic_us=clock.monotonic_us())]
    stays = walk(lambda: engine.take(batch))
    assert engine.health.refused == 0
    return stays


LINE = [
    "fleet.engine.engine",
    "fleet.db.connect",
    "fleet.engine.cycle",
    "fleet.evidence.ingest",
    "fleet.evidence.coherence",
    "fleet.facts.runs",
    "fleet.evidence.allowance",
    "fleet.evidence.vitals",
    "fleet.evidence.store",
    "fleet.db.upsert",
    "fleet.live.memory",
    "fleet.broker.link",
]

STORED = LINE.index("fleet.db.upsert") + 1
SETTLED = [
    *("fleet.evidence.acknowledgement", "fleet.evidence.boots", "fleet.evidence.acknowledgement"),
    "fleet.db.upsert",
]
"""Behind the store: how far the journal is settled that a heartbeat is the first to speak of."""


def test_the_way_of_a_heartbeat_is_a_line(engine, clock):
    for seq in (1, 2):
        way(engine, clock, seq)
    assert way(engine, clock, 3) == LINE
    assert len(LINE) == len(set(LINE)) <= STAYS_LIMIT


def test_the_document_shows_the_line():
    section = (
        (ROOT / "docs" / "architecture.md")
        .read_text(encoding="utf-8")
        .partition("## The way of a heartbeat")[2]
    )
    block = next(part for part in section.split("\n\n") if part.startswith("    engine.engine"))
    assert [f"fleet.{name.strip()}" for name in block.split("→")] == LINE


def test_the_way_is_the_same_when_it_says_something_else_or_measured_something(engine, clock):
    for seq in (1, 2):
        way(engine, clock, seq)
    assert way(engine, clock, 3, radio=Radio.DEAF, temperature_c=40) == LINE
    assert way(engine, clock, 4, radio=Radio.DEAF, temperature_c=41) == LINE
    assert way(engine, clock, 4, radio=Radio.DEAF) == LINE  # the same again


def test_the_first_heartbeat_of_a_boot_compares_the_memory_with_the_store(engine, clock):
    way(engine, clock, 1)
    compared = ["fleet.live.restore", "fleet.evidence.boots", "fleet.live.memory"]
    assert way(engine, clock, 2, boot=8) == [*LINE[:STORED], *SETTLED, *LINE[STORED:-1], *compared, LINE[-1]]


def test_a_heartbeat_that_speaks_of_a_new_record_goes_by_what_is_settled(engine, clock):
    way(engine, clock, 1, journal_seq=1)
    assert way(engine, clock, 2, journal_seq=2) == [*LINE[:STORED], *SETTLED, *LINE[STORED:]]


def test_the_measure_finds_a_return():
    def module(name: str, source: str) -> types.ModuleType:
        made = types.ModuleType(name)
        exec(source, made.__dict__)
        return made

    a = module("made.a", "def step(): pass\n\ndef stay(): step()")
    b = module("made.b", "def step(a): a.step(); [x for x in (1,)]")

    def work() -> None:
        a.stay()
        b.step(a)
        b.step(a)

    assert walk(work, "made") == ["made.a", "made.b", "made.a", "made.b", "made.a"]
