from tests.stories.world import MINUTE, World


def test_only_the_technician_of_the_territory(world: World) -> None:
    world.people("Anne Martin", territories=["Touraine-Est Vallées"])
    world.people("Bruno Petit", territories=["41"])
    world.commune("37015", "Azay-sur-Cher", "a1")
    world.lose("a1")
    world.pass_time(3 * MINUTE)
    assert [one.address for one in world.postman.taken] == ["anne@example.fr"]


def test_a_territory_without_anybody_calls_everybody(world: World) -> None:
    world.people("Bruno Petit", territories=["41"])
    world.commune("37015", "Azay-sur-Cher", "a1")
    world.lose("a1")
    world.pass_time(3 * MINUTE)
    assert [one.address for one in world.postman.taken] == ["bruno@example.fr"]
