"""One mail by SMTP, with the standard library; it blocks, so it runs in a thread.

Sources: RFC 5322 (Message-ID: ours is made of the idempotency key, so that a mail sent twice is shown once by
clients that thread), RFC 3834 (Auto-Submitted), RFC 8314 (implicit TLS).
"""

import hashlib
import re
import smtplib
from dataclasses import dataclass, replace
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import formatdate
from urllib.parse import unquote, urlsplit

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from fleet.lang.text import ascii_only, one_line, paragraph
from fleet.notify.model import NotSent, Outgoing
from fleet.tls import servers_of_others

TIMEOUT_S = 15.0
"""For each answer of the server."""

QUICK_ATTEMPTS_LIMIT = 2
"""At once, for a connection that was refused or cut; later attempts are the outbox's."""

QUICK_WAIT_S = 0.2

SCHEMES = {"smtp": 25, "smtps": 465, "starttls": 587}


_ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]]+@[^\s@<>,;:\"()\[\]]+")


class MailUrlError(ValueError):
    """The address of the mail server cannot be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """Where mails go."""

    scheme: str
    host: str
    port: int
    user: str = ""
    password: str = ""


def parse_mail_url(url: str) -> MailServer:
    """Return the server of ``smtp://host:port``, ``starttls://user:password@host`` or ``smtps://…``.

    >>> parse_mail_url("smtp://127.0.0.1:2525").port
    2525

    Raises:
        MailUrlError: another scheme, or no host.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise MailUrlError(f"PASSERELLE_SMTP_URL: {error}") from error
    if parts.scheme not in SCHEMES or not parts.hostname:
        raise MailUrlError(
            "PASSERELLE_SMTP_URL: write smtp://host:port, starttls:// or smtps://user:password@host"
        )
    return MailServer(
        scheme=parts.scheme,
        host=parts.hostname,
        port=port or SCHEMES[parts.scheme],
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )


class AddressRefused(ValueError):
    """An address to which no mail can go."""


def build(message: Outgoing, sender: str, sent_at_us: int) -> EmailMessage:
    """Return the mail, text first and HTML beside it; what cannot be rendered goes out plainer.

    Raises:
        AddressRefused: nobody can be reached there.
    """
    plainer = (
        message,
        replace(message, html=""),
        replace(message, subject=ascii_only(message.subject), text=ascii_only(message.text), html=""),
    )
    address = _address(message.address)
    for version in plainer[:-1]:
        try:
            mail = _rendered(version, address, sender, sent_at_us)
            mail.as_bytes(policy=SMTP_POLICY)
        except (ValueError, LookupError):
            continue
        return mail
    return _rendered(plainer[-1], address, sender, sent_at_us)


def _address(written: str) -> str:
    """Return an address that a header can carry; a domain with accents as servers know it (RFC 5891)."""
    local, _, domain = one_line(written).rpartition("@")
    try:
        domain = domain.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise AddressRefused(f"{written!r}: {error}") from error
    if not _ADDRESS.fullmatch(f"{local}@{domain}"):
        raise AddressRefused(f"{written!r} is no address; write name@domain")
    return f"{local}@{domain}"


def _rendered(message: Outgoing, address: str, sender: str, sent_at_us: int) -> EmailMessage:
    mail = EmailMessage()
    mail["Subject"] = one_line(message.subject)
    mail["From"] = sender
    mail["To"] = address
    mail["Date"] = formatdate(sent_at_us / 1e6, localtime=False)
    domain = sender.rpartition("@")[2].strip(">") or "localhost"
    mail["Message-ID"] = f"<{hashlib.sha256(message.key.encode()).hexdigest()[:32]}@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(paragraph(message.text))
    if message.html:
        mail.add_alternative(paragraph(message.html), subtype="html")
    return mail


def send(server: MailServer, mail: EmailMessage) -> None:
    """Hand the mail to the server.

    Raises:
        NotSent: refused, or the line failed.
    """
    line = retry_if_exception_type((ConnectionError, smtplib.SMTPServerDisconnected))
    again = Retrying(
        stop=stop_after_attempt(QUICK_ATTEMPTS_LIMIT),
        wait=wait_exponential(multiplier=QUICK_WAIT_S),
        retry=line,
        reraise=True,
    )
    try:
        again(_send_once, server, mail)
    except smtplib.SMTPRecipientsRefused as error:
        code, answer = next(iter(error.recipients.values()))
        raise NotSent(f"{code} {_words(answer)}", final=500 <= code < 600) from error
    except smtplib.SMTPResponseException as error:
        final = 500 <= error.smtp_code < 600 and error.smtp_code not in (530, 535)
        raise NotSent(f"{error.smtp_code} {_words(error.smtp_error)}", final=final) from error
    except (smtplib.SMTPException, OSError) as error:
        raise NotSent(f"{server.host}:{server.port}: {error or type(error).__name__}") from error


def _words(answer: bytes | str) -> str:
    return answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer


def _send_once(server: MailServer, mail: EmailMessage) -> None:
    connect: smtplib.SMTP
    if server.scheme == "smtps":
        context = servers_of_others()
        connect = smtplib.SMTP_SSL(server.host, server.port, timeout=TIMEOUT_S, context=context)
    else:
        connect = smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_S)
    with connect as session:
        if server.scheme == "starttls":
            session.starttls(context=servers_of_others())
        if server.user:
            session.login(server.user, server.password)
        session.send_message(mail)
