"""A day of the engine, step by step, to be broken at every statement: what is asked of it and what it shows.

``day()`` is a batch or a cycle at a time, with everything that makes a step write: vitals, presence, journals
of a boot before, deliveries, sketches, reports, replies, messages that cannot be used, our own blindness, a
lost commune with its ticket and mail, works, an acceptance, a signed version, retention, a new month.
"""

import os
import signal
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import event, insert, select
from sqlalchemy.exc import OperationalError

from agent.wire.configuration import Configuration, ConnectorConfig, FleetConfig
from agent.wire.messages import (
    Change,
    ConfigReported,
    ConfigState,
    Delivered,
    Heard,
    JournalBatch,
    JournalRecord,
    Noted,
    Presence,
    PreviousBoot,
    Reply,
    TimeQuality,
)
from fleet.availability.reckoning import reckon
from fleet.broker.inbox import Inbox
from fleet.broker.received import Received
from fleet.clock import FleetClock
from fleet.configurations.issue import issue_version
from fleet.db.base import metadata
from fleet.db.connect import Database
from fleet.engine.cycle import Terms
from fleet.engine.engine import Engine
from fleet.engine.state import EngineState
from fleet.evidence import facts as evidence
from fleet.evidence.load import load_stored_runs
from fleet.evidence.tables import heartbeat_runs, maintenances
from fleet.facts.model import HeartbeatRun
from fleet.facts.months import month_of
from fleet.facts.runs import follows, join
from fleet.facts.settings import DEFAULTS
from fleet.live.feed import Feed
from fleet.live.memory import GatewayMemory
from fleet.months.inputs import load_month
from fleet.oncall import store as oncall
from fleet.registry.store import accept
from fleet.retention import SWEEP_EVERY_US
from fleet.web.history import from_engine
from tests.unit.fleet.founded import EUIS, NOW_US, StandingClock, founded_database, heartbeat, received

SECOND = 1_000_000
KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
NEW_MONTH_US = 1_796_079_600_000_000
"""2026-12-01 00:00:00 Paris."""


class Broker:
    """A broker that is there or not; it gives again what was not acknowledged."""

    def __init__(self, clock: StandingClock) -> None:
        self.clock = clock
        self.there = True
        self.last_echo_monotonic_us: int | None = None
        self.last_error = ""
        self.epoch = 1
        self.acknowledged: list[Received] = []
        self.published: list[str] = []

    def sing(self, now_us: int) -> None:
        if self.there:
            self.last_echo_monotonic_us = self.clock.monotonic_us()

    def acknowledge(self, batch: list[Received]) -> None:
        self.acknowledged.extend(batch)

    def publish(self, topic: str, payload: bytes, *, retain: bool, done: Callable[[], None]) -> bool:
        self.published.append(topic)
        done()
        return True


@dataclass
class EngineBench:
    """One fleet manager: its rows, its clock, its broker and its engine."""

    database: Database
    clock: StandingClock
    broker: Broker
    feed: Feed = field(default_factory=Feed)
    engine: Engine = field(init=False)
    fleet_clock: FleetClock = field(init=False)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Begin again with what the database holds, as a new process does."""
        self.fleet_clock = FleetClock(self.clock)
        self.engine = Engine(
            database=self.database,
            link=self.broker,  # type: ignore[arg-type]
            inbox=Inbox(),
            feed=self.feed,
            clock=self.fleet_clock,
            terms=Terms(signing=KEY),
        )
        self.engine.state()

    def continue_with(self, database: Database) -> None:
        """Go on with connections of this process's own, and with what the engine knows."""
        self.database = self.engine._database = database


@dataclass(frozen=True)
class Step:
    """What happens before, and the work that may be broken off: a batch, or a cycle."""

    name: str
    work: Callable[[EngineBench], None]
    before: Callable[[EngineBench], None] = lambda bench: later(bench, 2)

    def begin(self, bench: EngineBench) -> None:
        """Let happen what comes before; cycles ran until now."""
        self.before(bench)
        with bench.database.write() as connection:
            evidence.mark(connection, evidence.LAST_CYCLE, bench.fleet_clock.now_us())


