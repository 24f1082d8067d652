from fleet.notify.model import Channel
from fleet.tickets.model import Acknowledge
from tests.stories.world import HOUR, MINUTE, World, paris


def village(world: World, *euis: str) -> World:
    world.enable(Channel.SMS)
    world.people("Anne Martin", phone="06 12 34 56 78")
    world.commune("37015", "Azay-sur-Cher", *euis)
    world.cycle()
    return world


def test_critical_ignores_quiet_hours(world: World) -> None:
    village(world, "a1").lose("a1")
    world.pass_time(3 * MINUTE)
    (text,) = world.sms("+33612345678")
    assert text.startswith(
        "CRITIQUE Azay-sur-Cher : plus de service depuis 02:13. Sur site avant 06:15."
        " Ticket 1 : répondez OK 1. https://"
    )
    assert len(text) <= 306


def test_major_waits_until_two_hours_before_its_deadline(world: World) -> None:
    village(world, "a1", "a2").lose("a1")
    world.pass_time(3 * MINUTE)
    assert len(world.mails()) == 1
    world.pass_time(HOUR)
    assert world.sms() == []
    world.pass_time(HOUR)
    (first, *_) = [one for one in world.postman.taken if one.channel is Channel.SMS]
    due = world.ticket().reported_at_us + 4 * HOUR
    assert first.created_at_us == due - 2 * HOUR


def test_what_was_taken_meanwhile_wakes_nobody(world: World) -> None:
    village(world, "a1", "a2").lose("a1")
    world.pass_time(3 * MINUTE)
    world.act(1, Acknowledge(who="NOC", via="page", at_us=world.clock.at_us))
    world.pass_time(40 * MINUTE)
    assert world.sms() == []


def test_by_day_it_goes_at_once(world: World) -> None:
    world.clock.at_us = paris("2026-11-23 10:00:00")
    village(world, "a1", "a2").lose("a1")
    world.pass_time(3 * MINUTE)
    assert len(world.sms()) == 1


def test_the_end_comes_by_sms_too_by_day(world: World) -> None:
    world.clock.at_us = paris("2026-11-23 10:00:00")
    village(world, "a1").lose("a1")
    world.pass_time(3 * MINUTE)
    world.restore("a1")
    world.pass_time(3 * MINUTE)
    assert world.sms()[-1].startswith("RÉTABLI Azay-sur-Cher")
