"""What a person wrote in a mail, apart from the signature and from what is quoted or sent on; pure.

Sources: RFC 3676 §4.3 (``-- ``); the marks that Outlook, Exchange, Gmail, Zimbra, Thunderbird, Apple Mail and
Orange write before a quote, in French and English, as the corpus of ``tests/unit/fleet/intake`` shows them.
"""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Sections:
    """The text of one mail, cut in three."""

    words: str
    """What the sender wrote."""
    signature: str
    quoted: str
    """What stands below: the mail that is answered or sent on, with its head."""
    subject: str = ""
    """Subject in the head of what is sent on."""


_MARKS: Final[dict[str, str]] = tomllib.loads((Path(__file__).parent / "marks.toml").read_text("utf-8"))
_QUOTE_BEGINS = re.compile(_MARKS["quote"], re.IGNORECASE | re.MULTILINE)
_BETWEEN = re.compile(_MARKS["announced"], re.IGNORECASE | re.MULTILINE)
_SIGNATURE_BEGINS = re.compile(_MARKS["signature"], re.IGNORECASE | re.MULTILINE)
_HEAD = re.compile(_MARKS["head"], re.IGNORECASE)
_ARROW = re.compile(r"^[ \t]*(?:>[ \t]?)+", re.MULTILINE)


def cut(text: str) -> Sections:
    """Return the sections of a mail's text."""
    own, quoted = _quote(text)
    if not own.strip() and quoted:
        return _forwarded(quoted)
    words, signature = _signed(own)
    return Sections(words=words, signature=signature, quoted=quoted)


def forwarded(sections: Sections) -> Sections | None:
    """Return the sections of what a mail quotes; None when it quotes nothing."""
    return _forwarded(sections.quoted) if sections.quoted.strip() else None


def _quote(text: str) -> tuple[str, str]:
    """Return what stands above the first quote, and the quote."""
    text = _BETWEEN.sub("", text)
    found = _QUOTE_BEGINS.search(text)
    own, below = (text[: found.start()], text[found.start() :]) if found else (text, "")
    lines = own.split("\n")
    arrows = "\n".join(line for line in lines if _ARROW.match(line))
    above = "\n".join(line for line in lines if not _ARROW.match(line))
    return above, "\n".join(filter(None, (arrows, below)))


def _signed(own: str) -> tuple[str, str]:
    found = _SIGNATURE_BEGINS.search(own)
    return (own, "") if found is None else (own[: found.start()], own[found.start() :])


def _forwarded(quoted: str) -> Sections:
    lines = _ARROW.sub("", quoted).split("\n")
    subject, sender, begin = "", "", len(lines)
    for at, line in enumerate(lines):
        head = _HEAD.match(line)
        if head is None:
            if line.strip() and not _QUOTE_BEGINS.match(line):
                begin = at
                break
            continue
        name = head[1].lower()
        subject = head[2] if name in ("objet", "subject", "sujet") and not subject else subject
        sender = head[2] if name in ("de", "from") and not sender else sender
    own, deeper = _quote("\n".join(lines[begin:]))
    words, signature = _signed(own)
    return Sections(words=words, signature=f"{signature}\n{sender}", quoted=deeper, subject=subject)
