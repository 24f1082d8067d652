from fleet.durations import HOUR_US
from fleet.tickets.model import Criticality
from tests.stories.world import MINUTE, World, paris


def test_one_of_two_is_major_and_both_is_critical_with_the_earlier_deadline(world: World) -> None:
    world.people("Anne Martin")
    world.commune("37015", "Azay-sur-Cher", "a1", "a2")
    world.lose("a1")
    world.pass_time(3 * MINUTE)
    assert world.ticket().criticality is Criticality.MAJOR
    assert world.mails() == ["MAJEUR Azay-sur-Cher : plus de redondance depuis 02:13. Sur site avant 06:15."]
    assert world.ticket().resolution_limit_us == 48 * HOUR_US
    world.pass_time(MINUTE)
    world.lose("a2")
    world.pass_time(3 * MINUTE)
    ticket = world.ticket()
    assert (ticket.criticality, ticket.resolution_limit_us) == (Criticality.CRITICAL, 24 * HOUR_US)
    assert ticket.reported_at_us == paris("2026-11-22 02:15:18")
    assert world.mails()[1].startswith("CRITIQUE Azay-sur-Cher : plus de service depuis 02:13.")
    assert "aggrave" in world.postman.taken[1].text


def test_a_downgrade_never_extends_a_deadline(world: World) -> None:
    world.people("Anne Martin")
    world.commune("37015", "Azay-sur-Cher", "a1", "a2")
    world.lose("a1", "a2")
    world.pass_time(3 * MINUTE)
    world.restore("a2")
    world.pass_time(3 * MINUTE)
    ticket = world.ticket()
    assert (ticket.criticality, ticket.resolution_limit_us) == (Criticality.MAJOR, 24 * HOUR_US)
    assert len(world.mails()) == 1
