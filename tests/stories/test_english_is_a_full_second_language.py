from tests.stories.world import MINUTE, World


def test_a_person_who_chose_english(world: World) -> None:
    world.people("Anne Martin", language="en")
    world.commune("37015", "Azay-sur-Cher", "a1")
    world.lose("a1")
    world.pass_time(3 * MINUTE)
    assert world.mails() == ["CRITICAL Azay-sur-Cher: no service since 02:13. On site before 06:15."]
