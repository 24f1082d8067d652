from fleet.notify.model import Channel
from tests.stories.world import MINUTE, World, paris


def test_the_sixth_sms_in_fifteen_minutes_waits(world: World) -> None:
    world.clock.at_us = paris("2026-11-23 10:00:00")
    world.enable(Channel.SMS)
    world.people("Anne Martin", phone="0612345678")
    for number in range(7):
        world.commune(
            f"3700{number}", f"V{number}", f"g{number}", epci=f"E{number}", power_feeder=f"F{number}"
        )
    for number in range(20):
        world.commune(f"38{number:03d}", f"W{number}", f"h{number}", epci=f"G{number}")
    world.cycle()
    for number in range(7):
        world.lose(f"g{number}")
        world.pass_time(70_000_000)
    world.pass_time(MINUTE)
    assert len(world.sms()) == 5
    assert len(world.mails()) >= 6
    world.pass_time(15 * MINUTE)
    assert len(world.sms()) > 5
