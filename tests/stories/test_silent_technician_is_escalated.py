from tests.stories.world import HOUR, MINUTE, World


def levels(world: World) -> None:
    world.people("Anne Martin", "Bruno Petit", "Chloé Roux")
    world.commune("37015", "Azay-sur-Cher", "a1")
    names = ("anne", "bruno", "chloé")
    for level, name in enumerate(names, start=1):
        span = {"person": f"{name}@example.fr", "level": level, "from": "2026-11-20", "until": "2026-11-27"}
        world.duty(span)


def test_ten_minutes_then_the_next_level_then_everybody(world: World) -> None:
    levels(world)
    world.lose("a1")
    world.pass_time(9 * MINUTE)
    assert [one.address for one in world.postman.taken] == ["anne@example.fr"]
    world.pass_time(4 * MINUTE)
    assert [one.address for one in world.postman.taken][1:] == ["bruno@example.fr"]
    assert "niveau précédent" in world.postman.taken[1].text
    world.pass_time(10 * MINUTE)
    assert sorted(one.address for one in world.postman.taken[2:]) == [
        "anne@example.fr",
        "bruno@example.fr",
        "chloé@example.fr",
    ]


def test_reminders_are_bounded(world: World) -> None:
    levels(world)
    world.lose("a1")
    world.pass_time(24 * HOUR)
    rounds = 2 + 10 * 3 + 2 * 3
    assert len(world.mails()) == rounds
