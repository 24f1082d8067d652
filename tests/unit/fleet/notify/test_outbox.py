from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet.broker.address import Broker
from fleet.notify import mirrors, outbox
from fleet.notify.model import Channel, Delivery, NotSent, Outgoing, Rendered
from fleet.notify.timing import ATTEMPTS_LIMIT, LIFE_US, LONGEST_WAIT_US, next_attempt_us
from fleet.outbox_worker import Worker, mail_sender
from fleet.settings import Settings
from tests.stories.world import MINUTE, World, new_world

MESSAGE = Rendered(subject="s", text="t [[ticket:1]]", html="<p>[[ticket:1]]</p>", sms="x")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = new_world(tmp_path)
    made.people("Anne Martin")
    yield made
    made.database.close()


def enqueue(world: World, key: str = "k", channel: Channel = Channel.MAIL) -> bool:
    with world.database.write() as connection:
        return outbox.enqueue(
            connection,
            key=key,
            channel=channel,
            address="anne@example.fr",
            message=MESSAGE,
            now_us=world.clock.at_us,
            person_id=1,
            ticket_ids=[1],
            detail={"ticket": 1},
        )


def test_the_same_key_is_written_once(world: World) -> None:
    assert enqueue(world) is True
    assert enqueue(world) is False
    assert len(world.notifications()) == 1


def test_the_database_never_holds_a_token_and_the_mail_does(world: World) -> None:
    world.commune("37015", "Azay-sur-Cher", "a1")
    world.lose("a1")
    world.pass_time(2 * MINUTE)
    token = world.link()
    world.database.close()
    assert token.encode() not in b"".join(path.read_bytes() for path in world.folder.glob("fleet.db*"))


@pytest.mark.parametrize(
    ("channel", "life_us"), [(Channel.MAIL, LIFE_US), (Channel.WEBHOOK, mirrors.LIFE_US)]
)
def test_workers_that_die_are_no_attempts_and_in_the_end_it_is_failed(
    world: World, channel: Channel, life_us: int
) -> None:
    enqueue(world, channel=channel)
    worker, until_us = world.worker(), world.clock.at_us + life_us
    while world.clock.at_us < until_us:
        (claimed,) = worker.claim()
        assert claimed.attempts == 1
        assert worker.claim() == ()
        world.clock.at_us += life_us // 20
    assert worker.claim() == ()
    (shown,) = world.notifications()
    assert shown.state is Delivery.FAILED
    assert "given up" in shown.error


@pytest.mark.parametrize("channel", mirrors.MIRRORS)
def test_a_mirror_gets_the_rows_of_one_ticket_one_after_the_other(world: World, channel: Channel) -> None:
    enqueue(world, "first", channel)
    enqueue(world, "second", channel)
    worker = world.worker()
    (first,) = worker.claim()
    assert worker.claim() == ()
    worker.deliver(first)
    (second,) = worker.claim()
    assert (first.key, second.key) == ("first", "second")


def test_a_channel_without_a_sender_says_so_on_the_ticket(world: World) -> None:
    enqueue(world, channel=Channel.WEBHOOK)
    worker = Worker(database=world.database, clock=world.clock, public_url="", secret=b"s", senders={})
    for message in worker.claim():
        worker.deliver(message)
    assert "no sender for channel webhook" in world.notifications()[0].error


@pytest.mark.parametrize("attempts", range(1, ATTEMPTS_LIMIT + 2))
def test_waits_grow_and_end(attempts: int) -> None:
    at = next_attempt_us(attempts, 0)
    if attempts >= ATTEMPTS_LIMIT:
        assert at is None
    else:
        assert at == min(5_000_000 * 2 ** (attempts - 1), LONGEST_WAIT_US)


def test_what_cannot_be_a_mail_is_refused_for_good(tmp_path: Path) -> None:
    settings = Settings(
        data=tmp_path,
        public_url="",
        database_url="",
        broker=Broker(host="x", port=1, tls=False),
        smtp_url="smtp://127.0.0.1:1",
        mail_from="a@b",
    )
    bad = Outgoing(
        id=1,
        key="k",
        channel=Channel.MAIL,
        address="a@b\nBcc: c@d",
        subject="s",
        text="t",
        html="",
        attempts=1,
        created_at_us=0,
    )
    with pytest.raises(NotSent, match="cannot be a mail") as caught:
        mail_sender(settings)(bad, 0)
    assert caught.value.final
