from fleet.incidents.model import Domain
from tests.stories.test_a_change_gone_wrong_is_one_incident import spread
from tests.stories.world import MINUTE, World


def test_half_of_a_handful_that_share_nothing_are_their_own_incidents_in_one_message(world: World) -> None:
    spread(world)
    world.lose("g0", "g1", "g2", "g3", "g4")
    world.pass_time(3 * MINUTE)
    assert {incident.domain for incident in world.open()} == {Domain.GATEWAY}
    assert len(world.open()) == 5
    assert len(world.postman.taken) == 1


def test_all_of_nine_at_once_are_the_network(world: World) -> None:
    spread(world)
    world.lose(*world.gateways)
    world.pass_time(3 * MINUTE)
    assert [incident.domain for incident in world.open()] == [Domain.NETWORK]
