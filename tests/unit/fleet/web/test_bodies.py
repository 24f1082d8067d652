"""Bodies are bounded before routes see them; each refusal gives its room back."""

import asyncio

import pytest
from starlette.responses import PlainTextResponse

from fleet.web.bodies import LARGE_TOTAL_BYTES, SMALL_LIMIT_BYTES, BoundedBodies, limit_of

CLOSE = (b"connection", b"close")


class Application:
    """Answers how many bytes it was given, and notes that it was asked."""

    def __init__(self):
        self.asked = []

    async def __call__(self, scope, receive, send):
        message = await receive()
        self.asked.append(len(message["body"]))
        await PlainTextResponse(str(len(message["body"])))(scope, receive, send)


def ask(parts, *, path="/connexion", length=None, middleware=None, headers=(), hang=False):
    """Return (status, headers, text) of one request whose body comes in ``parts``, and the application."""
    app = Application()
    bounded = middleware or BoundedBodies(app, small_wait_s=0.02, large_wait_s=0.02)
    bounded.app = app
    given, sent = list(parts), []
    before = (bounded.small.taken_bytes, bounded.large.taken_bytes)
    size = (
        (b"content-length", str(length).encode())
        if length is not None
        else (b"transfer-encoding", b"chunked")
    )
    scope = {"type": "http", "method": "POST", "path": path, "headers": [size, *headers]}

    async def receive():
        if not given:
            if hang:
                await asyncio.Event().wait()
            return {"type": "http.disconnect"}
        part = given.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(given) or hang}

    async def send(message):
        sent.append(message)

    asyncio.run(bounded(scope, receive, send))
    assert (bounded.small.taken_bytes, bounded.large.taken_bytes) == before
    if not sent:
        return None, [], "", app
    text = b"".join(message.get("body", b"") for message in sent[1:]).decode()
    return sent[0]["status"], sent[0]["headers"], text, app


@pytest.mark.parametrize(
    "path", ["/connexion", "/api/v1/tickets", "/no/such/route", "/tickets/7/photo", "/registre"]
)
def test_at_the_limit_it_is_given_whole_and_beyond_it_nobody_is_asked(path):
    limit = limit_of(path)
    half = limit // 2
    status, _, text, _ = ask([bytes(half), bytes(limit - half)], path=path)
    assert (status, text) == (200, str(limit))
    status, headers, _, app = ask([bytes(half), bytes(limit - half + 1)], path=path)
    assert status == 413
    assert CLOSE in headers
    assert app.asked == []


def test_an_announced_size_is_refused_before_a_byte_is_read():
    status, _, text, app = ask([b"never read"], path="/api/v1/enrolments", length=300_000_000)
    assert (status, app.asked) == (413, [])
    assert f"at most {SMALL_LIMIT_BYTES} bytes" in text
    assert ask([b"x"], length="9" * 5000)[0] == 413


@pytest.mark.parametrize("path", ["/connexion", "/tickets/7/photo"])
def test_a_body_that_does_not_arrive_is_refused(path):
    status, headers, _, app = ask([b"slow"], path=path, hang=True)
    assert (status, app.asked) == (408, [])
    assert CLOSE in headers


def test_a_connection_that_ends_asks_nobody():
    assert ask([], length=7)[0] is None


def test_large_bodies_never_take_the_room_of_small_ones_and_wait_for_their_own():
    bounded = BoundedBodies(None)
    bounded.large.taken_bytes = LARGE_TOTAL_BYTES - 4
    status, headers, _, app = ask([b"1234", b"5"], path="/tickets/7/photo", middleware=bounded)
    assert (status, app.asked) == (503, [])
    assert (b"retry-after", b"10") in headers
    assert ask([b"1234"], path="/tickets/7/photo", middleware=bounded)[0] == 200
    assert ask([b"12345"], middleware=bounded)[0] == 200


@pytest.mark.parametrize(
    ("cookie", "word"), [(b"", "dépasse"), (b"langue=en", "exceeds"), (b'a="\\', "dépasse")]
)
def test_people_read_a_sentence_in_their_language(cookie, word):
    assert word in ask([bytes(SMALL_LIMIT_BYTES + 1)], headers=[(b"cookie", cookie)])[2]


def test_without_a_body_nothing_is_read_ahead():
    async def app(scope, receive, send):
        assert receive is given
        await PlainTextResponse("here")(scope, receive, send)

    async def given():
        raise AssertionError

    sent = []

    async def send(message):
        sent.append(message)

    asyncio.run(BoundedBodies(app)({"type": "http", "path": "/", "headers": []}, given, send))
    assert sent[0]["status"] == 200
