"""The supervisor of a balena device, as a container asks it: reboot, restart of the own service, its state.

Sources: balena-supervisor ``docs/API.md``: every call carries ``?apikey=``; ``POST /v1/reboot`` answers 202
and refuses with 423 while an update lock is held; ``POST /v2/applications/:appId/restart-service`` with
``{"serviceName": …}`` answers 200; ``GET /v1/device`` tells versions and a waiting update.  The container
gets address and key by the label ``io.balena.features.supervisor-api``.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from agent.failures import reason_of
from agent.host.fields import Fields
from agent.wire import reasons

ANSWER_WAIT_S = 20.0
ANSWER_LIMIT_BYTES = 64 * 1024
_TOLD = {
    "os_version": "version_balena_os",
    "supervisor_version": "version_balena_supervisor",
    "commit": "balena_release",
    "status": "balena_status",
}


class BalenaRefused(reasons.ReasonedError, OSError):
    """The supervisor does not answer or refuses; says what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Balena:
    """How to reach the supervisor of this device."""

    address: str
    key: str
    app: str
    service: str

    def reboot(self) -> None:
        """Ask for a reboot of the device; returns when it was accepted.

        Raises:
            BalenaRefused: no answer, or an update lock is held.
        """
        self._ask("POST", "/v1/reboot", {})

    def restart_service(self) -> None:
        """Ask for a restart of our own service; this process may end before the answer comes.

        Raises:
            BalenaRefused: no answer, or no such service.
        """
        path = f"/v2/applications/{quote(self.app, safe='')}/restart-service"
        self._ask("POST", path, {"serviceName": self.service})

    def fields(self) -> Fields:
        """Return what the supervisor tells of the device; nothing where it does not answer."""
        try:
            answer = self._ask("GET", "/v1/device", None)
        except BalenaRefused:
            return {"balena_answers_up": 0}
        fields: Fields = {"balena_answers_up": 1}
        fields |= {name: str(answer[key]) for key, name in _TOLD.items() if answer.get(key)}
        if answer.get("update_pending"):
            fields["balena_update"] = "pending"
        return fields

    def _ask(self, method: str, path: str, body: dict[str, str] | None) -> dict[str, Any]:
        from http.client import HTTPConnection, HTTPException

        url = urlsplit(self.address)
        connection = HTTPConnection(url.hostname or "", url.port, timeout=ANSWER_WAIT_S)
        content = None if body is None else json.dumps(body)
        try:
            headers = {"Content-Type": "application/json"}
            connection.request(method, f"{path}?apikey={quote(self.key, safe='')}", content, headers)
            answer = connection.getresponse()
            text = answer.read(ANSWER_LIMIT_BYTES).decode("utf-8", "replace")
        except (OSError, HTTPException, ValueError) as error:
            no_http = isinstance(error, HTTPException)
            cause = reasons.system.no_http(detail=repr(error)) if no_http else reason_of(error)
            why = reasons.machine.balena_unreachable(path=path, cause=cause)
            raise BalenaRefused(why) from error
        finally:
            connection.close()
        if answer.status >= 300:
            why = reasons.machine.balena_refused(path=path, http_status=answer.status, detail=text.strip())
            raise BalenaRefused(why)
        return _document(text)


def balena_here(environment: Mapping[str, str] = os.environ) -> Balena | None:
    """Return the supervisor of this container, or None where there is none."""
    address = environment.get("BALENA_SUPERVISOR_ADDRESS", "")
    if not address:
        return None
    return Balena(
        address=address,
        key=environment.get("BALENA_SUPERVISOR_API_KEY", ""),
        app=environment.get("BALENA_APP_ID", ""),
        service=environment.get("BALENA_SERVICE_NAME", ""),
    )


def _document(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
