from dataclasses import replace

from fleet.facts.settings import DEFAULTS
from fleet.facts.states import CommuneState, GatewayState
from fleet.incidents.model import Domain, Explain, Facts, Incident, IncidentState, Member, SharedCause, Split
from fleet.incidents.rules import LEFT_BEHIND_US, divide
from fleet.live.model import CommuneNow, GatewayNow, NetworkNow
from fleet.tickets.model import Criticality

NOW = 10**15


def facts(back: int, lost: int, ago_us: int = LEFT_BEHIND_US, domain: Domain = Domain.OPERATOR) -> Facts:
    euis = [f"g{number}" for number in range(back + lost)]
    members = {
        eui: Member(eui=eui, since_us=NOW - 10**10, restored_us=NOW - ago_us if number < back else None)
        for number, eui in enumerate(euis)
    }
    gateways = {
        eui: GatewayNow(
            eui=eui,
            name=eui,
            site_id=number,
            commune_insee=f"{number:05d}",
            state=GatewayState.SERVING if number < back else GatewayState.DOWN,
            since_us=NOW - 10**10,
            proved=True,
        )
        for number, eui in enumerate(euis)
    }
    communes = {
        f"{number:05d}": CommuneNow(
            insee=f"{number:05d}",
            name="",
            epci=f"E{number}",
            population=1,
            state=CommuneState.SERVED,
            since_us=0,
            members=(eui,),
            serving=(),
        )
        for number, eui in enumerate(euis)
    }
    incident = Incident(
        id=1,
        state=IncidentState.OPEN,
        cause=SharedCause(domain=domain, value="Orange"),
        criticality=Criticality.CRITICAL,
        began_us=NOW - 10**10,
        opened_us=NOW - 10**10,
        members=members,
    )
    network = NetworkNow(at_us=NOW, gateways=gateways, communes=communes)
    confirmed_us = DEFAULTS.silence_confirmed_us
    return Facts(network=network, silence_confirmed_us=confirmed_us, incidents=(incident,))


def kinds(found: Facts, flaps: frozenset[str] = frozenset()) -> list[type]:
    return [type(one) for one in divide(found, flaps, NOW)]


def test_the_first_keeps_the_incident_and_the_others_get_their_own() -> None:
    assert kinds(facts(8, 3)) == [Explain, Split, Split]
    assert kinds(facts(8, 1)) == [Explain]


def test_not_before_fifteen_minutes_nor_while_most_are_away() -> None:
    assert kinds(facts(8, 3, LEFT_BEHIND_US - 1)) == []
    assert kinds(facts(2, 3)) == []
    assert kinds(facts(4, 3)) == [Explain, Split, Split]
    assert kinds(facts(8, 0)) == []


def test_single_gateways_and_flapping_ones_are_left_alone() -> None:
    assert kinds(facts(8, 3, domain=Domain.GATEWAY)) == []
    assert kinds(facts(8, 3), frozenset({"g9"})) == []


def test_ended_incidents_are_left_alone() -> None:
    found = facts(8, 3)
    ended = replace(found.incidents[0], state=IncidentState.ENDED)
    assert kinds(replace(found, incidents=(ended,))) == []


def test_half_of_them_back_is_most_and_the_last_return_counts() -> None:
    found = facts(3, 3)
    assert kinds(found) == [Explain, Split, Split]
    incident = found.incidents[0]
    late = replace(incident.members["g0"], restored_us=NOW - LEFT_BEHIND_US + 1)
    moved = replace(incident, members={**incident.members, "g0": late})
    assert kinds(replace(found, incidents=(moved,))) == []
