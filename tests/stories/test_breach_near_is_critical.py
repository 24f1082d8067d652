from dataclasses import replace

from fleet.tickets.model import Criticality
from tests.stories.world import HOUR, MINUTE, SECOND, World


def near(world: World, left_us: int) -> Criticality:
    world.people("Anne Martin")
    world.commune("37015", "Azay-sur-Cher", "a1", "a2", "a3")
    breach = world.clock.at_us + 90 * SECOND + left_us
    world.communes["37015"] = replace(world.communes["37015"], breach_at_us=breach)
    world.lose("a1")
    world.pass_time(90 * SECOND, every_us=90 * SECOND)
    return world.ticket().criticality


def test_a_breach_within_six_hours_is_critical(world: World) -> None:
    assert near(world, 6 * HOUR - 1) is Criticality.CRITICAL


def test_a_breach_in_six_hours_is_not(world: World) -> None:
    assert near(world, 6 * HOUR) is Criticality.MINOR


def test_its_message_says_so(world: World) -> None:
    near(world, HOUR)
    world.pass_time(MINUTE)
    assert world.mails()[0].startswith("CRITIQUE Azay-sur-Cher : engagement bientôt rompu")
