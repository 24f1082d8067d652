"""A gateway beyond its budget: not listened to, an incident of its own, ended by calm or by a person."""

import pytest
from sqlalchemy import select

from fleet.durations import HOUR_US
from fleet.evidence import quarantines
from fleet.evidence.allowance import PACES, MessageKind
from fleet.evidence.ingest import Sorter
from fleet.evidence.quarantine import CALM, CALM_US, QuarantineBound, RecentQuarantines, begun
from fleet.evidence.tables import refused_messages
from fleet.facts.settings import DEFAULTS
from fleet.facts.states import GatewayState
from fleet.incidents import store
from fleet.incidents.model import Domain, IncidentState
from fleet.lang.reasons import in_words
from fleet.live.memory import GatewayMemory
from fleet.tickets import store as tickets
from fleet.tickets.tables import tickets as ticket_rows
from tests.unit.fleet.evidence.test_hostile import Fleet
from tests.unit.fleet.founded import EUIS, NOW_US, heartbeat, received

S = 1_000_000
HOSTILE, QUIET = EUIS[0], EUIS[1]


def of_a_new_boot(boot, at_us, eui=HOSTILE):
    return received(eui, "health", heartbeat(1, at_us=at_us, boot=boot), at_us=at_us)


def serving(fleet, boot=9_000, count=3):
    """The gateway as it should be: a boot whose heartbeats follow one another."""
    for seq in range(1, count + 1):
        at_us = fleet.clock.now + 30 * S
        beat = heartbeat(seq, at_us=at_us, boot=boot)
        network = fleet.step([received(HOSTILE, "health", beat, at_us=at_us)])
    return network


def flood(fleet, count=PACES[MessageKind.BOOT].burst + 50, first=1):
    at_us = fleet.clock.now + 30 * S
    return fleet.step([of_a_new_boot(first + boot, at_us) for boot in range(count)])


def of_quarantines(fleet):
    with fleet.database.read() as connection:
        known = store.load(connection, fleet.clock.now)
    return [one for one in known if one.cause.domain is Domain.QUARANTINE]


def test_it_is_unknown_an_incident_with_a_ticket_says_why_and_nobody_else_is_touched(tmp_path):
    fleet = Fleet(tmp_path)
    assert flood(fleet).gateways[HOSTILE].quarantine == MessageKind.BOOT
    for _ in range(5):
        network = fleet.step([of_a_new_boot(900, fleet.clock.now + 30 * S)])
    shown = network.gateways[HOSTILE]
    assert (shown.state, shown.quarantine) == (GatewayState.UNKNOWN, MessageKind.BOOT)
    assert in_words("fr", shown.reason).startswith("en quarantaine")
    assert network.gateways[QUIET].state is GatewayState.SERVING
    assert not network.blind
    (incident,) = of_quarantines(fleet)
    assert (incident.state, incident.cause.value) == (IncidentState.OPEN, HOSTILE)
    with fleet.database.read() as connection:
        ticket = tickets.of_incident(connection, incident.id)
        assert connection.scalar(select(ticket_rows.c.id).where(ticket_rows.c.id != ticket.id)) is None
        held = quarantines.held(connection, HOSTILE)
    assert ticket.title == "Vouvray 1\u202f: passerelle en quarantaine, elle envoie plus que son budget"
    assert ticket.working
    assert ticket.reported_at_us <= fleet.clock.now
    assert (held.budget, held.refused) == (MessageKind.BOOT, 50 + 5)


def test_messages_in_quarantine_push_no_other_refused_message_away(tmp_path):
    fleet = Fleet(tmp_path)
    flood(fleet, 2_000)
    with fleet.database.read() as connection:
        assert len(connection.execute(select(refused_messages)).all()) == 1
    assert fleet.engine.health.refused == 2_000 - PACES[MessageKind.BOOT].burst


