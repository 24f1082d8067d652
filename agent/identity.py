"""The gateway's own key, made here and never leaving, its CSR and its certificate.

Folder ``identity/`` (0700): ``key.pem`` (0600, P-256), ``certificate.pem`` (0600: the certificate and the key
it is for, so that both change in one rename), ``certificate-copy.pem`` (the same, for the day when the card
has worn) and ``ca.pem`` (the fleet's roots: the work order's, and those that followed it).  While a new key
waits for its certificate it is ``key-next.pem``.
"""

import contextlib
import ssl
from pathlib import Path

import msgspec

from agent.certificate import BadCertificate, validity_us
from agent.durable import write_durably, write_if_possible
from agent.keys import asked
from agent.wire import reasons
from agent.wire.renewal import RenewalRequest

__all__ = ["BadCertificate", "Identity"]


class Identity:
    """The identity in one folder; made at the first boot."""

    def __init__(self, folder: Path, *, eui: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        self.folder = folder
        self.eui = eui
        self.key_path = folder / "key.pem"
        self.certificate_path = folder / "certificate.pem"
        self.copy_path = folder / "certificate-copy.pem"
        self.ca_path = folder / "ca.pem"
        self._next_path = folder / "key-next.pem"
        self._key_pem = self._load_or_make()

    def _load_or_make(self) -> bytes:
        """Return the certificate's key where there is one: a power cut may leave ``key.pem`` behind.

        What cannot be read is replaced by its copy, or set aside: a damaged identity keeps the fleet out,
        never the radio.
        """
        for path in (self.certificate_path, self.copy_path):
            content = _readable(path)
            if content is not None:
                if path is self.copy_path:
                    write_if_possible(self.certificate_path, content)
                return content
        _set_aside(self.certificate_path)
        try:
            return _checked_key(self.key_path)
        except (FileNotFoundError, BadCertificate):
            _set_aside(self.key_path)
        return _new_key(self.key_path)

    def trust(self, ca_pem: str) -> None:
        """Put the fleet's authority back where an enrolled gateway's card holds something else.

        Roots that followed the one of the work order stay: it signed them.
        """
        known = self._known_roots()
        if not self.enrolled or known == ca_pem.encode():
            return
        if (wanted := self.believed(ca_pem).encode()) != known:
            write_if_possible(self.ca_path, wanted)

    def believed(self, ca_pem: str, offered_pem: str = "") -> str:
        """Return the roots of ``ca_pem``, those that followed it, and of what is offered those that do."""
        known = self._known_roots().decode(errors="replace")
        return str(asked("believed", ca_pem, known, offered_pem))

    def _known_roots(self) -> bytes:
        try:
            return self.ca_path.read_bytes()
        except OSError:
            return b""

    @property
    def enrolled(self) -> bool:
        """Whether there is a certificate."""
        return self.certificate_path.exists()

    def csr_pem(self) -> str:
        """Return a request for a certificate with CN = EUI, for the present key."""
        return str(asked("csr_pem", self._key_pem, self.eui))

    def renewal(self, *, new_key: bool) -> RenewalRequest:
        """Return the signed request for the next certificate, for the present key or a new one.

        A new key that waits for its certificate is asked for until it has it: the fleet may have retired the
        present one already, in an answer that was lost.

        Raises:
            BadCertificate: there is no certificate to renew.
        """
        if not self.enrolled:
            raise BadCertificate(reasons.enrolment.nothing_to_renew())
        key_pem = self._waiting_key()
        if new_key and key_pem is None:
            key_pem = _new_key(self._next_path)
        present = self.certificate_path.read_bytes()
        request = asked("renewal_of", self._key_pem, present, self.eui, key_pem or self._key_pem)
        return msgspec.convert(request, RenewalRequest)

    def _waiting_key(self) -> bytes | None:
        """Return the new key that has no certificate yet; one that cannot be read is set aside."""
        try:
            return _checked_key(self._next_path)
        except FileNotFoundError:
            return None
        except BadCertificate:
            _set_aside(self._next_path)
            return None

    @property
    def key_waits(self) -> bool:
        """Whether a new key waits for its certificate."""
        return self._next_path.exists()

    def accept(self, certificate_pem: str, ca_pem: str) -> None:
        """Store a certificate, atomically, after checking that it is ours and signed by ``ca_pem``.

        Raises:
            BadCertificate: foreign key, foreign name, or not signed by the fleet's CA.
        """
        waiting = self._waiting_key() or self._key_pem
        key_pem: bytes = asked("checked_certificate", certificate_pem, ca_pem, self.eui, waiting)
        write_durably(self.ca_path, ca_pem.encode(), mode=0o600)
        content = certificate_pem.strip().encode() + b"\n" + key_pem
        write_durably(self.copy_path, content, mode=0o600)
        write_durably(self.certificate_path, content, mode=0o600)
        self._key_pem = key_pem
        write_durably(self.key_path, key_pem, mode=0o600)
        self._next_path.unlink(missing_ok=True)

    def onsite_code(self, challenge: str, ticket: int) -> str | None:
        """Return the code that answers a challenge of the fleet; None: it is no point of the curve."""
        code: str | None = asked("code_of", self._key_pem, challenge, self.eui, ticket)
        return code

    def acceptance_signature(self, record: bytes) -> str:
        """Return the signature of an acceptance record as hex."""
        return str(asked("acceptance_signature", self._key_pem, record))

    def validity_us(self) -> tuple[int, int] | None:
        """Return (from, until) of the certificate, or None without one."""
        if not self.enrolled:
            return None
        return validity_us(self.certificate_path.read_text(encoding="ascii"))


def _readable(path: Path) -> bytes | None:
    """Return what a file of certificate and key holds, or None when TLS could not be spoken with it."""
    try:
        content = path.read_bytes()
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(path, password="")
    except (OSError, ValueError):
        return None
    return content


def _checked_key(path: Path) -> bytes:
    checked: bytes = asked("checked_key", path.read_bytes())
    return checked


def _new_key(path: Path) -> bytes:
    """Return a key that is on the card."""
    made: bytes = asked("new_key")
    write_durably(path, made, mode=0o600)
    return made


def _set_aside(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.replace(path.with_name(path.name + ".damaged"))
