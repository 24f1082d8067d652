from pathlib import Path

import pytest

from tests.stories.world import HOUR, MINUTE, SECOND, new_world, paris


@pytest.mark.parametrize(
    ("night", "lost", "due"),
    [("2026-03-29", "01:30", "06:31"), ("2026-10-25", "01:30", "04:31"), ("2026-11-22", "01:30", "05:31")],
)
def test_four_hours_are_four_hours_when_clocks_change(
    tmp_path: Path, night: str, lost: str, due: str
) -> None:
    world = new_world(tmp_path, f"{night} {lost}:00")
    world.people("Anne Martin")
    world.commune("37015", "Azay-sur-Cher", "a1")
    world.lose("a1")
    world.pass_time(3 * MINUTE)
    assert world.mails() == [f"CRITIQUE Azay-sur-Cher : plus de service depuis {lost}. Sur site avant {due}."]
    shown = world.open()[0].ticket
    assert shown is not None
    assert shown.intervention.due_at_us == paris(f"{night} {lost}:00") + 90 * SECOND + 4 * HOUR
    world.database.close()
