from pathlib import Path

from tests.stories.world import MINUTE, new_world


def test_the_holiday_belongs_to_whom_it_was_given(tmp_path: Path) -> None:
    world = new_world(tmp_path, "2026-12-25 11:00:00")
    world.people("Anne Martin", "Bruno Petit", "Noël Dumas")
    rotation = {"rotation": "N1", "period": "weekly", "starts_on": "2026-11-16", "handover": "08:00"}
    rotation |= {"people": ["anne@example.fr", "bruno@example.fr"], "holidays": "noël@example.fr"}
    world.duty(rotation)
    world.commune("37015", "Azay-sur-Cher", "a1")
    world.lose("a1")
    world.pass_time(3 * MINUTE)
    assert [one.address for one in world.postman.taken] == ["noël@example.fr"]
    world.database.close()
