"""The text of a mail as its reader sees it, whatever the program that wrote it; pure.

    multipart/alternative      the plain part, unless it is empty or only says that there is another
    HTML                       its text: no head, no style, no comments; blocks end lines; quotes are marked
    winmail.dat (TNEF)         the body that Outlook packed into it, when there is no other
    a calendar's invitation    summary, place and description, when there is no other text
    a mail in the mail         its subject and text, quoted: somebody sends on what somebody wrote

Sources: RFC 2045–2047, RFC 2046 §5.1.4 (the last alternative that can be shown), RFC 3676 §4.3 (``-- ``),
RFC 5545 §3.1 (unfolding) and §3.3.11 (escapes); [MS-OXTNEF] §2.1.3 (attributes).
"""

import re
import struct
from collections.abc import Iterator
from email.message import Message
from html.parser import HTMLParser
from typing import Final

from fleet.intake.mail_headers import decoded, field
from fleet.lang.text import paragraph

BODY_LIMIT_CHARACTERS = 100_000
"""A longer body is cut: what people write stands at its top."""

DEPTH_LIMIT = 8
"""Mails in mails in mails that are opened."""

_NO_TEXT = re.compile(r"(message|courriel|mail).{0,40}\bhtml\b", re.IGNORECASE)
_NO_TEXT_LIMIT_CHARACTERS = 300
"""A plain part that only says that the mail is HTML is no longer than this."""

_SKIPPED: Final = frozenset({"head", "style", "script", "title", "template", "svg"})
_BLOCKS: Final = frozenset(
    {
        "address",
        "article",
        "blockquote",
        "br",
        "div",
        "dd",
        "dt",
        "footer",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
    }
    | {"header", "hr", "li", "ol", "p", "pre", "section", "table", "tbody", "td", "th", "tr", "ul"}
)
_RULE: Final = "-----Original Message-----"
"""Marks where a quote begins, as Outlook writes it."""


def text_of(message: Message) -> str:
    """Return what a mail says, quotes included; empty if there is nothing to read in it."""
    found = _readable(message, 0)
    if not found.strip():
        found = _last_resort(message)
    return paragraph(found)[:BODY_LIMIT_CHARACTERS]


def _readable(part: Message, depth: int) -> str:
    if depth > DEPTH_LIMIT:
        return ""
    kind = part.get_content_type()
    if kind == "message/rfc822":
        return "\n".join(_quoted(inner, depth) for inner in _inner(part))
    if kind == "multipart/alternative":
        return _alternative(_inner(part), depth)
    if part.is_multipart():
        return "\n".join(filter(None, (_readable(inner, depth + 1) for inner in _inner(part))))
    return "" if part.get_content_disposition() == "attachment" else _leaf(part, kind)


def _leaf(part: Message, kind: str) -> str:
    if kind == "text/html":
        return html_text(_content(part))
    readable = kind == "text/plain" or part.get_content_maintype() == "multipart"
    return _content(part) if readable else ""


def _inner(part: Message) -> list[Message]:
    payload = part.get_payload()
    return [inner for inner in payload if isinstance(inner, Message)] if isinstance(payload, list) else []


def _alternative(parts: list[Message], depth: int) -> str:
    plain, rest = "", ""
    for part in parts:
        found = _readable(part, depth + 1)
        if part.get_content_type() == "text/plain":
            plain = plain or found
        else:
            rest = found or rest
    empty = len(plain) < _NO_TEXT_LIMIT_CHARACTERS and bool(_NO_TEXT.search(plain))
    return rest if rest.strip() and (empty or not plain.strip()) else plain


def _quoted(inner: Message, depth: int) -> str:
    """Return a mail within a mail as mail programs write it when they send it on as text."""
    head = f"De : {field(inner, 'From')}\nObjet : {field(inner, 'Subject')}"
    return f"{_RULE}\n{head}\n\n{_readable(inner, depth + 1)}"


def _content(part: Message) -> str:
    try:
        payload = part.get_payload(decode=True)
    except (ValueError, AssertionError):
        payload = None
    if not isinstance(payload, bytes):
        return str(part.get_payload())
    return decoded(payload, part.get_content_charset())


class _Seen(HTMLParser):
    """Collects what a browser shows."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._skipped = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._skipped += tag in _SKIPPED
        if tag in _BLOCKS:
            self.parts.append("\n")
        if _begins_quote(tag, dict(attrs)):
            self.parts.append(f"\n{_RULE}\n")

    def handle_endtag(self, tag: str) -> None:
        self._skipped = max(0, self._skipped - (tag in _SKIPPED))
        if tag in _BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._skipped:
            self.parts.append(re.sub(r"\s+", " ", data))


def _begins_quote(tag: str, attributes: dict[str, str | None]) -> bool:
    """Return whether a program marks here what it quotes: Gmail, Thunderbird, Outlook on the web, Zimbra."""
    name = attributes.get("class") or attributes.get("id") or ""
    marked = ("gmail_quote", "moz-cite-prefix", "divRplyFwdMsg", "appendonsend", "zwchr", "yahoo_quoted")
    cited = tag == "blockquote" and attributes.get("type") == "cite"
    return cited or any(mark in name or mark in (attributes.get("data-marker") or "") for mark in marked)


def html_text(source: str) -> str:
    """Return what a browser shows of a page.

    >>> html_text("<style>p{}</style><p>Compteur de L&#39;&Icirc;le<br>muet</p>").split("\\n")
    ['', "Compteur de L'Île", 'muet', '']
    """
    seen = _Seen()
    seen.feed(source[: 4 * BODY_LIMIT_CHARACTERS])
    seen.close()
    lines = "".join(seen.parts).split("\n")
    return "\n".join(line.strip() for line in lines)


def _last_resort(message: Message) -> str:
    for part in message.walk():
        kind, name = part.get_content_type(), (part.get_filename() or "").lower()
        content = part.get_payload(decode=True)
        if not isinstance(content, bytes):
            continue
        if kind == "application/ms-tnef" or name == "winmail.dat":
            return "\n".join(tnef_texts(content))
        if kind == "text/calendar":
            return "\n".join(_invitation(decoded(content, part.get_content_charset())))
    return ""


def _invitation(calendar: str) -> Iterator[str]:
    unfolded = re.sub(r"\r?\n[ \t]", "", calendar)
    for name, text in re.findall(r"(?m)^(SUMMARY|LOCATION|DESCRIPTION)[^:\r\n]*:(.*)$", unfolded):
        del name
        yield re.sub(r"\\(.)", lambda match: "\n" if match[1] in "nN" else match[1], text).strip()


TNEF_SIGNATURE: Final = 0x223E9F78
_SUBJECT: Final = 0x00018004
_BODY: Final = 0x0002800C
_ATTRIBUTE = struct.Struct("<BII")
"""Level, attribute, length; the data and a checksum of 16 bits follow."""


def tnef_texts(content: bytes) -> Iterator[str]:
    """Return subject and body that Outlook packed into ``winmail.dat``; none where it is no TNEF."""
    at = 6
    if content[:4] != TNEF_SIGNATURE.to_bytes(4, "little"):
        return
    while at < len(content):
        try:
            _, attribute, length = _ATTRIBUTE.unpack_from(content, at)
        except struct.error:
            return
        at += _ATTRIBUTE.size
        if attribute in (_SUBJECT, _BODY):
            yield decoded(content[at : at + length].rstrip(b"\0"), None)
        at += length + 2
