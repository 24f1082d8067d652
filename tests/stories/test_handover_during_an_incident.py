from tests.stories.world import MINUTE, World


def test_the_reminder_after_the_handover_goes_to_whom_it_now_concerns(world: World) -> None:
    world.people("Anne Martin", "Bruno Petit")
    world.duty({"person": "anne@example.fr", "from": "2026-11-21T08:00", "until": "2026-11-22T02:20"})
    world.duty({"person": "bruno@example.fr", "from": "2026-11-22T02:20", "until": "2026-11-23T08:00"})
    world.commune("37015", "Azay-sur-Cher", "a1")
    world.lose("a1")
    world.pass_time(4 * MINUTE)
    assert [one.address for one in world.postman.taken] == ["anne@example.fr"]
    world.pass_time(10 * MINUTE)
    assert [one.address for one in world.postman.taken] == ["anne@example.fr", "bruno@example.fr"]


def test_the_end_is_told_to_whoever_was_told_of_the_beginning(world: World) -> None:
    world.people("Anne Martin", "Bruno Petit")
    world.duty({"person": "anne@example.fr", "from": "2026-11-21T08:00", "until": "2026-11-22T02:20"})
    world.duty({"person": "bruno@example.fr", "from": "2026-11-22T02:20", "until": "2026-11-23T08:00"})
    world.commune("37015", "Azay-sur-Cher", "a1")
    world.lose("a1")
    world.pass_time(4 * MINUTE)
    world.restore("a1")
    world.pass_time(20 * MINUTE)
    assert [one.address for one in world.postman.taken] == ["anne@example.fr", "anne@example.fr"]
