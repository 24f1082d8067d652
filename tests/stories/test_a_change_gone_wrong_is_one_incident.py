import pytest
from sqlalchemy import insert

from agent.wire.envelope import EnvelopeKind
from fleet.configurations.store import publish_again
from fleet.configurations.tables import configuration_versions, instructions
from fleet.evidence.facts import load_statements
from fleet.facts.model import OperatorStatement
from fleet.facts.states import Cause
from fleet.incidents.model import Domain
from fleet.lang.reasons import FleetReason, own
from tests.stories.world import MINUTE, SECOND, World, plain

NAMES = ("Azay", "Bléré", "Chinon", "Descartes", "Esvres", "Fondettes", "Genillé", "Huismes", "Ingrandes")


def spread(world: World) -> None:
    """Nine villages, each in an EPCI of its own."""
    world.people("Anne Martin")
    for number, name in enumerate(NAMES):
        world.commune(f"370{number:02d}", name, f"g{number}", epci=f"CC {number}")
    world.cycle()


def change(world: World, *euis: str) -> None:
    """Issue a version for some, each with its own number."""
    rows = [
        {
            "eui": eui,
            "version": 3 + number,
            "sha256": eui,
            "document": b"",
            "envelope": b"",
            "issued_at_us": world.clock.at_us + number,
            "expires_at_us": world.clock.at_us + MINUTE,
            "issued_by": "claire",
            "reason": "nouveau canal",
            "published": True,
        }
        for number, eui in enumerate(euis)
    ]
    with world.database.write() as connection:
        connection.execute(insert(configuration_versions), rows)


def test_those_that_were_changed_together_are_one_incident_that_names_the_change(world: World) -> None:
    spread(world)
    change(world, "g0", "g1", "g2", "g3")
    world.pass_time(MINUTE)
    world.lose("g0", "g1", "g2", "g3")
    world.pass_time(3 * MINUTE)
    (incident,) = world.open()
    assert (incident.domain, incident.gateways) == (Domain.WAVE, 4)
    assert "nouveau canal" in world.postman.taken[0].text


def test_the_same_losses_long_after_the_change_are_not_its_fault(world: World) -> None:
    spread(world)
    change(world, "g0", "g1", "g2", "g3")
    world.pass_time(76 * MINUTE)
    world.lose("g0", "g1", "g2", "g3")
    world.pass_time(3 * MINUTE)
    assert {incident.domain for incident in world.open()} == {Domain.GATEWAY}


@pytest.mark.parametrize("enrolled", [False, True])
def test_a_first_configuration_by_work_order_is_no_change(world: World, enrolled: bool) -> None:
    spread(world)
    change(world, "g0")
    by_order = {"by_image": True, "reason": own(FleetReason.WORK_ORDER)}
    with world.database.write() as connection:
        connection.execute(configuration_versions.update().values(by_order))
        if enrolled:
            publish_again(connection, "g0")
            connection.execute(configuration_versions.update().values(published=True))
    world.pass_time(MINUTE)
    world.lose("g0")
    world.pass_time(3 * MINUTE)
    assert [incident.domain for incident in world.open()] == [Domain.GATEWAY]
    assert charged(world) == []


def charged(world: World) -> list[OperatorStatement]:
    """Return the losses that are charged to us."""
    with world.reading() as connection:
        found = load_statements(connection, 0)
    assert all(one.suspected and one.cause is Cause.OURS for one in found)
    return [one for one in found if not one.withdrawn]


@pytest.mark.parametrize("failed", [Cause.UNKNOWN, Cause.RADIO, Cause.LNS, Cause.BACKHAUL, Cause.BOX])
def test_one_gateway_lost_after_a_change_is_our_fault_whatever_failed(world: World, failed: Cause) -> None:
    spread(world)
    change(world, "g0")
    world.pass_time(20 * MINUTE)
    lost_us = world.clock.at_us
    world.lose("g0", cause=failed)
    world.pass_time(3 * MINUTE)
    (incident,) = world.open()
    assert incident.domain is Domain.WAVE
    assert plain(world.ticket().title).startswith("Azay, changement « nouveau canal », 02:13")
    assert "notre changement « nouveau canal »" in plain(world.postman.taken[0].text)
    (charge,) = charged(world)
    assert charge.eui == "g0"
    assert charge.start_us <= lost_us < charge.end_us


def test_a_change_that_waited_for_its_permit_is_suspected_from_the_permit_on(world: World) -> None:
    spread(world)
    change(world, "g0")
    world.pass_time(100 * MINUTE)
    permit = {
        "eui": "g0",
        "kind": EnvelopeKind.PERMIT,
        "version": 1,
        "envelope": b"",
        "issued_at_us": world.clock.at_us,
        "published": True,
    }
    with world.database.write() as connection:
        connection.execute(insert(instructions).values(permit))
    world.pass_time(10 * MINUTE)
    world.lose("g0")
    world.pass_time(3 * MINUTE)
    assert [incident.domain for incident in world.open()] == [Domain.WAVE]


def test_losses_of_one_change_come_one_after_the_other_and_are_one_incident(world: World) -> None:
    spread(world)
    change(world, "g0", "g1", "g2")
    world.pass_time(MINUTE)
    world.lose("g0")
    world.pass_time(15 * MINUTE)
    world.lose("g1", cause=Cause.BACKHAUL)
    world.pass_time(3 * MINUTE)
    assert [(one.domain, one.gateways) for one in world.open()] == [(Domain.WAVE, 2)]
    assert {one.eui for one in charged(world)} == {"g0", "g1"}


def test_an_operator_that_fails_elsewhere_too_is_no_fault_of_a_change(world: World) -> None:
    world.people("Anne Martin")
    for number, name in enumerate(NAMES):
        operator = "Orange" if number < 5 else "Free"
        world.commune(f"370{number:02d}", name, f"g{number}", epci=f"CC {number}", backhaul_operator=operator)
    world.cycle()
    change(world, "g0")
    world.pass_time(MINUTE)
    world.lose(*(f"g{number}" for number in range(5)), cause=Cause.BACKHAUL)
    world.pass_time(3 * MINUTE)
    assert [(one.domain, one.gateways) for one in world.open()] == [(Domain.OPERATOR, 5)]
    assert charged(world) == []


def test_a_power_cut_during_a_change_revises_the_cause_after_the_return(world: World) -> None:
    spread(world)
    change(world, "g0")
    world.pass_time(MINUTE)
    world.lose("g0")
    world.pass_time(20 * MINUTE)
    assert [one.domain for one in world.open()] == [Domain.WAVE]
    assert len(charged(world)) == 1
    world.restore("g0")
    world.pass_time(10 * SECOND)
    world.proved["g0"] = Cause.POWER
    world.pass_time(2 * MINUTE)
    (incident,) = world.incidents()
    assert (incident.domain, incident.gateways) == (Domain.GATEWAY, 1)
    assert charged(world) == [], "the cut is nobody's change; its time is lost all the same"
    assert "changement" not in world.ticket().title
