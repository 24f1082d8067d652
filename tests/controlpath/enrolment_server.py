"""A small fleet on HTTP that answers enrolments as told."""

import http.server
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import load_pem_x509_certificate

from agent.wire.enrolment import EnrolmentAnswer, EnrolmentRequest, proof_holds, token_key
from agent.wire.renewal import RenewalRequest, renewal_holds
from tests.controlpath.virtual import Authority


class EnrolmentServer:
    """``refusals`` are answered first, in order: (status, body)."""

    def __init__(self, authority: Authority, token: str) -> None:
        self.authority = authority
        self.key = token_key(token)
        self.refusals: list[tuple[int, dict[str, object]]] = []
        self.requests: list[EnrolmentRequest] = []
        self.serials: list[int] = []
        """Serial numbers of the certificates that were issued."""
        self.uploaded = 0
        """Bytes of the newest speed test."""
        self.files: dict[str, bytes] = {}
        """Path → content of what is served beside, such as releases; a range that is asked for is obeyed."""
        self.url = ""

    def answer(self, path: str, body: bytes) -> tuple[int, bytes]:
        if path == "/api/v1/renewals":
            return self._renew(body)
        request = msgspec.json.decode(body, type=EnrolmentRequest)
        self.requests.append(request)
        if self.refusals:
            status, refusal = self.refusals.pop(0)
            return status, json.dumps(refusal).encode()
        if not proof_holds(self.key, request):
            return 403, b'{"detail": {"reason": "foreign", "detail": "no such token"}}'
        return 201, self._issue(request.csr_pem)

    def _renew(self, body: bytes) -> tuple[int, bytes]:
        request = msgspec.json.decode(body, type=RenewalRequest)
        public = load_pem_x509_certificate(request.certificate_pem.encode()).public_key()
        assert isinstance(public, ec.EllipticCurvePublicKey)
        if not renewal_holds(public, request):
            return 403, b'{"detail": {"reason": "foreign", "detail": "signature"}}'
        return 201, self._issue(request.csr_pem)

    def _issue(self, csr_pem: str) -> bytes:
        certificate = self.authority.sign(csr_pem)
        self.serials.append(load_pem_x509_certificate(certificate.encode()).serial_number)
        return msgspec.json.encode(EnrolmentAnswer(certificate_pem=certificate, ca_pem=self.authority.pem))

    @contextmanager
    def serving(
        self, tls_folder: Path | None = None, *, bind: str = "127.0.0.1", host: str = "127.0.0.1"
    ) -> Iterator["EnrolmentServer"]:
        """Listen on ``bind``, named ``host``; with ``tls_folder`` (see ``Authority.server``) over HTTPS."""
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.path == "/api/v1/speed":
                    outer.uploaded = len(body)
                    return self._say(200, b"{}")
                return self._say(*outer.answer(self.path, body))

            def do_GET(self) -> None:
                path, _, count = self.path.partition("?bytes=")
                found = path == "/api/v1/speed"
                if path in outer.files:
                    first = int((self.headers["Range"] or "bytes=0-").removeprefix("bytes=").rstrip("-"))
                    return self._say(206 if first else 200, outer.files[path][first:])
                return self._say(200 if found else 404, bytes(int(count)) if found else b"")

            def _say(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                return

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, *_: object) -> None:
                return

        server = Server((bind, 0), Handler)
        self.url = f"http://{host}:{server.server_port}"
        if tls_folder is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls_folder / "server.pem", tls_folder / "server.key")
            server.socket = context.wrap_socket(server.socket, server_side=True)
            self.url = self.url.replace("http:", "https:")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
