"""The page beside the gateway: what it shows, to whom, and what it refuses."""

import asyncio

import pytest

from agent.local_page import LOOPBACK, PLAIN, Answer, Asked, LocalPage
from agent.status.page import StatusPage, page
from agent.status.say import Lang, lang_of
from agent.wire import reasons
from demo.ports import free_port
from tests.controlpath.virtual import status


async def _asked(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    writer.write(request)
    answer = await reader.read()
    writer.close()
    return answer


def asked(request: bytes) -> bytes:
    async def ask() -> bytes:
        port = free_port()
        shown = StatusPage(lambda: status(onsite_code="123456"))
        await shown.follow(port, lan=False)
        try:
            return await _asked(port, request)
        finally:
            shown.close()

    return asyncio.run(ask())


def test_the_page_shows_state_and_code_in_the_browser_s_language() -> None:
    french = asked(b"GET / HTTP/1.1\r\nAccept-Language: fr-FR\r\n\r\n").decode()
    assert french.startswith("HTTP/1.1 200 OK")
    assert "123 456" in french
    assert "Code sur site" in french
    assert "default-src 'none'" in french
    english = asked(b"GET / HTTP/1.1\r\nAccept-Language: en\r\n\r\n").decode()
    assert "On-site code" in english
    assert "État général" not in english


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\n",
        b"GET /identity/key.pem HTTP/1.1\r\n\r\n",
        b"GET /../etc/passwd HTTP/1.1\r\n\r\n",
        b"DELETE / HTTP/1.1\r\n\r\n",
    ],
)
def test_it_is_read_only_and_one_page(request_bytes: bytes) -> None:
    assert asked(request_bytes).startswith(b"HTTP/1.1 404")


def test_a_length_of_thousands_of_digits_is_too_long() -> None:
    async def act(request: Asked) -> Answer | None:
        return None

    async def ask() -> bytes:
        port = free_port()
        shown = LocalPage(lambda _: "", path="/", content_type=PLAIN, acts=act, body_limit_bytes=10)
        async with await shown.serve(port):
            return await _asked(port, b"POST / HTTP/1.1\r\nContent-Length: " + b"9" * 5_000 + b"\r\n\r\n")

    assert asyncio.run(ask()).startswith(b"HTTP/1.1 413")


def test_what_came_from_elsewhere_is_escaped() -> None:
    shown = page(
        status(
            site="<script>alert(1)</script>",
            radio="DEAF",
            radio_reason=reasons.radio.misbehaved(detail="<b>"),
        ),
        Lang.FR,
    )
    assert "<script>" not in shown
    assert "<b>" not in shown


def test_the_port_follows_the_configuration() -> None:
    async def follow() -> None:
        first, second = free_port(), free_port()
        shown = StatusPage(status)
        await shown.follow(first, lan=False)
        await shown.follow(second, lan=False)
        assert (await _asked(second, b"GET / HTTP/1.1\r\n\r\n")).startswith(b"HTTP/1.1 200")
        with pytest.raises(ConnectionRefusedError):
            await _asked(first, b"")
        taken = StatusPage(status)
        await taken.follow(second, lan=False)
        assert taken.refused == 1
        await shown.follow(0, lan=False)
        await taken.follow(second, lan=False)
        assert (await _asked(second, b"GET / HTTP/1.1\r\n\r\n")).startswith(b"HTTP/1.1 200")
        taken.close()

    asyncio.run(follow())


@pytest.mark.parametrize(
    ("accepted", "lang"),
    [
        ("", Lang.FR),
        ("de", Lang.FR),
        ("de, en;q=0.5", Lang.EN),
        ("fr-CA,en", Lang.FR),
        ("EN-GB", Lang.EN),
        ("de , FR", Lang.FR),
    ],
)
def test_french_unless_english_comes_first(accepted: str, lang: Lang) -> None:
    assert lang_of(accepted) is lang
