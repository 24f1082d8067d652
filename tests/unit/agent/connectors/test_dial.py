import asyncio
import contextlib

import pytest

from agent.connectors.dial import back_after_a_cut, dial, look_for_a_way

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def listening() -> tuple[asyncio.Server, int]:
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    return server, int(server.sockets[0].getsockname()[1])


async def test_a_server_that_stands_is_reached_at_once_and_was_never_cut() -> None:
    server, port = await listening()
    found = await dial("localhost", port)
    assert found.getpeername()[1] == port
    found.close()
    assert not await back_after_a_cut("localhost", port)
    server.close()


async def test_a_refusal_and_a_name_that_is_none_are_told() -> None:
    server, port = await listening()
    server.close()
    await server.wait_closed()
    with pytest.raises(ConnectionRefusedError):
        await dial("127.0.0.1", port)
    with pytest.raises(OSError, match="known"):
        await dial("no-such-name.invalid", port)
    assert await back_after_a_cut("127.0.0.1", port), "the way is there, the server is not"


async def test_nothing_is_tried_while_nobody_doubts() -> None:
    server, port = await listening()
    doubts = iter([False, False])

    def doubtful() -> bool:
        try:
            return next(doubts)
        except StopIteration:
            asked.set()
            return False

    asked = asyncio.Event()
    looking = asyncio.create_task(look_for_a_way("127.0.0.1", port, doubtful))
    await asked.wait()
    assert not looking.done()
    looking.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await looking
    server.close()
