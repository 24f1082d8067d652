from sqlalchemy import insert

from fleet.configurations.tables import configuration_versions
from fleet.incidents.model import Domain
from tests.stories.world import MINUTE, World

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
    world.pass_time(61 * MINUTE)
    world.lose("g0", "g1", "g2", "g3")
    world.pass_time(3 * MINUTE)
    assert {incident.domain for incident in world.open()} == {Domain.GATEWAY}
