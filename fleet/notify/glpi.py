"""A mirror of tickets in GLPI; our clocks stay the authority, GLPI's TTO and TTR are not the contract's.

One session a message: ``initSession``, the write, ``killSession``.  A ticket is found again by its external
number, so that an answer that was lost does not make a second one.

Sources: GLPI ``apirest.md`` (initSession with user_token and App-Token, POST /Ticket {"input": …}, PUT,
ITILFollowup, searchText); states 1 new, 2 assigned, 4 pending, 5 solved, 6 closed; urgency 1 to 5.
"""

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
                return session.mirror(message.detail)
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

    def mirror(self, change: dict[str, Any]) -> str:
        """Create or update GLPI's ticket; return its number there."""
        number = change.get("external_id") or self._find(change["ticket"])
        if number:
            path = f"Ticket/{number}"
            self._write(
                "PUT", path, {"status": STATUS[change["state"]], "urgency": URGENCY[change["criticality"]]}
            )
        else:
            number = self._write("POST", "Ticket", _ticket(change))
        if change["event"] != "Report":
            note = {"itemtype": "Ticket", "items_id": int(number), "content": _line(change)}
            self._write("POST", "ITILFollowup", note)
        return str(number)

    def _find(self, ticket_id: int) -> str:
        query = {"searchText[externalid]": f"^{external_number(ticket_id)}$"}
        answer = http.request(self._client, "GET", f"{self._url}/Ticket", params=query, headers=self._headers)
        found = answer.json()
        return str(found[0]["id"]) if isinstance(found, list) and found else ""

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
