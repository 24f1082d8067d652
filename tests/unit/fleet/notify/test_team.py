"""Rooms through the real Apprise: an ntfy server and a Matrix home server as small servers on loopback."""

import json

import pytest

from fleet.notify.model import Channel, NotSent, Outgoing
from fleet.notify.settings import Channels
from fleet.outbox_worker import team_sender
from tests.unit.fleet.notify.servers import Answer, Seen, Server, serving

pytestmark = pytest.mark.slow

MESSAGE = Outgoing(
    id=1,
    key="page/1/team",
    channel=Channel.APPRISE,
    address="team",
    subject="CRITIQUE Azay-sur-Cher",
    text="Cause : pas encore connue.",
    html="",
    attempts=1,
    created_at_us=0,
)


def send(*urls: str) -> str:
    return team_sender(Channels(apprise_urls=urls))(MESSAGE, 0)


def ntfy(server: Server) -> str:
    return f"ntfy://127.0.0.1:{server.port}/astreinte"


def matrix(seen: Seen) -> Answer:
    if "login" in seen.path:
        return 200, {"access_token": "T", "home_server": "h", "user_id": "@p:h", "device_id": "d"}
    if "join" in seen.path:
        return 200, {"room_id": "!room:h"}
    return 200, {"event_id": "$1"}


def test_ntfy_gets_title_and_text() -> None:
    with serving(lambda _: (200, {"id": "x"})) as server:
        assert send(ntfy(server)) == ""
    told = json.loads(server.seen[0].body)
    assert told["topic"] == "astreinte"
    assert told["title"] == "CRITIQUE Azay-sur-Cher"
    assert "Cause" in told["message"]


def test_matrix_gets_the_text() -> None:
    with serving(matrix) as server:
        send(f"matrix://user:word@127.0.0.1:{server.port}/%21room:h?v=3")
    bodies = b"".join(seen.body for seen in server.seen)
    assert b"CRITIQUE Azay-sur-Cher" in bodies


def test_a_room_that_is_down_is_tried_again() -> None:
    with serving(lambda _: (503, b"")) as server, pytest.raises(NotSent, match="did not take") as caught:
        send(ntfy(server))
    assert not caught.value.final


def test_an_address_that_apprise_does_not_know_is_named() -> None:
    with pytest.raises(NotSent, match="knows no nonsense://"):
        send("nonsense://x")
