"""When a change that waits on a gateway is permitted."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from agent.wire.envelope import EnvelopeKind, decode_envelope
from agent.wire.messages import ConfigReported, ConfigState
from fleet.configurations.rules import WaitingChange
from fleet.configurations.tables import instructions
from fleet.facts.settings import DEFAULTS
from fleet.facts.states import GatewayState
from fleet.live.memory import Memory
from fleet.rollouts.look import Looking, carry_out
from fleet.rollouts.permits import ASK_AGAIN_US, decide_permits
from fleet.rollouts.weighing import weigh
from fleet.safety.absences import PERMIT_LIFE_US, TRIAL_LIMIT_US, permit_absences
from fleet.safety.model import RefusalKind
from tests.unit.fleet.configurations.test_reconcile import KEY, ask, hear
from tests.unit.fleet.founded import EUIS, NOW_US, founded_database, received
from tests.unit.fleet.safety.networks import view_of

SERVING, DOWN = GatewayState.SERVING, GatewayState.DOWN
A, B, C = EUIS
PAIR = view_of({A: SERVING, B: SERVING, C: DOWN}, {"x": (A, B)})


@pytest.mark.parametrize(
    ("permitted", "now_us", "granted", "refused"),
    [
        ({}, 0, {A, C}, {B}),
        ({A: 0}, ASK_AGAIN_US - 1, {C}, {B}),
        ({A: 0}, PERMIT_LIFE_US - 1, {A, C}, {B}),
        ({A: 0}, PERMIT_LIFE_US, {B, C}, {A}),
    ],
)
def test_who_was_permitted_longest_ago_comes_first(permitted, now_us, granted, refused):
    waiting = [WaitingChange(eui=eui, sha256="aa") for eui in (C, B, A)]
    permitted_at_us = {eui: NOW_US + at_us for eui, at_us in permitted.items()}
    absences = list(permit_absences(permitted_at_us, ()))
    decided = decide_permits(waiting, permitted_at_us, PAIR, absences, NOW_US + now_us)
    assert ({one.eui for one in decided.granted}, set(decided.refused)) == (granted, refused)
    assert {one.kind for found in decided.refused.values() for one in found} <= {RefusalKind.COMMUNE}


def waiting(database, memory, *euis):
    with database.write() as connection:
        for eui in euis:
            ask(connection, eui=eui)
    for eui in euis:
        told = ConfigReported(version=0, sha256="", state=ConfigState.WAITING, seen_version=1, reason="")
        hear(database, memory, received(eui, "config/reported", told))


def permits(database):
    with database.read() as connection:
        rows = connection.execute(select(instructions).where(instructions.c.kind == EnvelopeKind.PERMIT))
        return [decode_envelope(row["envelope"]) for row in rows.mappings()]


def grant(database, later_us=0):
    """Permit what may begin, as the engine does; return who waits on."""
    now_us = NOW_US + later_us
    with database.read() as connection:
        weighed = weigh(connection, PAIR.network, DEFAULTS, now_us)
    with database.write() as connection:
        looking = Looking(
            connection=connection, key=KEY, network=PAIR.network, contract=DEFAULTS, now_us=now_us
        )
        carry_out(looking, weighed)
    return set(weighed.permits.refused) if weighed.permits else set()


def test_of_two_that_wait_the_second_waits_until_the_first_is_settled(tmp_path):
    database, memory = founded_database(tmp_path), Memory()
    waiting(database, memory, A, B)
    assert grant(database) == {B}
    (first,) = permits(database)
    assert (first.device, first.expires_at_us) == (A, NOW_US + PERMIT_LIFE_US)
    assert grant(database, ASK_AGAIN_US - 1) == {B}
    assert grant(database, PERMIT_LIFE_US) == {B}, "A may be on trial still"
    grant(database, PERMIT_LIFE_US + TRIAL_LIMIT_US + PERMIT_LIFE_US)
    assert {permit.device for permit in permits(database)} == {A, B}


def test_who_does_not_wait_gets_no_permit(tmp_path):
    database = founded_database(tmp_path)
    assert grant(database) == set()
    assert permits(database) == []


def test_a_neighbour_that_falls_before_the_transaction_lets_no_permit_go(tmp_path):
    database, memory = founded_database(tmp_path), Memory()
    waiting(database, memory, A)
    with database.read() as connection:
        weighed = weigh(connection, PAIR.network, DEFAULTS, NOW_US)
    assert weighed.permits.granted
    gone = replace(PAIR.network.gateways[B], state=GatewayState.DOWN)
    network = replace(PAIR.network, gateways=PAIR.network.gateways | {B: gone})
    with database.write() as connection:
        carry_out(
            Looking(connection=connection, key=KEY, network=network, contract=DEFAULTS, now_us=NOW_US),
            weighed,
        )
    assert permits(database) == []


def test_what_a_person_sent_knowing_who_would_suffer_is_permitted_as_well():
    waiting = [WaitingChange(eui=eui, sha256="aa", despite=True) for eui in (A, B)]
    decided = decide_permits(waiting, {}, PAIR, [], NOW_US)
    assert [one.eui for one in decided.granted] == [A, B]
    assert decided.refused == {}


def test_a_permit_does_not_ask_again_for_budgets_and_lonely_sensors():
    """Whoever sent the change asked by limits of their own, a repair with less care than a rollout."""
    lonely = [("x", (A,), 9), ("x", (A, B), 1)]
    view = view_of(dict.fromkeys(EUIS, SERVING), {"x": (A, B)}, lonely, budgets={"x": 0})
    decided = decide_permits([WaitingChange(eui=A, sha256="aa")], {}, view, [], NOW_US)
    assert [one.eui for one in decided.granted] == [A]
