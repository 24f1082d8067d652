"""A mail that reports a fault, read: who, about what, when it reached us; pure.

Its time is that of the topmost ``Received``, which our own server wrote; ``Date`` is the sender's word, and a
phone's clock may be a year behind.  Which commune it is about: ``fleet.intake.placing``.

Sources: RFC 5322 §3.6, RFC 5321 §4.4 (Received), RFC 5233 (plus addresses).
"""

import email
from dataclasses import dataclass
from email.policy import compat32
from hashlib import sha256

from fleet.db.outside import outside_write
from fleet.intake import mail_headers as headers
from fleet.intake.mail_body import text_of
from fleet.intake.mail_sections import cut
from fleet.lang.text import one_line

MAIL_LIMIT_BYTES = 10 * 1024 * 1024
"""What mail servers take at most by default (Postfix ``message_size_limit``); what is above it is cut."""

BODY_LIMIT_CHARACTERS = 8_000
"""The text that is kept is no longer: a signature stands within it, and the mail itself is beside it."""

TEXT_LIMIT_CHARACTERS = 500
SUBJECT_LIMIT_CHARACTERS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportMail:
    """What a mail says."""

    sender: str
    recipients: tuple[str, ...]
    subject: str
    body: str
    """As its reader sees it, with signature and quotes."""
    received_us: int | None
    automatic: bool = False
    """A machine sent it by itself: an answer to it would go round for ever."""


def mail_key(raw: bytes) -> str:
    """Return what is the same for the same mail, however often it is delivered: its number and its body."""
    head, _, body = raw.replace(b"\r\n", b"\n").partition(b"\n\n")
    number = headers.number_of(head)
    return sha256(number + b"\n\n" + body if number else raw).hexdigest()


@outside_write
def read(raw: bytes) -> ReportMail:
    """Return what a mail says; what it does not say is empty."""
    message = email.message_from_bytes(raw, policy=compat32)
    return ReportMail(
        sender=headers.field(message, "From")[:SUBJECT_LIMIT_CHARACTERS],
        recipients=headers.recipients(message),
        subject=headers.field(message, "Subject")[:SUBJECT_LIMIT_CHARACTERS],
        body=text_of(message)[:BODY_LIMIT_CHARACTERS],
        received_us=headers.received_us(message),
        automatic=headers.is_automatic(message),
    )


def summary(body: str) -> str:
    """Return what the sender wrote, on one line, for a ticket; what is sent on when that is all there is."""
    sections = cut(body)
    return one_line(sections.words or sections.signature)[:TEXT_LIMIT_CHARACTERS]
