"""A mirror of tickets in GLPI; our clocks stay the authority, GLPI's TTO and TTR are not the contract's.

One session a message: ``initSession``, the write, ``killSession``.  What was written is looked for before it
is written again: a ticket by its external number, a follow-up by ours in its text, a photo by its name.  So
an answer that was lost doubles nothing.

Sources: GLPI ``apirest.md`` (initSession with user_token and App-Token, POST /Ticket {"input": …}, PUT,
ITILFollowup, searchText, POST /Document with ``uploadManifest``, Document_Item); states 1 new,
2 assigned, 4 pending, 5 solved, 6 closed; urgency 1 to 5.
"""

import json
from collections.abc import Callable
from typing import Any

import httpx

from fleet.notify import http
from fleet.notify.model import NotSent, Outgoing
from fleet.notify.settings import Channels

STATUS = {
    "reported": 1,
    "acknowledged": 2,
    "en_route": 2,
    "on_site": 2,
    "restored": 5,
    "closed": 6,
    "merged": 6,
}
FOLLOW_UPS_LIMIT = 500
"""Entries of one ticket that are looked through; a ticket has a few dozen."""

URGENCY = {"CRITICAL": 5, "MAJOR": 4, "MINOR": 3}


def external_number(ticket_id: int) -> str:
    """Return the number under which GLPI knows our ticket.

    >>> external_number(7)
    'passerelle-7'
    """
    return f"passerelle-{ticket_id}"


def glpi_sender(channels: Channels) -> Callable[[Outgoing, int], str]:
    """Return what mirrors tickets as the settings say."""

    def send(message: Outgoing, _now_us: int) -> str:
        with http.client() as client:
            session = _Session(client, channels)
            try:
                return session.mirror(message)
            finally:
                session.close()

    return send


class _Session:
    """One GLPI session."""

    def __init__(self, client: httpx.Client, channels: Channels) -> None:
        self._client = client
        self._url = channels.glpi_url
        self._headers = {"App-Token": channels.glpi_app_token}
        login = self._headers | {"Authorization": f"user_token {channels.glpi_user_token}"}
        answer = http.request(client, "GET", f"{self._url}/initSession", headers=login)
        self._headers["Session-Token"] = str(_field(answer, "session_token"))

    def close(self) -> None:
        """End the session; if GLPI does not answer it ends by itself."""
        try:
            http.request(self._client, "GET", f"{self._url}/killSession", headers=self._headers)
        except NotSent:
            return

    def mirror(self, message: Outgoing) -> str:
        """Create or update GLPI's ticket; return its number there."""
        change = message.detail
        number = change.get("external_id") or self._find(change["ticket"])
        if number:
            path = f"Ticket/{number}"
            self._write(
                "PUT", path, {"status": STATUS[change["state"]], "urgency": URGENCY[change["criticality"]]}
            )
        else:
            number = self._write("POST", "Ticket", _ticket(change))
        if message.content:
            self._attach(int(number), change, message.content)
        elif change["event"] != "Report":
            self._follow_up(int(number), f"{_line(change)} [{message.id}]", f"[{message.id}]")
        return str(number)

    def _find(self, ticket_id: int) -> str:
        query = {"searchText[externalid]": f"^{external_number(ticket_id)}$"}
        found = self._list("Ticket", query)
        return str(found[0]["id"]) if found else ""

    def _follow_up(self, number: int, content: str, mark: str) -> None:
        """Add a line to GLPI's ticket, once."""
        known = self._list(f"Ticket/{number}/ITILFollowup", {"range": f"0-{FOLLOW_UPS_LIMIT}"})
        if not any(mark in str(one.get("content", "")) for one in known):
            note = {"itemtype": "Ticket", "items_id": number, "content": content}
            self._write("POST", "ITILFollowup", note)

    def _attach(self, number: int, change: dict[str, Any], content: bytes) -> None:
        """Keep a photo in GLPI and hang it on the ticket, once."""
        photo = change["attachment"]
        name = f"{external_number(change['ticket'])}-photo-{photo['id']}"
        known = self._list("Document", {"searchText[name]": f"^{name}$"})
        document = str(known[0]["id"]) if known else self._upload(name, photo["media_type"], content)
        hung = self._list(f"Document/{document}/Document_Item", {})
        if not any((one.get("itemtype"), one.get("items_id")) == ("Ticket", number) for one in hung):
            item = {"documents_id": int(document), "itemtype": "Ticket", "items_id": number}
            self._write("POST", "Document_Item", item)

    def _upload(self, name: str, media_type: str, content: bytes) -> str:
        file_name = f"{name}.{media_type.partition('/')[2]}"
        manifest = json.dumps({"input": {"name": name, "_filename": [file_name]}})
        files = {
            "uploadManifest": (None, manifest, "application/json"),
            "filename[0]": (file_name, content, media_type),
        }
        answer = http.request(
            self._client, "POST", f"{self._url}/Document", files=files, headers=self._headers
        )
        return str(_field(answer, "id"))

    def _list(self, path: str, query: dict[str, str]) -> list[dict[str, Any]]:
        answer = http.request(self._client, "GET", f"{self._url}/{path}", params=query, headers=self._headers)
        try:
            found = answer.json()
        except ValueError as error:
            raise NotSent(f"GLPI: {path} is answered by no JSON") from error
        return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []

    def _write(self, method: str, path: str, values: dict[str, Any]) -> str:
        answer = http.request(
            self._client, method, f"{self._url}/{path}", json={"input": values}, headers=self._headers
        )
        return str(_field(answer, "id")) if method == "POST" else ""


def _ticket(change: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": change["title"],
        "content": _line(change),
        "externalid": external_number(change["ticket"]),
        "status": STATUS[change["state"]],
        "urgency": URGENCY[change["criticality"]],
        "type": 1,
    }


def _line(change: dict[str, Any]) -> str:
    who = f", {change['acknowledged_by']}" if change.get("acknowledged_by") else ""
    return f"{change['event']} : {change['state']}{who}"


def _field(answer: httpx.Response, name: str) -> object:
    try:
        found = answer.json()[name]
    except (ValueError, KeyError, TypeError) as error:
        raise NotSent(f"GLPI: the answer has no {name}") from error
    return found
