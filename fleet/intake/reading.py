"""What people write, read: a mail that reports a fault, a reply by SMS; pure.

Mail: who, when it reached us, about which commune.  Its time is that of the topmost ``Received``, which our
own server wrote; ``Date`` is the sender's word, and a phone's clock may be a year behind.  The commune is the
INSEE code of the address it went to (``pannes+37015@…``), else a code or a name in the subject, else the only
one that the text names.

SMS: what was meant.

    ok, oui, a, ack, je prends, pris    take the newest ticket they were told of, or « ok 12 » that one
    route, en route, je pars            en route
    sur site, sur place, arrivé         on site, by their word
    non, impossible, n                  they cannot: the next level is told at once
    anything else                       a note on the ticket, and an answer that says what can be written

Sources: RFC 5322 §3.6, RFC 5321 §4.4 (Received), RFC 3834 (automatic answers), RFC 5233 (plus addresses);
DESIGN §7 (notification by SMS); GoAlert's ``a`` and ``c`` replies.
"""

import email
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC
from email.message import EmailMessage
from email.policy import default as modern
from email.utils import getaddresses, parsedate_to_datetime
from enum import StrEnum
from hashlib import sha256

from fleet.lang.paris import instant_us

MAIL_LIMIT_BYTES = 10 * 1024 * 1024
"""What mail servers take at most by default (Postfix ``message_size_limit``)."""

TEXT_LIMIT_CHARACTERS = 500
SUBJECT_LIMIT_CHARACTERS = 200

_INSEE = re.compile(r"(?<![0-9A-Za-z])(\d{5}|2[AB]\d{3})(?![0-9A-Za-z])")
_TAG = re.compile(r"<[^>]*>")
_QUOTED = re.compile(r"^\s*>")


class MailRefused(ValueError):
    """Something that is no report; says why."""


