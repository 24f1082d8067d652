"""Joining tickets and parting one: every situation, without a database."""

from dataclasses import replace

import pytest

from fleet.acts.steps import Door, merge_of, split_of
from fleet.durations import HOUR_US
from fleet.incidents.model import Absorb, Domain, SharedCause, Split
from fleet.tickets.model import Criticality, Merge, Origin, StepRefused, Ticket, TicketState
from tests.unit.fleet.founded import EUIS, NOW_US, founded_database
from tests.unit.fleet.web.network import network_of

MEASURED = Ticket(
    id=1,
    incident_id=7,
    origin=Origin.TELEMETRY,
    title="Azay",
    state=TicketState.REPORTED,
    criticality=Criticality.CRITICAL,
    worst_criticality=Criticality.CRITICAL,
    resolution_limit_us=24 * HOUR_US,
    began_at_us=NOW_US,
    reported_at_us=NOW_US,
)
OTHER = replace(MEASURED, id=2, incident_id=8)
CALLED = replace(MEASURED, id=3, incident_id=None, origin=Origin.PHONE)
CLOSED = replace(MEASURED, id=4, state=TicketState.CLOSED)
OVER = StepRefused(key="ticket.refused.over")
WHOLE = StepRefused(key="ticket.refused.not_a_part", field="euis")


def merge(into):
    return Merge(who="Anne", via="api", at_us=NOW_US, into=into)


@pytest.mark.parametrize(
    ("other", "into", "outcome"),
    [
        (OTHER, MEASURED, Absorb(incident_id=7, other_id=8, reason="Anne")),
        (CALLED, MEASURED, merge(1)),
        (OTHER, CALLED, merge(3)),
        (CLOSED, CALLED, merge(3)),
        (MEASURED, MEASURED, OVER),
        (OTHER, CLOSED, OVER),
    ],
)
def test_tickets_are_joined_as_incidents_where_both_have_one(other, into, outcome):
    assert merge_of(other, into, who="Anne", door=Door.API, at_us=NOW_US) == outcome


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    database = founded_database(tmp_path_factory.mktemp("fleet"))
    yield network_of(database, NOW_US)
    database.close()


LOST = {EUIS[0]: NOW_US - 2, EUIS[1]: NOW_US - 1}


@pytest.mark.parametrize(
    ("ticket", "euis"),
    [
        (MEASURED, []),
        (MEASURED, EUIS[:2]),
        (MEASURED, [EUIS[2]]),
        (MEASURED, ["f" * 16]),
        (CALLED, [EUIS[0]]),
    ],
)
def test_what_is_no_part_of_the_lost_is_refused(network, ticket, euis):
    assert split_of(ticket, LOST, euis, network, reason="foudre") == WHOLE


def test_a_part_gets_an_incident_of_its_own_since_its_own_loss(network):
    parted = split_of(MEASURED, LOST, [EUIS[1], EUIS[1], EUIS[2]], network, reason="foudre")
    assert isinstance(parted, Split)
    assert [(one.eui, one.since_us) for one in parted.members] == [(EUIS[1], NOW_US - 1)]
    assert (parted.incident_id, parted.reason) == (7, "foudre")
    assert parted.cause == SharedCause(domain=Domain.GATEWAY, value=EUIS[1])