def test_it_ends_by_itself_after_a_calm_time_and_the_gateway_serves_again(tmp_path):
    fleet = Fleet(tmp_path)
    flood(fleet)
    network = serving(fleet, count=CALM_US // (30 * S) + 4)
    assert (network.gateways[HOSTILE].state, network.gateways[HOSTILE].quarantine) == (
        GatewayState.SERVING,
        "",
    )
    (incident,) = of_quarantines(fleet)
    assert incident.state is IncidentState.ENDED
    with fleet.database.read() as connection:
        assert not tickets.of_incident(connection, incident.id).working
        assert quarantines.count_open(connection) == 0


def test_it_goes_on_while_the_flood_does_and_over_a_restart(tmp_path):
    fleet = Fleet(tmp_path)
    flood(fleet)
    fleet.restart()
    for turn in range(CALM_US // (30 * S) + 5):
        network = flood(fleet, CALM.burst + 20, first=1_000 * (turn + 2))
        assert network.gateways[HOSTILE].quarantine == MessageKind.BOOT
    assert network.gateways[HOSTILE].state is GatewayState.UNKNOWN
    assert [one.state for one in of_quarantines(fleet)] == [IncidentState.OPEN]


def test_a_person_ends_it_with_whole_budgets_and_the_next_opens_the_same_incident(tmp_path):
    fleet = Fleet(tmp_path)
    flood(fleet)
    fleet.step()
    (before,) = of_quarantines(fleet)
    with fleet.database.write() as connection:
        assert quarantines.end(connection, HOSTILE, who="Denis", now_us=fleet.clock.now)
        assert not quarantines.end(connection, HOSTILE, who="Denis", now_us=fleet.clock.now)
    fleet.step()
    network = serving(fleet)
    assert network.gateways[HOSTILE].state is GatewayState.SERVING
    assert [one.state for one in of_quarantines(fleet)] == [IncidentState.ENDED]
    flood(fleet, first=10_000)
    (after,) = of_quarantines(fleet)
    assert (after.id, after.state) == (before.id, IncidentState.OPEN)


@pytest.mark.parametrize(("beyond", "quarantined"), [(0, False), (1, True)])
def test_bytes_have_a_budget(beyond, quarantined):
    pace = PACES[MessageKind.BYTE]
    known = Sorter({}, set(EUIS), DEFAULTS)
    big = received(HOSTILE, "health", heartbeat(1, at_us=NOW_US), at_us=NOW_US)
    whole = pace.burst // len(big.payload)
    rows = known.sort([big] * 100)
    assert HOSTILE not in rows.quarantines
    used = rows.allowances[HOSTILE].used_until_us[MessageKind.BYTE] - NOW_US
    assert used == 100 * len(big.payload) * pace.step_us
    rest = pace.burst - 100 * len(big.payload)
    left = rows.allowances[HOSTILE].after(((MessageKind.BYTE, rest - len(big.payload) + beyond),), NOW_US)
    memory = {HOSTILE: GatewayMemory(eui=HOSTILE, allowance=left)}
    assert (HOSTILE in Sorter(memory, set(EUIS), DEFAULTS).sort([big]).quarantines) is quarantined
    assert whole > 100_000


def test_processor_time_has_a_budget_and_what_cannot_be_decoded_costs_too():
    spent = iter(range(0, 10**12, 10**9))
    sorter = Sorter({}, set(EUIS), DEFAULTS, processor_ns=lambda: next(spent))
    senseless = received(HOSTILE, "health", b"\xc1", at_us=NOW_US)
    rows = sorter.sort([senseless] * 40)
    assert rows.quarantines[HOSTILE].budget is MessageKind.PROCESSOR
    limit = PACES[MessageKind.PROCESSOR].burst // 1_000_000
    assert (len(rows.refused), rows.unheard[HOSTILE][0]) == (limit + 1, 40 - limit - 1)


@pytest.mark.parametrize("seconds", [30, 31])
def test_a_message_is_charged_once_with_all_that_it_cost(seconds):
    """The presence that ends is charged too: a flood of nothing is a flood."""
    for leaf, payload in (("health", heartbeat(1)), ("presence", b""), ("health", b"\xc1"), ("nothing", b"")):
        spent = iter((0, seconds * 10**9))
        rows = Sorter({}, set(EUIS), DEFAULTS, processor_ns=lambda spent=spent: next(spent)).sort(
            [received(HOSTILE, leaf, payload, at_us=NOW_US)]
        )
        assert (HOSTILE in rows.quarantines) is (seconds > 30)
        if seconds == 30:
            used = rows.allowances[HOSTILE].used_until_us
            assert used[MessageKind.PROCESSOR] == NOW_US + 30_000_000 * PACES[MessageKind.PROCESSOR].step_us
        else:
            assert (rows.runs, rows.quarantines[HOSTILE].refused) == ({}, 1)


@pytest.mark.parametrize(("count", "calm"), [(CALM.burst, True), (CALM.burst + 1, False)])
def test_calm_is_a_pace(count, calm):
    held, later = begun(MessageKind.BOOT, NOW_US), NOW_US + S
    for _ in range(count):
        held = held.after_message(later)
    assert (held.beyond_us == NOW_US) is calm
    assert held.refused == count + 1


def of_budgets(fleet):
    with fleet.database.read() as connection:
        known = store.load(connection, fleet.clock.now)
    return [one for one in known if one.cause.domain is Domain.BUDGET]


def two_flood(fleet, first):
    """Let two gateways go beyond a budget in one step, where one may be quarantined within an hour."""
    count, at_us = PACES[MessageKind.BOOT].burst + 2, fleet.clock.now + 30 * S
    batch = [of_a_new_boot(first + boot, at_us, eui) for eui in EUIS[:2] for boot in range(count)]
    return fleet.step(batch)


def test_where_too_many_go_beyond_their_budgets_the_limit_is_suspected_and_nobody_else_is_silenced(tmp_path):
    fleet = Fleet(tmp_path, quarantine=QuarantineBound(share_max_ppm=0, least=1))
    network = two_flood(fleet, 1)
    assert network.gateways[HOSTILE].quarantine == MessageKind.BOOT
    assert network.gateways[QUIET].quarantine == ""
    assert set(network.spared) == {QUIET}
    assert fleet.step([of_a_new_boot(9_000, fleet.clock.now + 30 * S, QUIET)]).gateways[QUIET].last_word_us
    (incident,) = of_budgets(fleet)
    assert (incident.state, set(incident.members)) == (IncidentState.OPEN, {QUIET})
    with fleet.database.read() as connection:
        ticket = tickets.of_incident(connection, incident.id)
    assert ticket.title.startswith("Budgets de messages\u202f: trop de passerelles les dépassent")
    assert len(of_quarantines(fleet)) == 1
    fleet.seq += HOUR_US // (30 * S)
    fleet.step([])
    fleet.step([])
    assert of_budgets(fleet)[0].state is IncidentState.ENDED


def test_the_next_hour_quarantines_again(tmp_path):
    fleet = Fleet(tmp_path, quarantine=QuarantineBound(share_max_ppm=0, least=1))
    two_flood(fleet, 1)
    fleet.seq += HOUR_US // (30 * S)
    fleet.step([])
    at_us = fleet.clock.now + 30 * S
    count = PACES[MessageKind.BOOT].burst + 2
    network = fleet.step([of_a_new_boot(50_000 + boot, at_us, QUIET) for boot in range(count)])
    assert network.gateways[QUIET].quarantine == MessageKind.BOOT


@pytest.mark.parametrize(
    ("begun_ago_us", "admitted"),
    [((), True), ((0,), True), ((0, 1), False), ((0, HOUR_US), True), ((0, HOUR_US - 1), False)],
)
def test_how_many_may_begin_within_an_hour(begun_ago_us, admitted):
    recent = RecentQuarantines(begun_at_us=tuple(NOW_US - ago_us for ago_us in begun_ago_us))
    assert recent.admits(2, NOW_US) is admitted
    assert recent.with_begin(NOW_US).begun_at_us[-1] == NOW_US
    assert len(recent.with_begin(NOW_US).begun_at_us) <= len(begun_ago_us) + 1


def test_who_was_spared_is_suspected_for_an_hour_from_the_newest():
    recent = RecentQuarantines().with_spared(HOSTILE, NOW_US).with_spared(HOSTILE, NOW_US + S)
    assert recent.suspects(NOW_US + S) == {HOSTILE: NOW_US}
    assert recent.suspects(NOW_US + S + HOUR_US) == {}
    later_us = NOW_US + 2 * HOUR_US
    assert recent.with_spared(HOSTILE, later_us).suspects(later_us) == {HOSTILE: later_us}


def test_a_restart_remembers_how_many_began(tmp_path):
    fleet = Fleet(tmp_path)
    flood(fleet)
    with fleet.database.read() as connection:
        assert len(quarantines.load_recent(connection, fleet.clock.now).begun_at_us) == 1
        assert quarantines.load_recent(connection, fleet.clock.now + 2 * HOUR_US).begun_at_us == ()
