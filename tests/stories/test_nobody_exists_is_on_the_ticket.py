from tests.stories.world import MINUTE, World


def test_no_technician_at_all_is_written_down(world: World) -> None:
    world.commune("37015", "Azay-sur-Cher", "a1")
    world.lose("a1")
    world.pass_time(3 * MINUTE)
    assert "NobodyOnCall" in world.trail()
    assert len(world.open()) == 1
