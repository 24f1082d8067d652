import asyncio

import pytest

from fleet.live import feed as feeds
from fleet.live.feed import CLIENT_QUEUE_LIMIT, Feed, FeedFull
from fleet.live.model import NetworkNow


def network(at_us):
    return NetworkNow(at_us=at_us)


async def settle():
    for _ in range(3):
        await asyncio.sleep(0)


def test_a_client_gets_the_newest_at_once_then_each():
    async def story():
        feed = Feed()
        feed.publish(network(1))
        with feed.subscribe() as updates:
            feed.publish(network(2))
            feed.close()
            return [update.network.at_us async for update in updates]

    assert asyncio.run(story()) == [1, 2]


@pytest.mark.parametrize(("count", "lagged"), [(CLIENT_QUEUE_LIMIT, False), (CLIENT_QUEUE_LIMIT + 1, True)])
def test_a_slow_client_loses_the_oldest_and_is_told(count, lagged):
    async def story():
        feed = Feed()
        with feed.subscribe() as updates:
            for number in range(count):
                feed.publish(network(number))
            await settle()
            return [updates.queue.get_nowait() for _ in range(updates.queue.qsize())]

    got = asyncio.run(story())
    assert len(got) == CLIENT_QUEUE_LIMIT
    assert got[-1].network.at_us == count - 1
    assert got[-1].lagged is lagged


def test_more_pages_than_the_limit_are_refused(monkeypatch):
    monkeypatch.setattr(feeds, "CLIENTS_LIMIT", 1)

    async def story():
        feed = Feed()
        with feed.subscribe():
            with pytest.raises(FeedFull), feed.subscribe():
                pass
            assert feed.clients == 1
        assert feed.clients == 0

    asyncio.run(story())


def test_publishing_without_clients_keeps_the_newest():
    feed = Feed()
    feed.publish(network(1))
    assert feed.publish(network(2)).cycle == 2
    assert feed.latest.network.at_us == 2
