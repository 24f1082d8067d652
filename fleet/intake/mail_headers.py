"""Header fields of a mail, read from what came and never refused: who, about what, to whom, when; pure.

The standard library's structured headers raise on fields that Exchange, phones and old servers really write.
So a field is its bytes here: unfolded, encoded words decoded; what is in no known charset is Windows-1252.

Sources: RFC 5322 §3.3 (``-0000`` is UTC) and §3.6, RFC 2047 (encoded words; §6.2: no space between two),
RFC 2231 §5 (their language), RFC 5321 §4.4 (Received), RFC 3834 (automatic answers).
"""

import base64
import binascii
import quopri
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime
from itertools import groupby

from fleet.lang.paris import instant_us
from fleet.lang.text import one_line

HEADER_LIMIT_CHARACTERS = 2_000
"""A longer field is cut: a list of recipients may be endless."""

RECIPIENTS_LIMIT = 50

_WORD = re.compile(r"=\?([^?*\s]+)(?:\*[^?]*)?\?([bBqQ])\?([^?]*)\?=")
_BETWEEN = re.compile(r"(\?=)\s+(=\?)")
_ID = re.compile(rb"^message-id:[ \t]*(?:\r?\n[ \t]+)?([^\r\n]+)", re.IGNORECASE | re.MULTILINE)
_ANSWERS = ("auto-replied", "auto-generated", "auto-notified")


def decoded(raw: bytes, charset: str | None) -> str:
    """Return bytes as the text that their sender saw, whatever the charset is called.

    >>> decoded(b"R\\x82paration", "cp-850"), decoded("é".encode(), "klingon"), decoded(b"\\xe9", None)
    ('Réparation', 'é', 'é')
    """
    for name in (charset or "utf-8", (charset or "").replace("-", ""), "utf-8"):
        try:
            return raw.decode(name)
        except (LookupError, ValueError):
            continue
    return raw.decode("cp1252", "replace")


def field(message: Message, name: str) -> str:
    """Return the first field of that name as people see it, on one line; empty if there is none."""
    return next(fields(message, name), "")


def fields(message: Message, name: str) -> Iterator[str]:
    """Return every field of that name as people see it, each on one line."""
    for key, value in message.raw_items():
        if key.lower() == name.lower():
            yield one_line(words(str(value)))[:HEADER_LIMIT_CHARACTERS]


def words(value: str) -> str:
    """Return a field's text with its encoded words decoded; two that stand together may share a letter.

    >>> words("=?utf-8?Q?M=C3?= =?utf-8?Q?=A9nage?= de =?iso-8859-1?B?VulyZXR6?=")
    'Ménage de Véretz'
    """
    text = decoded(value.encode("utf-8", "surrogateescape"), None)
    while _BETWEEN.search(text):
        text = _BETWEEN.sub(r"\1\2", text)
    parts: list[str] = []
    at = 0
    for neighbours in _neighbours(text):
        parts.append(text[at : neighbours[0].start()])
        for charset, group in groupby(neighbours, key=lambda match: match[1].lower()):
            parts.append(decoded(b"".join(map(_bytes, group)), charset))
        at = neighbours[-1].end()
    return "".join(parts) + text[at:]


def _neighbours(text: str) -> Iterator[list[re.Match[str]]]:
    """Return the encoded words of a text, those that touch one another together."""
    together: list[re.Match[str]] = []
    for match in _WORD.finditer(text):
        if together and together[-1].end() != match.start():
            yield together
            together = []
        together.append(match)
    if together:
        yield together


def _bytes(match: re.Match[str]) -> bytes:
    coded = match[3].encode("utf-8", "replace")
    if match[2] in "qQ":
        return quopri.decodestring(coded, header=True)
    try:
        return base64.b64decode(coded + b"=" * (-len(coded) % 4))
    except (binascii.Error, ValueError):
        return coded


def number_of(head: bytes) -> bytes:
    """Return the Message-ID in the head of a mail as it stands there; empty if there is none to go by.

    >>> number_of(b"From: a\\nMessage-ID:\\n <[1]@x>")
    b'<[1]@x>'
    """
    found = _ID.search(head)
    number = found[1].strip() if found else b""
    return number if len(number) > len(b"<>") else b""


def recipients(message: Message) -> tuple[str, ...]:
    """Return every address that it went to, as far as it says."""
    names = ("Delivered-To", "X-Original-To", "Envelope-To", "To", "Cc")
    texts = [text.replace(";", ",") for name in names for text in fields(message, name)]
    return tuple(address for _, address in getaddresses(texts) if address)[:RECIPIENTS_LIMIT]


def received_us(message: Message) -> int | None:
    """Return when our own server took it: the topmost ``Received``; None if that says no time."""
    stamp = field(message, "Received").rpartition(";")[2]
    try:
        at = parsedate_to_datetime(stamp.strip())
        return instant_us(at if at.tzinfo is not None else _utc(at))
    except (TypeError, ValueError, OverflowError, IndexError):
        return None


def _utc(at: datetime) -> datetime:
    """Return a moment whose zone is ``-0000`` or none: UTC (RFC 5322 §3.3), wherever this host stands."""
    return at.replace(tzinfo=UTC)


def is_automatic(message: Message) -> bool:
    """Return whether a machine sent it by itself: an answer of absence, a bounce, a notification.

    A mailing list (``Precedence: list``) carries what people write, and is no machine.
    """
    answered = field(message, "Auto-Submitted").lower().partition(";")[0].strip()
    if answered == "no":
        return False
    precedence = field(message, "Precedence").lower() == "auto_reply"
    replied = any(message[name] is not None for name in ("X-Autoreply", "X-Autorespond", "X-Autoresponder"))
    reported = message.get_content_type() == "multipart/report"
    bounced = field(message, "Return-Path") == "<>"
    return answered.startswith(_ANSWERS) or precedence or replied or reported or bounced