def scene_in(folder: Any) -> EngineBench:
    """Return a fleet manager before its day."""
    clock = StandingClock()
    bench = EngineBench(founded_database(folder), clock, Broker(clock))
    with bench.database.write() as connection:
        oncall.import_people(connection, [{"name": "Léa Martin", "email": "lea@example.fr"}])
    return bench


def day(*, steps: bool = True) -> Iterator[Step]:
    """Return the steps of the day, in order; ``steps``: the host's clock steps too, in one process."""
    yield Step("first cycle", cycle)
    yield batch("first heartbeats", 1, lambda at: [beat(eui, 1, at, temperature_c=41) for eui in EUIS])
    yield Step("cycle", cycle)
    yield batch("everything", 2, _everything)
    yield Step("cycle that publishes", cycle, before=_push)
    yield Step("cycle that notes the arrival", cycle)
    yield batch("a batch with what no row takes", 3, _with_refused)
    yield Step("cycle after an acceptance", cycle, before=_accept)
    yield batch("a boot that ended before", 4, _restarted)
    yield Step("cycle with works", cycle, before=_works)
    yield Step("blind", cycle, before=lambda bench: away(bench, 40))
    yield batch("heard again", 6, lambda at: [beat(eui, 6, at) for eui in EUIS])
    yield Step("seeing again", cycle, before=back)
    yield Step("a commune is lost", cycle, before=lambda bench: later(bench, 400))
    yield Step("its ticket goes on", cycle, before=lambda bench: later(bench, 120))
    yield Step("retention", cycle, before=lambda bench: later(bench, SWEEP_EVERY_US // SECOND))
    yield batch("back", None, lambda at: [beat(eui, 500, at, boot=9) for eui in EUIS])
    yield Step("restored", cycle, before=lambda bench: later(bench, 20))
    if steps:
        yield Step("the host's clock steps", cycle, before=_step)
        yield Step("ours follows it", cycle, before=lambda bench: later(bench, 120))
    yield Step("a new month", cycle, before=_new_month)


def cycle(bench: EngineBench) -> None:
    """Run one cycle."""
    bench.engine.cycle()


def batch(name: str, seq: int | None, messages: Callable[[int], list[Received]]) -> Step:
    """Return the step that takes what gateways said at heartbeat ``seq``."""

    def before(bench: EngineBench) -> None:
        if seq is not None:
            bench.clock.now = max(bench.clock.now, NOW_US + seq * 30 * SECOND)

    return Step(name, lambda bench: bench.engine.take(messages(bench.clock.now)), before)


def beat(eui: str, seq: int, at_us: int, **fields: Any) -> Received:
    """Return one heartbeat."""
    return received(eui, "health", heartbeat(seq, at_us=at_us, **fields), at_us=at_us)


def later(bench: EngineBench, seconds: int) -> None:
    """Let time pass."""
    bench.clock.now += seconds * SECOND
    bench.broker.sing(bench.clock.now)


def away(bench: EngineBench, seconds: int) -> None:
    """Let the broker be away."""
    bench.broker.there, bench.broker.last_error = False, "connection refused"
    bench.clock.now += seconds * SECOND


def back(bench: EngineBench) -> None:
    """Let the broker be there again."""
    bench.broker.there, bench.broker.last_error = True, ""
    bench.broker.sing(bench.clock.now)


def _everything(at: int) -> list[Received]:
    one, other, third = EUIS
    down = JournalRecord(7, 2, 61_000, at, TimeQuality.NTP, Change.POWER, "mains", "DOWN", "cut")
    reported = ConfigReported(
        version=1, sha256="a" * 64, state=ConfigState.CONFIRMED, seen_version=1, reason=""
    )
    return [
        beat(one, 2, at, cpu_percent=7, journal_seq=2),
        beat(other, 2, at),
        received(one, "presence", Presence(True, 7), at_us=at),
        received(other, "presence", Presence(False, 7), at_us=at),
        received(one, "journal", JournalBatch((down,)), at_us=at),
        received(one, "event", Delivered(7, 1, "lns", at - SECOND, at, at, 3, {"expired": 1}), at_us=at),
        received(one, "event", Noted(7, 2, at, "radio_restarted", {"count": 1}), at_us=at),
        received(one, "event", Heard("2026-11-18", "26011f2e", 1, 3, -90, 7.5, 7), at_us=at),
        received(one, "config/reported", reported, at_us=at),
        received(one, "reply/command-1", Reply("command-1", True, "done"), at_us=at),
        received(third, "health", b"not MessagePack", at_us=at),
    ]


def _with_refused(at: int) -> list[Received]:
    return [
        beat(EUIS[0], 3, at, temperature_c=43, journal_seq=2),
        received(EUIS[1], "presence", Presence(True, 2**63), at_us=at),
        received("ffffffffffffffff", "health", heartbeat(1), at_us=at),
        beat(EUIS[1], 3, at),
        beat(EUIS[2], 3, at),
    ]


def _restarted(at: int) -> list[Received]:
    previous = PreviousBoot(7, 95_000, at - 25 * SECOND, TimeQuality.NTP, False, 2)
    boot = JournalRecord(
        8, 1, 0, at - 10 * SECOND, TimeQuality.NTP, Change.BOOT, "", "", "power", None, previous
    )
    return [
        received(EUIS[0], "journal", JournalBatch((boot,)), at_us=at),
        beat(EUIS[0], 1, at, boot=8, uptime_ms=10_000, journal_seq=1),
        beat(EUIS[1], 4, at),
        beat(EUIS[2], 4, at),
    ]


def _push(bench: EngineBench) -> None:
    later(bench, 2)
    lns = ConnectorConfig(name="lns", host="lns.example", port=1700, contractual=True)
    configuration = Configuration(connectors=(lns,), fleet=FleetConfig(host="fleet.example", port=8883))
    with bench.database.write() as connection:
        issue_version(
            connection, KEY, eui=EUIS[0], configuration=configuration, who="anne", now_us=bench.clock.now
        )


def _accept(bench: EngineBench) -> None:
    later(bench, 2)
    with bench.database.write() as connection:
        accept(connection, EUIS[2], at_us=bench.clock.now, who="test", now_us=bench.clock.now)


def _works(bench: EngineBench) -> None:
    later(bench, 2)
    now_us = bench.clock.now
    row = {
        "euis": [EUIS[2]],
        "from_at_us": now_us - SECOND,
        "until_at_us": now_us + 600 * SECOND,
        "announced_at_us": now_us - 80 * 3600 * SECOND,
        "approved_by": "anne",
        "reason": "antenna",
        "recorded_at_us": now_us,
    }
    with bench.database.write() as connection:
        connection.execute(insert(maintenances).values(row))


def _step(bench: EngineBench) -> None:
    bench.clock.step(3600 * SECOND)


def _new_month(bench: EngineBench) -> None:
    bench.clock.now = NEW_MONTH_US + SECOND


# --- what a step shows ------------------------------------------------------------------------------------
def rows(bench: EngineBench) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table, runs as if no process had begun between them."""
    with bench.database.read() as connection:
        found: dict[str, list[Any]] = {
            name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
            for name, table in metadata.tables.items()
        }
        runs = list(load_stored_runs(connection, select(heartbeat_runs)))
    return found | {"heartbeat_runs": joined(runs)}


def joined(runs: Sequence[HeartbeatRun]) -> list[HeartbeatRun]:
    """Return the runs with those made one that say the same without a gap: a new process begins new ones."""
    found: list[HeartbeatRun] = []
    for run in sorted(runs, key=lambda one: (one.eui, one.boot, one.first_seq)):
        if found and found[-1].boot == run.boot and follows(found[-1], run):
            found[-1] = join(found[-1], run)
        else:
            found.append(run)
    return found


def committed_version(bench: EngineBench) -> Callable[[], int]:
    """Return what tells a number that changes with each commit of anybody (sqlite.org/pragma.html)."""
    watching = sqlite3.connect(str(bench.database.engine.url.database))
    return lambda: int(watching.execute("PRAGMA data_version").fetchone()[0])


def pages(bench: EngineBench) -> SimpleNamespace:
    """Return what pages show, and the month as the evidence in the database gives it."""
    latest, timelines = bench.feed.latest, bench.engine.timelines
    with bench.database.read() as connection:
        past = None if timelines is None else from_engine(connection, DEFAULTS, timelines)
        now_us = bench.fleet_clock.now_us()
        month = reckon(load_month(connection, month_of(now_us), DEFAULTS, now_us))
    network = None if latest is None else latest.network
    return SimpleNamespace(network=network, past=past, month=month)


def facts(state: EngineState) -> dict[str, Any]:
    """Return what is remembered of the rows."""
    return {
        "memory": {eui: _ordered(one) for eui, one in state.memory.gateways.items() if one.runs},
        "registry": state.registry,
        "sight": state.sight,
        "month": (state.month, state.from_us),
    }


def _ordered(known: GatewayMemory) -> GatewayMemory:
    return replace(
        known,
        past_runs={(run.boot, run.first_seq): run for run in joined(known.runs)},
        newest_run=None,
        journal=dict(sorted(known.journal.items())),
        commissioning=(),
        maintenances=(),
        statements=(),
    )


def view(state: EngineState) -> dict[str, Any]:
    """Return what was computed of it."""
    return {
        "entries": {
            eui: (one.known.line, one.known.span, one.now) for eui, one in state.view.entries.items()
        },
        "communes": dict(state.view.reckoned),
    }


# --- faults -------------------------------------------------------------------------------------------------
class Away(sqlite3.OperationalError):
    """The database is away."""


@dataclass
class Fault:
    """Strikes once: at the ``at``-th statement, before the first write is committed, or right after it.

    Once something is committed it strikes no more.
    """

    strike: Callable[[], None] = lambda: None
    at: int = 0
    before_commit: bool = False
    after_commit: bool = False
    """The database has committed, and whoever asked for it does not know."""
    after_all: bool = False
    """Strike at the first statement after the first write was committed."""
    seen: int = 0
    struck: bool = False
    committed: bool = False

    def statement(self, *_: Any) -> None:
        self.seen += 1
        if (self.seen == self.at and not self.committed) or (self.after_all and self.committed):
            self.struck = True
            self.strike()

    def commit(self, connection: Any) -> None:
        if connection.get_execution_options().get("passerelle_begin") != "IMMEDIATE" or self.committed:
            return
        self.struck = self.struck or self.before_commit or self.after_commit
        if self.before_commit:
            self.strike()
        self.committed = True
        if self.after_commit:
            connection.connection.driver_connection.execute("COMMIT")
            self.strike()


@contextmanager
def broken(database: Any, fault: Fault) -> Iterator[Fault]:
    """Break what runs inside as ``fault`` says."""
    event.listen(database.engine, "before_cursor_execute", fault.statement)
    event.listen(database.engine, "commit", fault.commit)
    try:
        yield fault
    finally:
        event.remove(database.engine, "before_cursor_execute", fault.statement)
        event.remove(database.engine, "commit", fault.commit)


def fail() -> None:
    """Fail as a database that is away does."""
    raise OperationalError("crash point", {}, Away("the database is away"))


def die() -> None:
    """End this process as a power cut does."""
    os.kill(os.getpid(), signal.SIGKILL)
