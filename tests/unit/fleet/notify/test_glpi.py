"""The mirror against a small GLPI that keeps tickets, loses answers and forgets sessions."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from fleet.notify.glpi import glpi_sender
from fleet.notify.model import Channel, NotSent, Outgoing
from fleet.notify.settings import Channels
from tests.unit.fleet.notify.servers import Answer, Seen, Server, serving


@dataclass
class Glpi:
    tickets: dict[int, dict[str, Any]] = field(default_factory=dict)
    notes: list[dict[str, Any]] = field(default_factory=list)
    documents: list[bytes] = field(default_factory=list)
    items: list[dict[str, Any]] = field(default_factory=list)
    sessions: int = 0
    lose_answer_of: str = ""

    def answer(self, seen: Seen) -> Answer:
        path = urlsplit(seen.path)
        name = path.path.strip("/")
        if name == "initSession":
            if seen.headers.get("Authorization") != "user_token U":
                return 401, ["ERROR_LOGIN"]
            self.sessions += 1
            return 200, {"session_token": "S"}
        if seen.headers.get("Session-Token") != "S":
            return 401, ["ERROR_SESSION_TOKEN_INVALID"]
        if name == "killSession":
            self.sessions -= 1
            return 200, True
        return self.ticket(seen, name, parse_qs(path.query))

    def ticket(self, seen: Seen, name: str, query: dict[str, list[str]]) -> Answer:
        if seen.method == "GET" and name != "Ticket":
            return 200, self.listed(name)
        if seen.method == "GET":
            wanted = query["searchText[externalid]"][0].strip("^$")
            found = [{"id": one} for one, values in self.tickets.items() if values["externalid"] == wanted]
            return 200, found
        if name == "Document":
            self.documents.append(seen.body)
            return self.answered(name, len(self.documents))
        values = seen.json["input"]
        if name == "Ticket":
            self.tickets[len(self.tickets) + 1] = values
            return self.answered(name, len(self.tickets))
        if name in ("ITILFollowup", "Document_Item"):
            kept = self.notes if name == "ITILFollowup" else self.items
            kept.append(values)
            return self.answered(name, len(kept))
        self.tickets[int(name.split("/")[1])].update(values)
        return 200, [{}]

    def answered(self, name: str, number: int) -> Answer:
        if self.lose_answer_of == name:
            self.lose_answer_of = ""
            return 502, b"bad gateway"
        return 201, {"id": number}

    def listed(self, name: str) -> list[dict[str, Any]]:
        if name.endswith("ITILFollowup"):
            return self.notes
        if name.endswith("Document_Item"):
            return self.items
        return [{"id": number} for number, _ in enumerate(self.documents, start=1)]


@pytest.fixture
def glpi() -> Iterator[tuple[Glpi, Server]]:
    made = Glpi()
    with serving(made.answer) as server:
        yield made, server


def mirror(
    server: Server,
    event: str,
    state: str,
    token: str = "U",
    content: bytes = b"",
    number: int = 1,
    **detail: object,
) -> str:
    channels = Channels(glpi_url=server.url, glpi_app_token="A", glpi_user_token=token)
    change = {
        "event": event,
        "ticket": 7,
        "title": "Azay",
        "state": state,
        "criticality": "CRITICAL",
    } | detail
    message = Outgoing(
        id=number,
        key="k",
        channel=Channel.GLPI,
        address="glpi",
        subject="",
        text="",
        html="",
        attempts=1,
        created_at_us=0,
        detail=change,
        content=content,
    )
    return glpi_sender(channels)(message, 0)


def test_created_updated_closed(glpi: tuple[Glpi, Server]) -> None:
    made, server = glpi
    assert mirror(server, "Report", "reported") == "1"
    assert mirror(server, "Acknowledge", "acknowledged", external_id="1", acknowledged_by="Anne") == "1"
    mirror(server, "Close", "closed", external_id="1", number=2)
    assert made.tickets[1] | {} == {
        "name": "Azay",
        "content": "Report : reported",
        "externalid": "passerelle-7",
        "status": 6,
        "urgency": 5,
        "type": 1,
    }
    assert [note["content"] for note in made.notes] == [
        "Acknowledge : acknowledged, Anne [1]",
        "Close : closed [2]",
    ]
    assert made.sessions == 0


def test_an_answer_that_was_lost_makes_no_second_ticket(glpi: tuple[Glpi, Server]) -> None:
    made, server = glpi
    made.lose_answer_of = "Ticket"
    with pytest.raises(NotSent, match="502"):
        mirror(server, "Report", "reported")
    assert mirror(server, "Report", "reported") == "1"
    assert len(made.tickets) == 1


PHOTO = {"id": 3, "name": "avant.jpg", "media_type": "image/jpeg"}


def test_a_photo_hangs_on_the_ticket(glpi: tuple[Glpi, Server]) -> None:
    made, server = glpi
    mirror(server, "Attach", "on_site", content=b"\xff\xd8photo", attachment=PHOTO)
    (document,) = made.documents
    assert b"\xff\xd8photo" in document
    assert b"passerelle-7-photo-3.jpeg" in document
    assert made.items == [{"documents_id": 1, "itemtype": "Ticket", "items_id": 1}]


@pytest.mark.parametrize("lost", ["Ticket", "Document", "Document_Item"])
def test_no_lost_answer_doubles_a_photo(glpi: tuple[Glpi, Server], lost: str) -> None:
    made, server = glpi
    made.lose_answer_of = lost
    with pytest.raises(NotSent, match="502"):
        mirror(server, "Attach", "on_site", content=b"x", attachment=PHOTO)
    mirror(server, "Attach", "on_site", content=b"x", attachment=PHOTO)
    assert (len(made.tickets), len(made.documents), len(made.items)) == (1, 1, 1)


def test_no_lost_answer_doubles_a_follow_up(glpi: tuple[Glpi, Server]) -> None:
    made, server = glpi
    made.lose_answer_of = "ITILFollowup"
    with pytest.raises(NotSent, match="502"):
        mirror(server, "Acknowledge", "acknowledged")
    mirror(server, "Acknowledge", "acknowledged")
    assert len(made.notes) == 1


def test_an_update_before_the_creation_creates_it_as_it_is(glpi: tuple[Glpi, Server]) -> None:
    made, server = glpi
    assert mirror(server, "Restore", "restored") == "1"
    assert made.tickets[1]["status"] == 5


def test_a_wrong_token_is_said_and_tried_again(glpi: tuple[Glpi, Server]) -> None:
    with pytest.raises(NotSent, match="401") as caught:
        mirror(glpi[1], "Report", "reported", token="X")
    assert not caught.value.final


def test_nonsense_is_named(glpi: tuple[Glpi, Server]) -> None:
    glpi[1].answer = lambda _: (200, b"<html>maintenance</html>")
    with pytest.raises(NotSent, match="session_token"):
        mirror(glpi[1], "Report", "reported")
