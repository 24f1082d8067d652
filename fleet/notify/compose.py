"""What people read: subject, text, HTML and SMS of one message about one ticket; pure.

The first 100 characters decide (UI.md): criticality, where, what, since when, until when.
"""

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from html import escape

from fleet.lang import format as formats
from fleet.lang.i18n import t
from fleet.notify import gsm
from fleet.notify.model import Rendered

LISTED_LIMIT = 5
"""Sites and communes named in a message; the rest is counted: a phone shows no more."""

BUNDLED_WHOLE_LIMIT = 2
"""Messages of a bundle that are given whole; after them a line each…"""

BUNDLED_LINES_LIMIT = 10
"""…up to so many, then a count: the page of incidents has them all."""

LINK_ROOM_CHARACTERS = 110
"""Kept free for an acknowledge link, which stands there as a mark until it is sent."""

SMS_LIMIT_CHARACTERS = 306
"""Two concatenated GSM-7 messages of 153 characters (3GPP TS 23.040)."""


_GEO = re.compile(r"geo:-?[0-9.]+,-?[0-9.]+")


class Occasion(StrEnum):
    """Why a message goes out."""

    OPENED = "opened"
    WORSE = "worse"
    REMINDER = "reminder"
    ESCALATED = "escalated"
    LAPSED = "lapsed"
    WARNING = "warning"
    OVERDUE = "overdue"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteLine:
    """What one needs to get there."""

    name: str
    commune: str
    address: str = ""
    access_notes: str = ""
    needs: tuple[str, ...] = ()
    lat: float | None = None
    lon: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """All that a message may say; ``what`` is a key of the catalogue: lost, redundancy, gateway, breach."""

    occasion: Occasion
    ticket_id: int
    criticality: str
    where: str
    what: str
    cause: str
    cause_known: str = ""
    began_us: int
    on_site_due_us: int | None
    ended_us: int | None = None
    gateways: int = 1
    sensors: int = 0
    """That no gateway hears meanwhile."""
    communes: tuple[str, ...] = ()
    sites: tuple[SiteLine, ...] = ()
    missing: tuple[str, ...] = ()
    """Skills that the place takes and nobody on call has."""
    round_number: int = 0
    """How many times somebody was called about it before."""
    link: str = ""
    ticket_url: str = ""


def headline(subject: Subject, lang: str, now_us: int) -> str:
    """Return the first line: it must stand alone on a locked phone."""
    values = {
        "criticality": t(lang, f"criticality.{subject.criticality}").upper(),
        "where": subject.where,
        "since": formats.short(lang, subject.began_us, now_us),
    }
    if subject.occasion is Occasion.ENDED:
        ended_us = subject.ended_us if subject.ended_us is not None else now_us
        length = formats.duration(lang, ended_us - subject.began_us)
        at = formats.short(lang, ended_us, now_us)
        return t(lang, "message.headline.ended", where=subject.where, at=at, length=length)
    line = t(lang, f"message.headline.{subject.what}", **values)
    if subject.on_site_due_us is not None:
        late = subject.on_site_due_us <= now_us
        key = "message.due.late" if late else "message.due"
        line += " " + t(lang, key, due=formats.short(lang, subject.on_site_due_us, now_us))
    return line


def compose(subject: Subject, lang: str, now_us: int) -> Rendered:
    """Return the message in the person's language."""
    subject = _typographic(subject)
    first = headline(subject, lang, now_us)
    lines = [first]
    if subject.occasion not in (Occasion.OPENED, Occasion.ENDED):
        ordinal = formats.ordinal(lang, max(1, subject.round_number))
        lines.append(t(lang, f"message.occasion.{subject.occasion}", ordinal=ordinal))
    if subject.occasion is not Occasion.ENDED:
        lines.append(_cause(subject, lang))
        lines += _extent(subject, lang)
        if subject.sensors:
            lines.append(t(lang, "message.sensors", count=subject.sensors))
        if subject.missing:
            lines.append(t(lang, "message.missing", named=named_needs(subject.missing, lang)))
    body = "\n".join(lines)
    sites = [] if subject.occasion is Occasion.ENDED else [_site(site, lang) for site in subject.sites]
    answer, more = _answer(subject, lang), _more(subject, lang)
    text = "\n\n".join(part for part in (body, answer, *sites, more) if part) + "\n"
    return Rendered(
        subject=first, text=text, html=_html(subject, lang, lines, sites), sms=_sms(first, subject, lang)
    )


def _typographic(subject: Subject) -> Subject:
    """Return the subject with typographic apostrophes in what people named and noted."""

    def mended(text: str) -> str:
        return text.replace("'", "’")

    return replace(
        subject,
        where=mended(subject.where),
        cause_known=mended(subject.cause_known),
        communes=tuple(map(mended, subject.communes)),
        sites=tuple(
            replace(
                site,
                name=mended(site.name),
                commune=mended(site.commune),
                address=mended(site.address),
                access_notes=mended(site.access_notes),
            )
            for site in subject.sites
        ),
    )


