from fleet.notify.model import Channel, Delivery, NotSent
from fleet.tickets import attachments
from fleet.tickets.model import Acknowledge, Depart
from fleet.tickets.photos import picture_of
from tests.stories.world import DAY, HOUR, MINUTE, World
from tests.unit.fleet.tickets.test_photos import png


def test_people_are_told_and_the_mirror_catches_up_in_order(azay: World) -> None:
    azay.enable(Channel.GLPI, Channel.WEBHOOK)
    azay.postman.refusing["glpi"] = NotSent("GLPI: 503")
    azay.lose("a1")
    azay.pass_time(3 * MINUTE)
    azay.act(1, Acknowledge(who="Anne", via="page", at_us=azay.clock.at_us))
    assert len(azay.mails()) == 1
    mirrored = [one for one in azay.notifications() if one.channel is Channel.GLPI]
    assert [one.state for one in mirrored] == [Delivery.PENDING] * 2
    azay.postman.refusing.clear()
    azay.pass_time(HOUR)
    sent = [one.detail["event"] for one in azay.postman.taken if one.channel is Channel.GLPI]
    assert sent[:2] == ["Report", "Acknowledge"]
    posted = [one.detail["event"] for one in azay.postman.taken if one.channel is Channel.WEBHOOK]
    assert posted[:2] == ["Report", "Acknowledge"]
    assert len({one.key for one in azay.postman.taken}) == len(azay.postman.taken)


def test_rows_of_one_ticket_never_go_two_at_once_and_other_tickets_do_not_wait(azay: World) -> None:
    azay.commune("37281", "Vouvray", "b1", epci="CC 2")
    azay.enable(Channel.GLPI)
    azay.lose("a1")
    azay.pass_time(3 * MINUTE, every_us=MINUTE)
    azay.postman.refusing["glpi"] = NotSent("GLPI: 503")
    azay.act(1, Acknowledge(who="Anne", via="page", at_us=azay.clock.at_us))
    azay.act(1, Depart(who="Anne", via="page", at_us=azay.clock.at_us))
    azay.lose("b1")
    azay.pass_time(3 * MINUTE, every_us=MINUTE)
    worker = azay.worker()
    azay.clock.at_us += HOUR
    first = [(one.detail["ticket"], one.detail["event"]) for one in worker.claim() if one.channel == "glpi"]
    assert sorted(first) == [(1, "Acknowledge"), (2, "Report")]
    assert [one for one in worker.claim() if one.channel == "glpi"] == []


def test_a_glpi_that_is_away_for_a_week_loses_nothing(azay: World) -> None:
    azay.enable(Channel.GLPI)
    azay.postman.refusing["glpi"] = NotSent("GLPI: 503")
    azay.lose("a1")
    azay.pass_time(3 * MINUTE)
    for _ in range(7 * 4):
        azay.clock.at_us += DAY // 4
        azay.send()
    azay.postman.refusing.clear()
    azay.clock.at_us += HOUR
    azay.send()
    assert [one.detail["event"] for one in azay.postman.taken if one.channel is Channel.GLPI] == ["Report"]


def test_a_photo_goes_along(azay: World) -> None:
    azay.enable(Channel.GLPI, Channel.WEBHOOK)
    azay.lose("a1")
    azay.pass_time(3 * MINUTE)
    picture = picture_of(png())
    with azay.database.write() as connection:
        told = {"name": "avant.png", "picture": picture, "who": "Anne", "via": "api"}
        attachments.attach(connection, 1, now_us=azay.clock.at_us, **told)
    azay.send()
    by_way = {one.channel: one for one in azay.postman.taken if one.detail.get("event") == "Attach"}
    assert by_way[Channel.GLPI].content.startswith(b"\x89PNG")
    assert by_way[Channel.WEBHOOK].content == b""
    assert by_way[Channel.WEBHOOK].detail["attachment"]["media_type"] == "image/png"
