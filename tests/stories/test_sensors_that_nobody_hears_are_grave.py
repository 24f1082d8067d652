from sqlalchemy import insert

from fleet.objects.tables import month_coverages
from fleet.tickets.model import Criticality
from tests.stories.world import MINUTE, World


def village(world: World) -> None:
    """Three gateways; seven sensors hear the first alone, two the first and the second."""
    world.people("Anne Martin")
    world.commune("37015", "Azay-sur-Cher", "a1", "a2", "a3")
    rows = [
        {"month": "2026-11", "commune_insee": "37015", "euis": euis, "sensors": sensors}
        for euis, sensors in (("a1", 7), ("a1,a2", 2), ("a3", 50))
    ]
    with world.database.write() as connection:
        connection.execute(insert(month_coverages), rows)
    world.cycle()


def test_a_commune_that_is_served_and_sensors_that_are_not(world: World) -> None:
    village(world)
    world.lose("a1")
    world.pass_time(3 * MINUTE)
    (incident,) = world.open()
    assert incident.criticality is Criticality.MAJOR
    assert world.mails() == [
        "MAJEUR Azay-sur-Cher : capteurs sans relève depuis 02:13. Sur site avant 06:15."
    ]
    assert "7 capteurs" in world.postman.taken[0].text.replace("\u202f", " ")


def test_one_that_all_others_hear_too_is_minor(world: World) -> None:
    village(world)
    world.lose("a2")
    world.pass_time(3 * MINUTE)
    assert world.open()[0].criticality is Criticality.MINOR


def test_back_in_hearing_is_a_downgrade_that_extends_nothing(world: World) -> None:
    village(world)
    world.lose("a1", "a2")
    world.pass_time(3 * MINUTE)
    limit = world.ticket().resolution_limit_us
    world.restore("a1")
    world.pass_time(MINUTE)
    assert world.ticket().criticality is Criticality.MINOR
    assert world.ticket().resolution_limit_us == limit
