"""One commune after another through a day: what the engine would show, from messages alone."""

import pytest

from agent.wire.messages import ConnectorBeat, Presence, Radio
from fleet.evidence import facts
from fleet.evidence.ingest import Sorter
from fleet.facts.model import Blindness, Commissioning, CommissioningKind, Maintenance
from fleet.facts.settings import DEFAULTS
from fleet.facts.states import Cause, CommuneState, GatewayState
from fleet.live.memory import Memory
from fleet.live.network import NetworkView
from fleet.registry.store import load_registry
from tests.unit.fleet.founded import EUIS, NOW_US, founded_database, heartbeat, received

SECOND = 1_000_000
STEP_US = 30 * SECOND
ONE, AZAY, PLANNED = EUIS


class Day:
    """A registry, a memory and a view; messages come in, the network comes out."""

    def __init__(self, folder):
        database = founded_database(folder)
        with database.read() as connection:
            self.registry = load_registry(connection)
            accepted = facts.load_commissioning(connection)
        self.memory = Memory().with_people(accepted, [], [])
        self.view = NetworkView(DEFAULTS)
        self.sight: tuple[Blindness, ...] = ()

    def hear(self, *messages):
        rows = Sorter(self.memory.gateways, self.registry.gateways, DEFAULTS).sort(messages)
        assert rows.refused == []
        self.memory = self.memory.with_batch(rows)

    def beat(self, eui, seq, **fields):
        at_us = NOW_US + seq * STEP_US
        self.hear(received(eui, "health", heartbeat(seq, at_us=at_us, **fields), at_us=at_us))
        return at_us

    def at(self, now_us):
        self.view, network = self.view.seen(
            self.registry, self.memory, self.sight, blind_reason="", now_us=now_us
        )
        return network


@pytest.fixture
def day(tmp_path):
    return Day(tmp_path)


def test_heartbeats_serve_and_a_planned_gateway_is_out(day):
    for seq in range(1, 4):
        at_us = day.beat(ONE, seq)
    network = day.at(at_us + SECOND)
    assert network.gateways[ONE].state is GatewayState.SERVING
    assert network.gateways[ONE].since_us == NOW_US + STEP_US
    assert network.gateways[PLANNED].state is GatewayState.OUT
    assert network.communes["37281"].state is CommuneState.SERVED
    assert network.communes["37281"].serving == (ONE,)


@pytest.mark.parametrize(("after_s", "state"), [(89, GatewayState.SERVING), (90, GatewayState.DOWN)])
def test_silence_is_confirmed_after_ninety_seconds_and_dated_back(day, after_s, state):
    day.beat(ONE, 1)
    last_us = day.beat(ONE, 2)
    day.at(last_us + SECOND)
    network = day.at(last_us + after_s * SECOND)
    assert network.gateways[ONE].state is state
    if state is GatewayState.DOWN:
        assert (network.gateways[ONE].since_us, network.gateways[ONE].proved) == (last_us, False)
        commune = network.communes["37281"]
        assert (commune.state, commune.since_us) == (CommuneState.LOST, last_us)


def test_a_growing_run_is_not_computed_again(day):
    day.beat(ONE, 1)
    before = day.at(NOW_US + 31 * SECOND)
    known = day.view.entries[ONE].known
    day.beat(ONE, 2)
    day.at(NOW_US + 61 * SECOND)
    assert day.view.entries[ONE].known is known
    assert before.gateways[ONE].state is GatewayState.SERVING


def test_a_lost_lns_buffers_and_the_commune_is_lost_and_loses_budget(day):
    day.beat(ONE, 1)
    at_us = day.beat(ONE, 2, connectors=(ConnectorBeat("lns", False, 29_000),), journal_seq=1)
    first = day.at(at_us + SECOND)
    assert first.gateways[ONE].state is GatewayState.BUFFERING
    later = day.at(at_us + 11 * SECOND)
    one, two = first.communes["37281"], later.communes["37281"]
    assert one.state is CommuneState.LOST
    assert one.budget_left_us - two.budget_left_us == 10 * SECOND
    assert one.breach_at_us == two.breach_at_us == at_us + SECOND + one.budget_left_us


