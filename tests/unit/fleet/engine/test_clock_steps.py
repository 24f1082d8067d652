"""The host's clock steps by seconds to years, either way: cycles go on, and evidence stands on one timeline.

``Host`` is a clock that may be wrong; ``truth`` is UTC as the gateways have it.
"""

from dataclasses import dataclass, field
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import insert, select

from agent.wire.messages import TimeQuality
from fleet.availability.reckoning import reckon
from fleet.broker.inbox import Inbox
from fleet.broker.received import Received
from fleet.clock import FleetClock
from fleet.db.base import metadata
from fleet.db.connect import CommitUnsure, Database
from fleet.db.schema import load_tables
from fleet.durations import DAY_US, HOUR_US, SECOND_US
from fleet.engine.cycle import Terms
from fleet.engine.engine import Engine
from fleet.engine.redate import DATED, DUE
from fleet.evidence.clock_events import ClockChange, newest_events
from fleet.evidence.tables import blindness, heard
from fleet.evidence.timekeeping import ClockQuality
from fleet.facts.months import month_of
from fleet.facts.settings import DEFAULTS
from fleet.facts.states import CommuneState, GatewayState
from fleet.live.feed import Feed
from fleet.months.inputs import load_month
from fleet.registry.store import accept
from fleet.tickets import timers
from tests.unit.fleet.engine.crash_points import Broker, Fault, broken, fail
from tests.unit.fleet.founded import EUIS, NOW_US, StandingClock, founded_database, heartbeat, received

pytestmark = pytest.mark.slow
KEY = Ed25519PrivateKey.generate()
YEAR = 365 * DAY_US
STEPS = [-56 * YEAR, -HOUR_US, -3 * SECOND_US, 3 * SECOND_US, HOUR_US, 74 * YEAR]
BEAT_S, CYCLE_S = 30, 10


