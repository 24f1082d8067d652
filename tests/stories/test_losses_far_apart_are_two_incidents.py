from tests.stories.world import MINUTE, World


def test_the_same_feeder_an_hour_later_is_another_incident(world: World) -> None:
    world.people("Anne Martin")
    world.commune("37015", "Azay-sur-Cher", "a1", power_feeder="F12")
    world.commune("37281", "Vouvray", "v1", power_feeder="F12")
    world.lose("a1")
    world.pass_time(60 * MINUTE)
    world.lose("v1")
    world.pass_time(3 * MINUTE)
    assert len(world.open()) == 2
