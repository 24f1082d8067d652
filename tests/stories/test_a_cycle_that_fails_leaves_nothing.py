import pytest

from fleet.response import cycle
from tests.stories.world import MINUTE, SECOND, World


class Broken(Exception):
    """Something after us in the engine's transaction."""


def fail(world: World) -> None:
    with world.database.write() as connection:
        cycle.run(connection, world.network(), world.clock.at_us)
        raise Broken


def test_rolled_back_and_done_again_once(azay: World) -> None:
    azay.lose("a1")
    azay.clock.at_us += 100_000_000
    for _ in range(3):
        with pytest.raises(Broken):
            fail(azay)
    assert azay.incidents() == ()
    azay.pass_time(MINUTE, every_us=SECOND)
    assert len(azay.incidents()) == 1
    assert len(azay.mails()) == 1
