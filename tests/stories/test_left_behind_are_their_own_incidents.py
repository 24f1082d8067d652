from fleet.facts.states import Cause
from fleet.incidents.model import Domain
from tests.stories.world import MINUTE, World


def test_the_operator_is_back_and_two_villages_are_not(world: World) -> None:
    world.people("Anne Martin")
    for number in range(6):
        world.commune(
            f"3700{number}", f"V{number}", f"g{number}", epci=f"E{number}", backhaul_operator="Orange"
        )
        world.commune(f"3710{number}", f"W{number}", f"h{number}", epci=f"E{number}", backhaul_operator="SFR")
    world.lose(*(f"g{number}" for number in range(6)), cause=Cause.BACKHAUL)
    world.pass_time(5 * MINUTE)
    began = world.ticket().reported_at_us
    world.restore("g0", "g1", "g2", "g3")
    world.pass_time(14 * MINUTE, every_us=MINUTE)
    assert [one.domain for one in world.open()] == [Domain.OPERATOR]
    world.pass_time(3 * MINUTE, every_us=MINUTE)
    assert sorted((one.domain, one.value) for one in world.open()) == [
        (Domain.GATEWAY, "g4"),
        (Domain.GATEWAY, "g5"),
    ]
    assert [world.ticket(number).reported_at_us for number in (1, 2)] == [began, began]