@dataclass
class World:
    """One fleet manager, its host's clock, and gateways that know UTC or do not."""

    database: Database
    host: StandingClock
    error_us: int = 0
    """How far the host's clock is ahead of the truth."""
    quality: TimeQuality = TimeQuality.NTP
    silent: set[str] = field(default_factory=set)
    seq: int = 0
    engine: Engine = field(init=False)
    feed: Feed = field(default_factory=Feed)

    def __post_init__(self) -> None:
        self.broker = Broker(self.host)
        self.start()

    @property
    def truth_us(self) -> int:
        return self.host.now - self.error_us

    @property
    def network(self) -> Any:
        latest = self.feed.latest
        assert latest is not None
        return latest.network

    def start(self) -> None:
        """Begin a process."""
        self.clock = FleetClock(self.host)
        self.inbox = Inbox()
        self.engine = Engine(
            database=self.database,
            link=self.broker,  # type: ignore[arg-type]
            inbox=self.inbox,
            feed=self.feed,
            clock=self.clock,
            terms=Terms(signing=KEY),
        )
        self.engine.state()

    def step(self, by_us: int) -> None:
        """Let the host's clock step."""
        self.host.step(by_us)
        self.error_us += by_us

    def message(self, eui: str) -> Received:
        """Return one heartbeat as the MQTT thread gives it."""
        beat = heartbeat(self.seq, at_us=self.truth_us, time_quality=self.quality)
        plain = received(eui, "health", beat, at_us=self.clock.now_us())
        return Received(
            topic=plain.topic,
            payload=plain.payload,
            retained=False,
            received_at_us=plain.received_at_us,
            monotonic_us=self.clock.monotonic_us(),
        )

    def run(self, seconds: int) -> None:
        """Let time pass with a cycle every ``CYCLE_S`` and a heartbeat of each gateway in thirty."""
        assert seconds % CYCLE_S == 0
        for _ in range(seconds // CYCLE_S):
            self.host.now += CYCLE_S * SECOND_US
            if self.host.monotonic_us() // SECOND_US % BEAT_S == 0:
                self.seq += 1
                self.engine.take([self.message(eui) for eui in EUIS if eui not in self.silent])
            self.engine.cycle()

    def qualities(self) -> list[ClockQuality]:
        with self.database.read() as connection:
            return [event.quality for event in reversed(newest_events(connection))]

    def followed(self) -> list[tuple[int, int | None]]:
        with self.database.read() as connection:
            events = reversed(newest_events(connection))
        return [(one.shift_us, one.from_us) for one in events if one.change is ClockChange.FOLLOWED]

    def figures(self) -> Any:
        """Return the month as the evidence gives it, from acceptance to the last heartbeat of all."""
        now_us = self.clock.now_us()
        with self.database.read() as connection:
            return reckon(load_month(connection, month_of(now_us), DEFAULTS, now_us))


def world(folder: Any, error_us: int = 0, **fields: Any) -> World:
    """Return a world that begins at NOW_US by the truth, the three gateways accepted."""
    database = founded_database(folder, NOW_US)
    with database.write() as connection:
        accept(connection, EUIS[2], at_us=NOW_US, who="test", now_us=NOW_US)
    host = StandingClock(NOW_US)
    host.step(error_us)
    return World(database, host, error_us, **fields)


def undisturbed(folder: Any, seconds: int) -> Any:
    """Return the month of a host whose clock is right."""
    right = world(folder)
    right.run(seconds)
    return right.figures()


@pytest.mark.parametrize("by_us", STEPS)
def test_where_gateways_agree_with_us_a_step_changes_no_figure(tmp_path, tmp_path_factory, by_us):
    mine = world(tmp_path)
    mine.run(100)
    mine.step(by_us)
    mine.run(200)
    assert mine.engine.health.cycles == 300 // CYCLE_S
    assert mine.engine.health.clock is ClockQuality.HELD
    assert mine.qualities() == [ClockQuality.HOST, ClockQuality.AGREED, ClockQuality.HELD]
    assert mine.followed() == []
    assert mine.figures() == undisturbed(tmp_path_factory.mktemp("right"), 300)
    mine.step(-by_us)
    mine.run(CYCLE_S)
    assert mine.engine.health.clock is ClockQuality.AGREED


@pytest.mark.parametrize("by_us", STEPS)
@pytest.mark.parametrize("quality", [TimeQuality.NTP, TimeQuality.UNTRUSTED])
def test_silence_is_noticed_after_ninety_seconds_whatever_the_host_says(tmp_path, by_us, quality):
    mine = world(tmp_path, quality=quality)
    mine.run(700)
    mine.silent = {EUIS[0]}
    mine.step(by_us)
    last_us = mine.engine.state().memory.of(EUIS[0]).newest_run.last_at_us
    mine.run(50)
    assert mine.network.gateways[EUIS[0]].state is GatewayState.SERVING
    mine.run(50 if by_us < 0 or quality is TimeQuality.NTP else 250)
    lost = mine.network.gateways[EUIS[0]]
    assert lost.state in (GatewayState.DOWN, GatewayState.UNKNOWN)
    if by_us < 0 or quality is TimeQuality.NTP:
        assert (lost.state, lost.since_us) == (GatewayState.DOWN, last_us)
    assert mine.network.gateways[EUIS[1]].state is GatewayState.SERVING
    assert mine.engine.health.cycles >= 800 // CYCLE_S


@pytest.mark.parametrize("error_us", [-20 * 60 * SECOND_US, 7 * SECOND_US, HOUR_US, 74 * YEAR])
@pytest.mark.parametrize("quality", [TimeQuality.NTP, TimeQuality.UNTRUSTED])
def test_a_host_that_learns_the_time_after_we_began_leaves_the_figures_of_one_that_knew_it(
    tmp_path, tmp_path_factory, error_us, quality
):
    """A power cut, a battery that is flat, and NTP minutes later: what we dated moves to where it belongs."""
    mine = world(tmp_path, error_us, quality=quality)
    mine.run(200)
    mine.step(-error_us)
    mine.run(200)
    assert [shift_us for shift_us, _ in mine.followed()] == [-error_us]
    assert mine.clock.now_us() == mine.truth_us
    right = world(tmp_path_factory.mktemp("right"), quality=quality)
    right.run(400)
    assert mine.figures().lines == right.figures().lines
    assert mine.network.gateways == right.network.gateways


def test_what_a_clock_leaps_over_is_our_blindness_and_no_outage(tmp_path):
    mine = world(tmp_path, quality=TimeQuality.UNTRUSTED)
    mine.run(700)
    mine.step(HOUR_US)
    mine.run(120)
    ((shift_us, from_us),) = mine.followed()
    assert (shift_us, from_us) == (HOUR_US, NOW_US + (700 + CYCLE_S) * SECOND_US)
    with mine.database.read() as connection:
        rows = connection.execute(select(blindness).where(blindness.c.path == "clock")).all()
    silent_us = DEFAULTS.silence_confirmed_us
    assert [(row.from_at_us, row.until_at_us) for row in rows] == [(from_us - silent_us, from_us + HOUR_US)]
    by_state = mine.figures().commune_figures["37281"].by_state_us
    assert by_state[CommuneState.UNKNOWN] > HOUR_US - 60 * SECOND_US
    assert by_state[CommuneState.LOST] <= BEAT_S * SECOND_US, "until the first heartbeat of all"


def test_a_message_that_waited_while_our_clock_moved_is_dated_by_the_new_one(tmp_path):
    mine = world(tmp_path, HOUR_US)
    mine.run(200)
    mine.step(-HOUR_US)
    waiting = mine.message(EUIS[0])
    mine.run(CYCLE_S)
    assert mine.followed() == [(-HOUR_US, NOW_US + HOUR_US)]
    mine.seq += 1
    mine.engine.take([waiting])
    assert mine.engine.state().memory.of(EUIS[0]).heartbeat_at_us == mine.truth_us - CYCLE_S * SECOND_US


@pytest.mark.parametrize("back_us", [HOUR_US, 56 * YEAR])
def test_a_restart_never_goes_back_before_our_own_past(tmp_path, back_us):
    mine = world(tmp_path)
    mine.run(100)
    last_us = mine.clock.now_us()
    mine.step(-back_us)
    mine.quality = TimeQuality.UNTRUSTED
    mine.start()
    mine.run(120)
    assert mine.clock.now_us() == last_us + 120 * SECOND_US
    assert mine.engine.health.clock is ClockQuality.HELD
    assert mine.network.gateways[EUIS[0]].state is GatewayState.SERVING


def test_a_past_that_was_ahead_moves_too_once_gateways_say_so(tmp_path, tmp_path_factory):
    """The process before ran an hour ahead and was stopped; the host was set right; a new one begins."""
    mine = world(tmp_path, HOUR_US, quality=TimeQuality.UNTRUSTED)
    mine.run(300)
    mine.step(-HOUR_US)
    mine.quality = TimeQuality.NTP
    mine.start()
    mine.run(100)
    assert mine.followed() == [(-HOUR_US, NOW_US + HOUR_US)]
    right = world(tmp_path_factory.mktemp("right"))
    right.run(400)
    assert mine.clock.now_us() == right.clock.now_us()
    served = mine.figures().commune_figures["37281"].share.served
    assert abs(served - right.figures().commune_figures["37281"].share.served) <= BEAT_S * SECOND_US


def test_an_unsure_commit_that_moved_our_clock_is_found(tmp_path):
    mine = world(tmp_path, HOUR_US)
    mine.run(200)
    mine.step(-HOUR_US)
    with broken(mine.database, Fault(fail, after_commit=True)), pytest.raises(CommitUnsure):
        mine.run(CYCLE_S)
    assert mine.clock.now_us() - mine.truth_us == HOUR_US
    mine.run(60)
    assert mine.clock.now_us() == mine.truth_us
    assert [shift_us for shift_us, _ in mine.followed()] == [-HOUR_US]


def test_a_clock_that_moves_with_a_transaction_that_fails_does_not_move(tmp_path):
    mine = world(tmp_path, HOUR_US)
    mine.run(200)
    mine.step(-HOUR_US)
    with broken(mine.database, Fault(fail, before_commit=True)), pytest.raises(CommitUnsure):
        mine.run(CYCLE_S)
    assert (mine.followed(), mine.clock.now_us() - mine.truth_us) == ([], HOUR_US)


def test_nothing_is_deleted_by_a_clock_that_is_doubted(tmp_path):
    mine = world(tmp_path, quality=TimeQuality.UNTRUSTED)
    sketch = {"eui": EUIS[0], "day": "2026-11-18", "address": "26011f2e", "hours": 1, "frames": 1}
    sketch |= {"best_rssi_dbm": -90, "best_snr_db": 7.0, "lowest_sf": 7, "recorded_at_us": NOW_US}
    with mine.database.write() as connection:
        connection.execute(insert(heard).values(sketch))
    mine.run(10)
    mine.step(10 * YEAR)
    mine.start()
    mine.run(CYCLE_S)
    assert mine.engine.health.clock is ClockQuality.DOUBTED
    with mine.database.read() as connection:
        assert connection.execute(select(heard)).all()


@pytest.mark.parametrize(("by_us", "moved_us"), [(-HOUR_US, -HOUR_US), (HOUR_US, 0)])
def test_what_is_due_is_never_late_by_a_clock_that_was_wrong(tmp_path, by_us, moved_us):
    mine = world(tmp_path, -by_us)
    mine.run(100)
    due_us = mine.clock.now_us() + 900 * SECOND_US
    with mine.database.write() as connection:
        timers.plan(connection, key="test", kind="test", subject_id=1, due_at_us=due_us)
    mine.step(by_us)
    mine.run(CYCLE_S)
    assert [shift_us for shift_us, _ in mine.followed()] == [by_us]
    with mine.database.read() as connection:
        found = connection.scalar(select(timers.timers.c.due_at_us).where(timers.timers.c.key == "test"))
    assert found == due_us + moved_us


STAYS = {
    "acceptances": "people signed it",
    "air_surveys": "made anew within the hour",
    "api_tokens": "people were told it",
    "audit_log": "what was done, when it was said to be",
    "certificates": "signed",
    "clock_events": "our clock as it was then",
    "commissioning": "people entered it",
    "commune_changes": "as it was shown",
    "approvals": "sealed, and asked anew",
    "configuration_layers": "people entered it",
    "configuration_versions": "signed",
    "connectivity_days": "when it was counted",
    "delivery_attempts": "what was done",
    "enrolment_tokens": "people were told it",
    "gateways": "people entered it",
    "hangings": "people entered it",
    "incident_events": "what was shown",
    "incident_findings": "what people were told",
    "incident_gateways": "what was shown",
    "incidents": "what was shown",
    "lns_heard": "the LNS's own time",
    "maintenances": "people entered it",
    "memberships": "people entered it",
    "month_seals_mailed": "what was done",
    "month_snapshots": "people were shown it",
    "month_timestamps": "when the authority was asked, and what it said",
    "month_versions": "closed",
    "notify_channels": "what was set up",
    "object_months": "by day",
    "objects": "when it was imported",
    "on_call": "people entered it",
    "part_moves": "people entered it",
    "plan_gaps": "of people's plan",
    "presence_challenges": "valid for minutes, and asked anew",
    "presence_tries": "people entered it",
    "pulse_edges": "of the last days only",
    "report_mails": "as it was received",
    "sessions": "people log in again",
    "shift_entries": "people entered it",
    "statements": "people entered it",
    "ticket_attachments": "people entered it",
    "ticket_events": "what people were told",
    "ticket_links": "people were told it",
    "ticket_pauses": "people entered it",
    "ticket_steps": "people entered it",
    "tickets": "what people were told",
    "users": "people entered it",
    "vitals": "by the hour",
    "words": "signed",
    "work_orders": "printed on paper",
    "works_notices": "what was sent",
}
"""Tables whose other instants stay, and why."""


def test_every_instant_moves_or_stays_for_a_reason():
    load_tables()
    moving = {
        (table.name, name) for lists in (DATED, DUE) for table, names in lists.items() for name in names
    }
    instants = {
        (table.name, column.name)
        for table in metadata.tables.values()
        for column in table.columns
        if column.name.endswith("_us")
    }
    assert moving <= instants
    moved = {name for name, _ in moving}
    unsaid = {
        (table, column) for table, column in instants - moving if table not in STAYS and table not in moved
    }
    assert unsaid == set()
    assert not STAYS.keys() - {table for table, _ in instants}
