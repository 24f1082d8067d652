"""A time stamp authority: OpenSSL's (``openssl ts -reply``) behind HTTP; its root is made here."""

import subprocess
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CONFIGURATION = """[tsa]
default_tsa = authority
[authority]
serial = serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha512
ess_cert_id_alg = sha256
"""


def _certificate(name, key, issuer, signing_key, *extensions):
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(signing_key, hashes.SHA256())


class StampAuthority:
    """Its certificates in a folder, and how it misbehaves."""

    def __init__(self, folder, name="root"):
        self.folder = folder
        folder.mkdir()
        root_key, key = (rsa.generate_private_key(65537, 2048) for _ in range(2))
        is_ca = (x509.BasicConstraints(ca=True, path_length=None), True)
        root = _certificate(name, root_key, name, root_key, is_ca)
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
        signs = x509.KeyUsage(True, *[False] * 8)
        signer = _certificate("stamps", key, name, root_key, (usage, True), (signs, True))
        pem = serialization.Encoding.PEM
        self.ca = folder / "ca.pem"
        self.ca.write_bytes(root.public_bytes(pem))
        (folder / "signer.pem").write_bytes(signer.public_bytes(pem))
        form = serialization.PrivateFormat.PKCS8
        (folder / "key.pem").write_bytes(key.private_bytes(pem, form, serialization.NoEncryption()))
        (folder / "conf").write_text(CONFIGURATION)
        (folder / "serial").write_text("01")
        self.status, self.content = 200, None
        """What it answers instead of a stamp, if that is set."""

    def reply(self, request):
        """The answer to a request of RFC 3161."""
        if self.content is not None:
            return self.content
        (self.folder / "request").write_bytes(request)
        signer = ("-config", "conf", "-signer", "signer.pem", "-inkey", "key.pem")
        made = subprocess.run(
            ["openssl", "ts", "-reply", "-queryfile", "request", *signer],
            cwd=self.folder,
            check=True,
            capture_output=True,
        )
        return made.stdout

    @contextmanager
    def serving(self):
        """Give its address while it answers."""
        authority = self

        class Answers(BaseHTTPRequestHandler):
            def do_POST(self):
                request = self.rfile.read(int(self.headers["Content-Length"]))
                content = authority.reply(request)
                self.send_response(authority.status)
                self.send_header("Content-Type", "application/timestamp-reply")
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                """Nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/tsr"
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
