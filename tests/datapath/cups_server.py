"""A CUPS server over HTTP or HTTPS in a thread; answers what it is told to and keeps what it was asked."""

import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


def answer_of(
    *,
    cups_uri: str = "",
    tc_uri: str = "",
    cups: bytes = b"",
    tc: bytes = b"",
    signature: bytes = b"",
    update: bytes = b"",
) -> bytes:
    """Return the binary answer with these segments."""
    content = b""
    for part, width in (
        (cups_uri.encode(), 1),
        (tc_uri.encode(), 1),
        (cups, 2),
        (tc, 2),
        (signature, 4),
        (update, 4),
    ):
        content += len(part).to_bytes(width, "little") + part
    return content


class CupsServer:
    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.answer, self.status = bytes(14), 200
        self.asked: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.tokens: list[str | None] = []
        server = self

        class Answering(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                server.paths.append(self.path)
                server.tokens.append(self.headers.get("Authorization"))
                server.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(server.status)
                self.send_header("Content-Type", "application/octet-stream")
                self.send_header("Content-Length", str(len(server.answer)))
                self.end_headers()
                self.wfile.write(server.answer)

            def log_message(self, *_: object) -> None:
                return None

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
        if tls is not None:
            self._http.socket = tls.wrap_socket(self._http.socket, server_side=True)
        self.uri = f"{'https' if tls else 'http'}://localhost:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self) -> "CupsServer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()
