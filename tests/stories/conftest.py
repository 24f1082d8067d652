from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stories.world import World, new_world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = new_world(tmp_path)
    yield made
    made.database.close()


@pytest.fixture
def azay(world: World) -> World:
    """One village, one gateway, one technician; Sunday 02:13:48."""
    world.people("Anne Martin")
    world.commune("37015", "Azay-sur-Cher", "a1")
    world.cycle()
    return world
