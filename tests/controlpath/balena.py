"""A small stand-in of a balena device's supervisor: the calls that the agent makes, answered as really.

Source: balena-supervisor ``docs/API.md`` and its own API tests (401 for a wrong key, 404 for an unknown
service, 423 while an update lock is held).
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

APP, SERVICE, KEY = "1658654", "passerelle", "k&y=1/2"


class FakeBalena:
    """Remembers what was asked; ``locked`` refuses a reboot."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Any]] = []
        self.locked = False
        self.address = ""

    def answer(self, method: str, path: str, key: str, body: Any) -> tuple[int, Any]:
        if key != KEY:
            return 401, {"message": "Unauthorized"}
        self.asked.append((method, path, body))
        if (method, path) == ("POST", "/v1/reboot"):
            locked = {"Data": "", "Error": "Updates are locked"}
            return (423, locked) if self.locked else (202, {"Data": "OK", "Error": ""})
        if (method, path) == ("POST", f"/v2/applications/{APP}/restart-service"):
            return (200, "OK") if body == {"serviceName": SERVICE} else (404, "Service not found")
        if (method, path) == ("GET", "/v1/device"):
            told = {"os_version": "balenaOS 5.2.8", "supervisor_version": "16.7.6", "update_pending": True}
            return 200, told | {"commit": "414e65cd378a69a96f403b75f14b40b55856f860", "status": "Idle"}
        return 404, "Not found"

    @property
    def environment(self) -> dict[str, str]:
        return {
            "BALENA_SUPERVISOR_ADDRESS": self.address,
            "BALENA_SUPERVISOR_API_KEY": KEY,
            "BALENA_APP_ID": APP,
            "BALENA_SERVICE_NAME": SERVICE,
        }


@contextmanager
def fake_balena() -> Iterator[FakeBalena]:
    """Serve on loopback until the block ends."""
    fake = FakeBalena()

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            url = urlsplit(self.path)
            length = int(self.headers.get("Content-Length", 0))
            body = json.loads(self.rfile.read(length)) if length else None
            key = parse_qs(url.query).get("apikey", [""])[0]
            status, told = fake.answer(self.command, url.path, key, body)
            content = told.encode() if isinstance(told, str) else json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = _serve  # noqa: N815  # names of the library

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    fake.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
