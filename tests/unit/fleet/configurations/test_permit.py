"""The whole table of when a service-affecting change is permitted."""

import pytest
from sqlalchemy import select

from agent.wire.envelope import EnvelopeKind, decode_envelope
from agent.wire.messages import ConfigReported, ConfigState
from fleet.configurations import reconcile
from fleet.configurations.rules import ASK_AGAIN_US, PERMIT_LIFE_US, WaitingChange, decide_permits, why_not
from fleet.configurations.tables import instructions
from fleet.facts.states import CommuneState, GatewayState
from fleet.live.memory import Memory
from fleet.live.model import CommuneNow, GatewayNow, NetworkNow
from tests.unit.fleet.configurations.test_reconcile import KEY, ask, hear
from tests.unit.fleet.founded import EUIS, NOW_US, founded_database, received

SERVING, DOWN = GatewayState.SERVING, GatewayState.DOWN
A, B, C = EUIS


def network(states, communes, *, blind=False):
    gateways = {
        eui: GatewayNow(eui=eui, name=eui, site_id=1, commune_insee="1", state=state, since_us=0, proved=True)
        for eui, state in states.items()
    }
    named = {
        str(index): CommuneNow(
            insee=str(index),
            name=f"C{index}",
            epci="",
            population=1,
            state=CommuneState.SERVED,
            since_us=0,
            members=members,
            serving=tuple(eui for eui in members if states[eui] is SERVING),
        )
        for index, members in enumerate(communes)
    }
    return NetworkNow(at_us=NOW_US, gateways=gateways, communes=named, blind=blind)


@pytest.mark.parametrize(
    ("states", "communes", "under_way", "blind", "words_"),
    [
        ({A: SERVING, B: SERVING}, [(A, B)], (), False, ""),
        ({A: SERVING, B: SERVING}, [(A, B)], (B,), False, "another gateway of C0 is changing"),
        ({A: SERVING, B: SERVING}, [(A, B)], (A,), False, ""),
        ({A: SERVING, B: DOWN}, [(A, B)], (), False, "C0 has no other serving gateway"),
        ({A: SERVING}, [(A,)], (), False, "C0 has no other serving gateway"),
        ({A: DOWN, B: SERVING}, [(A, B)], (B,), False, ""),
        ({A: DOWN}, [(A,)], (), False, ""),
        ({A: SERVING}, [], (), False, ""),
        ({A: SERVING, B: SERVING, C: SERVING}, [(A, B), (A, C)], (), False, ""),
        ({A: SERVING, B: SERVING, C: DOWN}, [(A, B), (A, C)], (), False, "C1 has no other serving gateway"),
        ({A: SERVING, B: SERVING}, [(A, B)], (), True, "we are blind"),
        ({B: SERVING}, [(B,)], (), False, "not in the registry"),
    ],
)
def test_table(states, communes, under_way, blind, words_):
    assert why_not(network(states, communes, blind=blind), A, under_way) == words_


@pytest.mark.parametrize(
    ("permitted", "now", "granted", "refused"),
    [
        ({}, 0, (A, C), {B: "another gateway of C0 is changing"}),
        ({A: 0}, ASK_AGAIN_US - 1, (C,), {B: "another gateway of C0 is changing"}),
        ({A: 0}, PERMIT_LIFE_US - 1, (A, C), {B: "another gateway of C0 is changing"}),
        ({A: 0}, PERMIT_LIFE_US, (B, C), {A: "another gateway of C0 is changing"}),
    ],
)
def test_who_was_permitted_longest_ago_comes_first(permitted, now, granted, refused):
    waiting = [WaitingChange(eui=eui, sha256="aa") for eui in (C, B, A)]
    both = network({A: SERVING, B: SERVING, C: DOWN}, [(A, B)])
    permitted_at_us = {eui: NOW_US + at_us for eui, at_us in permitted.items()}
    decided = decide_permits(waiting, permitted_at_us, both, NOW_US + now)
    assert ({one.eui for one in decided.granted}, decided.refused) == (set(granted), refused)


def waiting(database, memory, *euis):
    with database.write() as connection:
        for eui in euis:
            ask(connection, eui=eui)
    for eui in euis:
        told = ConfigReported(version=0, sha256="", state=ConfigState.WAITING, seen_version=1, reason="")
        hear(database, memory, received(eui, "config/reported", told))


def permits(connection):
    rows = (
        connection.execute(select(instructions).where(instructions.c.kind == EnvelopeKind.PERMIT))
        .mappings()
        .all()
    )
    return [decode_envelope(row["envelope"]) for row in rows]


def test_of_two_that_wait_one_is_permitted_at_a_time(tmp_path):
    database, memory = founded_database(tmp_path), Memory()
    waiting(database, memory, A, B)
    both = network({A: SERVING, B: SERVING}, [(A, B)])
    with database.write() as connection:
        assert list(reconcile.grant_permits(connection, KEY, both, NOW_US)) == [B]
        (first,) = permits(connection)
        assert (first.device, first.expires_at_us) == (A, NOW_US + PERMIT_LIFE_US)
        assert reconcile.grant_permits(connection, KEY, both, NOW_US + ASK_AGAIN_US - 1) == {
            B: "another gateway of C0 is changing"
        }
        reconcile.grant_permits(connection, KEY, both, NOW_US + PERMIT_LIFE_US + ASK_AGAIN_US)
        assert [permit.device for permit in permits(connection)] == [A, B]


def test_who_does_not_wait_gets_no_permit(tmp_path):
    with founded_database(tmp_path).write() as connection:
        assert reconcile.grant_permits(connection, KEY, network({A: SERVING}, []), NOW_US) == {}
        assert permits(connection) == []