class AutomaticMail(MailRefused):
    """What a machine sent by itself: an answer to it would go round for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportMail:
    """What a mail says."""

    key: str
    """The same for the same mail, however often it is delivered."""
    sender: str
    recipients: tuple[str, ...]
    subject: str
    text: str
    received_us: int | None


def read(raw: bytes) -> ReportMail:
    """Return what a mail says.

    Raises:
        MailRefused: too large, no mail at all, or one that a machine sent by itself.
    """
    if len(raw) > MAIL_LIMIT_BYTES:
        raise MailRefused(f"mail: {len(raw)} bytes; at most {MAIL_LIMIT_BYTES}")
    message = email.message_from_bytes(raw, policy=modern)
    if not isinstance(message, EmailMessage) or not (message.get("From") or message.get("Subject")):
        raise MailRefused("mail: neither From nor Subject; pipe the mail as the server received it")
    if _automatic(message):
        raise AutomaticMail("mail: an automatic answer; entered as no report")
    number = _header(message, "Message-ID") or raw.decode("ascii", "replace")
    return ReportMail(
        key=sha256(number.encode()).hexdigest(),
        sender=_header(message, "From")[:SUBJECT_LIMIT_CHARACTERS],
        recipients=tuple(_recipients(message)),
        subject=_header(message, "Subject")[:SUBJECT_LIMIT_CHARACTERS],
        text=_text(message)[:TEXT_LIMIT_CHARACTERS],
        received_us=_received_us(message),
    )


def _header(message: EmailMessage, name: str) -> str:
    return " ".join(str(message.get(name, "")).split())


def _automatic(message: EmailMessage) -> bool:
    answered = _header(message, "Auto-Submitted").lower()
    bulk = _header(message, "Precedence").lower() in ("bulk", "list", "junk")
    bounced = _header(message, "Return-Path") == "<>"
    return bulk or bounced or (bool(answered) and answered != "no")


def _recipients(message: EmailMessage) -> Iterator[str]:
    for name in ("Delivered-To", "X-Original-To", "To", "Cc"):
        for _, address in getaddresses([str(one) for one in message.get_all(name, [])]):
            yield address


def _text(message: EmailMessage) -> str:
    body = message.get_body(preferencelist=("plain", "html"))
    if body is None:
        return ""
    try:
        content = str(body.get_content())
    except (LookupError, ValueError):  # a charset that nobody knows
        payload = body.get_payload(decode=True)
        content = payload.decode("latin-1") if isinstance(payload, bytes) else ""
    if body.get_content_type() == "text/html":
        content = _TAG.sub(" ", content)
    lines = [line for line in content.splitlines() if not _QUOTED.match(line)]
    return " ".join(" ".join(lines).split())


def _received_us(message: EmailMessage) -> int | None:
    stamps = message.get_all("Received", [])
    if not stamps:
        return None
    try:
        at = parsedate_to_datetime(str(stamps[0]).rpartition(";")[2].strip())
    except (TypeError, ValueError):
        return None
    return instant_us(at if at.tzinfo is not None else at.replace(tzinfo=UTC))


def commune_of(mail: ReportMail, names: Mapping[str, str]) -> str | None:
    """Return the commune (INSEE, of ``names`` by INSEE) that a mail is about; None if it does not say."""
    tags = " ".join(address.partition("@")[0].partition("+")[2] for address in mail.recipients)
    for text in (tags, mail.subject, mail.text):
        found = {code for code in _INSEE.findall(text) if code in names} or _named(text, names)
        if len(found) == 1:
            return found.pop()
    return None


def _named(text: str, names: Mapping[str, str]) -> set[str]:
    """Return the communes that a text names; « Saint-Martin-le-Beau » is not « Saint-Martin »."""
    rest, found = f" {_plain(text)} ", set()
    for insee, name in sorted(names.items(), key=lambda item: -len(item[1])):
        spaced = f" {_plain(name)} "
        if spaced in rest:
            found.add(insee)
            rest = rest.replace(spaced, " · ")
    return found


def _plain(text: str) -> str:
    """Return a text without accents, case, hyphens and apostrophes.

    >>> _plain("L'Île-Bouchard")
    'l ile bouchard'
    """
    simple = unicodedata.normalize("NFKD", text).casefold()
    letters = (letter if letter.isalnum() else " " for letter in simple if not unicodedata.combining(letter))
    return " ".join("".join(letters).split())


REPLY_LIMIT_CHARACTERS = 480
"""The longest reply that is kept as a note, three SMS; what is longer is cut."""


class Meaning(StrEnum):
    """What a reply asks for."""

    ACKNOWLEDGE = "acknowledge"
    EN_ROUTE = "en_route"
    ON_SITE = "on_site"
    DECLINE = "decline"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One reply, understood."""

    meaning: Meaning
    ticket_id: int | None
    text: str


WORDS: tuple[tuple[Meaning, str], ...] = (
    (Meaning.DECLINE, r"non|n|impossible|peux pas|pas dispo(nible)?"),
    (Meaning.ON_SITE, r"sur site|sur place|arrive[e]?|on site"),
    (Meaning.EN_ROUTE, r"en route|route|je pars|parti[e]?|j'?y vais"),
    (Meaning.ACKNOWLEDGE, r"ok|oui|a|ack|o|yes|je prends|pris( en charge)?|bien recu"),
)


def understand(text: str) -> Reply:
    """Return what a reply means; only a reply that is nothing but the words counts as an order.

    >>> understand("OK 12"), understand("Je suis d'accord mais demain").meaning
    (Reply(meaning=<Meaning.ACKNOWLEDGE: 'acknowledge'>, ticket_id=12, text='OK 12'), <Meaning.NOTE: 'note'>)
    """
    text = text[:REPLY_LIMIT_CHARACTERS].strip()
    simple = unicodedata.normalize("NFKD", text.lower().replace("’", "'"))
    simple = "".join(letter for letter in simple if not unicodedata.combining(letter)).strip(" .!?")
    for meaning, pattern in WORDS:
        match = re.fullmatch(rf"(?:{pattern})\W*(?:(?:ticket|n°|no|#)?\s*(?P<ticket>\d{{1,9}}))?", simple)
        if match:
            number = match["ticket"]
            return Reply(meaning=meaning, ticket_id=None if number is None else int(number), text=text)
    return Reply(meaning=Meaning.NOTE, ticket_id=None, text=text)