def test_a_deaf_radio_is_down_and_proved(day):
    day.beat(ONE, 1)
    at_us = day.beat(ONE, 2, radio=Radio.DEAF)
    now = day.at(at_us + SECOND).gateways[ONE]
    assert (now.state, now.proved) == (GatewayState.DOWN, True)


def test_an_accepted_gateway_never_heard_is_down_and_its_commune_lost(day):
    network = day.at(NOW_US + 100 * SECOND)
    assert network.gateways[AZAY].state is GatewayState.DOWN
    assert network.communes["37015"].state is CommuneState.LOST
    assert network.communes["37015"].since_us == NOW_US
    assert network.communes["37015"].members == (AZAY,)


def test_while_we_are_blind_silence_is_unknown(day):
    last_us = day.beat(ONE, 1)
    day.sight = (
        Blindness(id="1", start_us=last_us, end_us=None, path="broker", reason="x", recorded_at_us=last_us),
    )
    network = day.at(last_us + 200 * SECOND)
    assert network.gateways[ONE].state is GatewayState.UNKNOWN
    assert network.communes["37281"].state is CommuneState.UNKNOWN


@pytest.mark.parametrize(
    ("presence", "suspect"),
    [
        (Presence(True, 7), False),
        (Presence(False, 7), True),
        (Presence(False, 6), False),
    ],
)
def test_a_closed_socket_of_this_boot_is_suspect_at_once(day, presence, suspect):
    last_us = day.beat(ONE, 1)
    day.hear(received(ONE, "presence", presence, at_us=last_us + SECOND))
    now = day.at(last_us + 2 * SECOND).gateways[ONE]
    assert (now.state, now.suspect) == (GatewayState.SERVING, suspect)


def test_a_heartbeat_after_the_last_will_clears_the_suspicion(day):
    last_us = day.beat(ONE, 1)
    day.hear(received(ONE, "presence", Presence(False, 7), at_us=last_us + SECOND))
    at_us = day.beat(ONE, 2)
    assert not day.at(at_us + SECOND).gateways[ONE].suspect


def test_what_begins_at_the_very_instant_of_a_cycle_shows_at_the_next(day):
    at_us = day.beat(PLANNED, 1)
    edge = Commissioning(
        id="9", eui=PLANNED, kind=CommissioningKind.ACCEPTED, at_us=at_us, who="test", recorded_at_us=at_us
    )
    day.memory = day.memory.with_people([edge], [], [])
    assert day.at(at_us).gateways[PLANNED].state is GatewayState.OUT
    assert day.at(at_us + SECOND).gateways[PLANNED].state is GatewayState.SERVING


@pytest.mark.parametrize("gone_s", [1, 3_600, 5 * 3_600])
def test_a_commune_under_works_is_carried_on_as_it_would_be_computed(day, gone_s):
    """The budget shrinks with what works exclude, and works exclude so much of a month."""
    at_us = day.beat(ONE, 1)
    works = Maintenance(
        id="1",
        euis=(ONE,),
        start_us=at_us + 100 * SECOND,
        end_us=at_us + 20 * 3_600 * SECOND,
        announced_at_us=0,
        approved_by="anne",
        recorded_at_us=0,
    )
    day.memory = day.memory.with_people(day.memory.of(ONE).commissioning, [works], [])
    day.at(at_us + 200 * SECOND)
    now_us = at_us + (200 + gone_s) * SECOND
    carried = day.at(now_us).communes["37281"]
    day.view = NetworkView(DEFAULTS)
    assert day.at(now_us).communes["37281"] == carried
    capped = gone_s * SECOND > DEFAULTS.maintenance_cap_us
    assert carried.state is (CommuneState.LOST if capped else CommuneState.EXCLUDED)


def test_the_cause_of_a_loss_is_what_its_facts_say_by_now(day):
    day.beat(ONE, 1)
    last_us = day.beat(ONE, 2)
    day.at(last_us + 100 * SECOND)
    assert day.view.cause_of(ONE, last_us) is Cause.UNKNOWN
    assert day.view.cause_of(ONE, last_us - 6 * 60 * SECOND) is Cause.NONE, "it served then"
    assert day.view.cause_of("nobody", last_us) is Cause.NONE