def bundle(messages: list[Rendered], lang: str) -> Rendered:
    """Return several messages for one person as one, the gravest first as given: few whole, then lines."""
    if len(messages) == 1:
        return messages[0]
    first = messages[0]
    whole, rest = messages[:BUNDLED_WHOLE_LIMIT], messages[BUNDLED_WHOLE_LIMIT:]
    lines = [message.subject for message in rest[:BUNDLED_LINES_LIMIT]]
    if len(rest) > BUNDLED_LINES_LIMIT:
        lines.append(t(lang, "message.bundle.more", count=len(rest) - BUNDLED_LINES_LIMIT))
    listed = ["\n".join(lines) + "\n"] if lines else []
    html = [message.html for message in whole] + [f"<p>{escape(line)}</p>" for line in lines]
    return Rendered(
        subject=t(lang, "message.bundle", first=first.subject, count=len(messages) - 1),
        text="\n———\n\n".join([message.text for message in whole] + listed),
        html="<hr>".join(html),
        sms=f"{first.sms} (+{len(messages) - 1})",
    )


def _cause(subject: Subject, lang: str) -> str:
    sentence = t(lang, f"message.cause.{subject.cause}", count=subject.gateways, value=subject.cause_known)
    return t(lang, "message.cause", cause=sentence)


def _extent(subject: Subject, lang: str) -> list[str]:
    if len(subject.communes) <= 1:
        return []
    named = ", ".join(subject.communes[:LISTED_LIMIT])
    more = len(subject.communes) - LISTED_LIMIT
    if more > 0:
        named = t(lang, "message.and_more", named=named, count=more)
    return [t(lang, "message.communes", count=len(subject.communes), named=named)]


def _site(site: SiteLine, lang: str) -> str:
    lines = [t(lang, "message.site", name=site.name, commune=site.commune)]
    if site.address:
        lines.append(site.address)
    if site.lat is not None and site.lon is not None:
        lines.append(t(lang, "message.map", link=map_link(site.lat, site.lon)))
    if site.needs:
        lines.append(t(lang, "message.needs", named=named_needs(site.needs, lang)))
    if site.access_notes:
        lines.append(t(lang, "message.access", notes=site.access_notes))
    return "\n".join(lines)


def named_needs(needs: tuple[str, ...], lang: str) -> str:
    """Return needs of a site in words.

    >>> named_needs(("key", "lift"), "en")
    'key to fetch, lift'
    """
    return ", ".join(t(lang, f"need.{need}") for need in needs)


def map_link(lat: float, lon: float) -> str:
    """Return a geo URI (RFC 5870): the phone's own navigation opens, no third party is told.

    >>> map_link(47.35, 0.8457)
    'geo:47.35000,0.84570'
    """
    return f"geo:{lat:.5f},{lon:.5f}"


def _answer(subject: Subject, lang: str) -> str:
    """Return the link that takes the ticket: on the first screen, before the places."""
    return f"{t(lang, 'message.acknowledge')}\n{subject.link}" if subject.link else ""


def _more(subject: Subject, lang: str) -> str:
    if not subject.ticket_url:
        return ""
    return t(lang, "message.ticket", number=str(subject.ticket_id), link=subject.ticket_url)


def _html(subject: Subject, lang: str, lines: list[str], sites: list[str]) -> str:
    first, *rest = lines
    parts = [f'<p style="font-size:1.15em"><strong>{escape(first)}</strong></p>']
    parts += [f"<p>{escape(line)}</p>" for line in rest]
    if subject.link:
        button = "padding:12px 20px;background:#2457a6;color:#fff;text-decoration:none;border-radius:4px"
        label = escape(t(lang, "message.button"))
        parts.append(f'<p><a style="{button}" href="{escape(subject.link)}">{label}</a></p>')
    parts += [
        "<p>" + "<br>".join(_linked(escape(line)) for line in site.split("\n")) + "</p>" for site in sites
    ]
    if subject.ticket_url:
        label = escape(t(lang, "message.ticket.short", number=str(subject.ticket_id)))
        parts.append(f'<p><a href="{escape(subject.ticket_url)}">{label}</a></p>')
    head = f'<!doctype html><html lang="{lang}"><meta charset="utf-8"><title>{escape(first)}</title>'
    return f'{head}<body style="font-family:sans-serif">{"".join(parts)}</body></html>'


def _linked(line: str) -> str:
    """Return a line of HTML with its place on the map to be tapped."""
    return _GEO.sub(r'<a href="\g<0>">\g<0></a>', line)


def _sms(first: str, subject: Subject, lang: str) -> str:
    short, link = gsm.plain(first), f" {subject.link}" if subject.link else ""
    tail = gsm.plain(" " + _tail(subject, lang))
    room = SMS_LIMIT_CHARACTERS - len(tail) - (max(len(link), LINK_ROOM_CHARACTERS) if link else 0)
    return (short if len(short) <= room else short[: room - 3] + "...") + tail + link


def _tail(subject: Subject, lang: str) -> str:
    """Return which ticket it is, why it comes again, and what to answer."""
    number = str(subject.ticket_id)
    parts = [t(lang, "message.sms.ticket", number=number)]
    if subject.occasion in (Occasion.ESCALATED, Occasion.REMINDER):
        ordinal = formats.ordinal(lang, max(1, subject.round_number))
        parts.append(t(lang, "message.sms.again", ordinal=ordinal))
    elif subject.occasion in (Occasion.WORSE, Occasion.LAPSED):
        parts.append(t(lang, f"message.sms.{subject.occasion}"))
    asks = t(lang, "message.sms.answer", number=number) if subject.link else ""
    return ", ".join(parts) + (asks or ".")
