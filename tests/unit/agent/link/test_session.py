"""One MQTT connection against a broker that answers byte by byte as the test wants."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from agent.link.session import MESSAGES_LIMIT, Session, SessionLost, SessionRefused, Will

CONNACK = bytes((0x20, 2, 0, 0))
BAD_PASSWORD = bytes((0x20, 2, 0, 4))
"""MQTT 3.1.1 §3.2.2.3."""
PINGRESP = bytes((0xD0, 0))
CONNECT, PUBLISH, SUBSCRIBE, PINGREQ, DISCONNECT = 1, 3, 8, 12, 14
WAIT_S = 60.0
Answer = Callable[[int, bytes, asyncio.StreamWriter], Awaitable[None]]


class Broker:
    """Reads packets and hands each to the test's ``answer``; keeps their kinds."""

    def __init__(self, answer: Answer) -> None:
        self.kinds: list[int] = []
        self.port = 0
        self._answer = answer

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                kind = (await reader.readexactly(1))[0]
                size = shift = 0
                while True:
                    digit = (await reader.readexactly(1))[0]
                    size |= (digit & 0x7F) << shift
                    shift += 7
                    if digit < 0x80:
                        break
                body = await reader.readexactly(size)
                self.kinds.append(kind >> 4)
                await self._answer(kind, body, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


async def accepting(kind: int, body: bytes, writer: asyncio.StreamWriter) -> None:
    """Answer as a broker does that has nothing to say."""
    match kind >> 4:
        case 1:
            writer.write(CONNACK)
        case 3 if kind & 0x06:
            at = 2 + int.from_bytes(body[:2], "big")
            writer.write(bytes((0x40, 2)) + body[at : at + 2])
        case 8:
            writer.write(bytes((0x90, 3)) + body[:2] + b"\x01")
        case 12:
            writer.write(PINGRESP)


@asynccontextmanager
async def connected(answer: Answer, *, keepalive_s: int = 60) -> AsyncIterator[tuple[Session, Broker]]:
    broker = Broker(answer)
    server = await asyncio.start_server(broker.serve, "127.0.0.1", 0)
    broker.port = server.sockets[0].getsockname()[1]
    session = Session(
        client_id="0016c001f12a3b4c",
        keepalive_s=keepalive_s,
        will=Will(topic="p", payload=b"gone"),
        context=None,
    )
    try:
        async with asyncio.timeout(WAIT_S):
            yield session, broker
    finally:
        await session.close()
        server.close()
        await server.wait_closed()


async def opened(session: Session, broker: Broker) -> None:
    await session.open("127.0.0.1", broker.port, wait_s=WAIT_S)


def test_subscribing_and_publishing_return_when_the_broker_has_confirmed() -> None:
    async def run() -> list[int]:
        async with connected(accepting) as (session, broker):
            await opened(session, broker)
            await session.subscribe(["a", "b"], wait_s=WAIT_S)
            await session.publish("t", b"1", qos=1, wait_s=WAIT_S)
            await session.publish("t", b"0", qos=0, wait_s=WAIT_S)
            await session.publish("t", b"2", qos=1, wait_s=WAIT_S)
            return broker.kinds

    assert asyncio.run(run())[:5] == [CONNECT, SUBSCRIBE, PUBLISH, PUBLISH, PUBLISH]


def test_a_session_ends_with_disconnect() -> None:
    async def run() -> list[int]:
        async with connected(accepting) as (session, broker):
            await opened(session, broker)
            await session.close()
            while DISCONNECT not in broker.kinds:
                await asyncio.sleep(0.01)
            assert session.line is None
            return broker.kinds

    assert asyncio.run(run()) == [CONNECT, DISCONNECT]


def test_a_refusal_carries_the_code_of_mqtt_5() -> None:
    async def refusing(kind: int, body: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(BAD_PASSWORD)

    async def run() -> int:
        async with connected(refusing) as (session, broker):
            with pytest.raises(SessionRefused) as refused:
                await opened(session, broker)
            return refused.value.code

    assert asyncio.run(run()) == 134


def test_a_broker_that_says_nothing_is_a_lost_session() -> None:
    async def silent(kind: int, body: bytes, writer: asyncio.StreamWriter) -> None:
        return

    async def run() -> None:
        async with connected(silent) as (session, broker):
            with pytest.raises(SessionLost, match=r"does not answer within 0\.2 s"):
                await session.open("127.0.0.1", broker.port, wait_s=0.2)

    asyncio.run(run())


def test_no_broker_at_all_is_the_kernels_own_error() -> None:
    async def run() -> None:
        async with connected(accepting) as (session, broker):
            port, spare = broker.port, await asyncio.start_server(broker.serve, "127.0.0.1", 0)
            port = spare.sockets[0].getsockname()[1]
            spare.close()
            await spare.wait_closed()
            with pytest.raises(ConnectionRefusedError):
                await session.open("127.0.0.1", port, wait_s=WAIT_S)

    asyncio.run(run())


def test_whatever_waits_ends_when_the_connection_does() -> None:
    async def hanging_up(kind: int, body: bytes, writer: asyncio.StreamWriter) -> None:
        if kind >> 4 == PUBLISH:
            writer.close()
        else:
            await accepting(kind, body, writer)

    async def run() -> None:
        async with connected(hanging_up) as (session, broker):
            await opened(session, broker)
            with pytest.raises(SessionLost, match="the connection ended"):
                await session.publish("t", b"1", qos=1, wait_s=WAIT_S)
            with pytest.raises(SessionLost, match="the connection ended"):
                await anext(aiter(session.messages()))
            with pytest.raises(SessionLost):
                await session.publish("t", b"2", qos=1, wait_s=WAIT_S)

    asyncio.run(run())


@pytest.mark.parametrize("garbage", [b"\x30\x01\xff", b"\xf0\x00", b"\x30\xff\xff\xff\xff\xff\xff"])
def test_bytes_that_are_no_mqtt_end_the_session(garbage: bytes) -> None:
    async def babbling(kind: int, body: bytes, writer: asyncio.StreamWriter) -> None:
        if kind >> 4 == CONNECT:
            writer.write(CONNACK + garbage)

    async def run() -> None:
        async with connected(babbling) as (session, broker):
            await opened(session, broker)
            with pytest.raises(SessionLost):
                await anext(aiter(session.messages()))

    asyncio.run(run())


def test_messages_beyond_the_limit_wait_in_the_broker_and_none_is_lost() -> None:
    total = 20 * MESSAGES_LIMIT

    async def flooding(kind: int, body: bytes, writer: asyncio.StreamWriter) -> None:
        if kind >> 4 == CONNECT:
            writer.write(CONNACK)
            for number in range(total):
                writer.write(bytes((0x30, 7)) + b"\x00\x01t" + number.to_bytes(4, "big"))

    async def run() -> tuple[list[int], list[int]]:
        async with connected(flooding) as (session, broker):
            await opened(session, broker)
            got, waiting = [], []
            async for message in session.messages():
                got.append(int.from_bytes(message.payload, "big"))
                waiting.append(session.waiting)
                await asyncio.sleep(0)
                if len(got) == total:
                    break
            return got, waiting

    got, waiting = asyncio.run(run())
    assert got == list(range(total))
    assert max(waiting) <= MESSAGES_LIMIT


@pytest.mark.slow
def test_a_silent_line_is_asked_for_a_sign_of_life_only_when_it_is_looked_at() -> None:
    async def looked_at() -> None:
        async with connected(accepting, keepalive_s=1) as (session, broker):
            session.look_every_s = 0.1
            await opened(session, broker)
            while PINGREQ not in broker.kinds:
                await asyncio.sleep(0.01)

    async def left_alone() -> list[int]:
        async with connected(accepting, keepalive_s=1) as (session, broker):
            session.look_every_s = 60
            await opened(session, broker)
            await asyncio.sleep(1.5)
            return broker.kinds

    asyncio.run(looked_at())
    assert PINGREQ not in asyncio.run(left_alone())


@pytest.mark.slow
def test_a_sign_of_life_that_does_not_come_ends_the_session() -> None:
    async def deaf(kind: int, body: bytes, writer: asyncio.StreamWriter) -> None:
        if kind >> 4 == CONNECT:
            writer.write(CONNACK)

    async def run() -> None:
        async with connected(deaf, keepalive_s=1) as (session, broker):
            session.look_every_s = 0.1
            await opened(session, broker)
            with pytest.raises(SessionLost, match=r"[Kk]eep"):
                await anext(aiter(session.messages()))

    asyncio.run(run())
