import asyncio
import contextlib

import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message

from agent.wire.command import SPEED_LIMIT_BYTES
from fleet.web.api import speed
from tests.unit.fleet.web.api.site import Site


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    return Site(tmp_path_factory.mktemp("site"), open_access=False).client


@pytest.mark.parametrize("count", [1_000, 65_536, 65_537])
def test_as_many_bytes_as_asked_without_a_login(client, count):
    answer = client.get(f"/api/v1/speed?bytes={count}")
    assert (answer.status_code, len(answer.content)) == (200, count)


@pytest.mark.parametrize("count", [0, 999, SPEED_LIMIT_BYTES + 1])
def test_other_sizes_are_refused(client, count):
    assert client.get(f"/api/v1/speed?bytes={count}").status_code == 422


def test_only_so_many_at_once(client):
    for _ in range(speed.AT_ONCE_LIMIT):
        assert speed._slots.acquire(blocking=False)
    try:
        assert client.get("/api/v1/speed").status_code == 503
    finally:
        for _ in range(speed.AT_ONCE_LIMIT):
            speed._slots.release()
    assert client.get("/api/v1/speed").status_code == 200


@pytest.mark.parametrize("count", [0, 1_000, SPEED_LIMIT_BYTES])
def test_as_many_bytes_as_sent_are_counted(client, count):
    answer = client.post("/api/v1/speed", content=bytes(count))
    assert (answer.status_code, answer.json()) == (200, {"bytes": count})


def test_a_body_beyond_the_limit_is_refused_and_frees_its_place(client):
    for _ in range(speed.AT_ONCE_LIMIT + 1):
        assert client.post("/api/v1/speed", content=bytes(SPEED_LIMIT_BYTES + 1)).status_code == 413


@pytest.mark.parametrize("sends", [0, 1, 2], ids=["before the head", "before a byte", "amid the answer"])
def test_an_aborted_answer_gives_its_place_back(client, sends):
    async def aborted() -> None:
        left = sends

        async def send(message: Message) -> None:
            nonlocal left
            if not left:
                raise OSError("the client is gone")
            left -= 1

        async def receive() -> Message:
            return await asyncio.Event().wait()

        scope = {"type": "http", "method": "GET", "path": "/api/v1/speed", "headers": [], "query_string": b""}
        with contextlib.suppress(OSError, ClientDisconnect):
            await client.app(scope | {"query_string": b"bytes=200000"}, receive, send)

    for _ in range(speed.AT_ONCE_LIMIT + 1):
        asyncio.run(aborted())
    assert client.get("/api/v1/speed").status_code == 200
