"""One search over gateways, communes and tickets: accents and case do not matter."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from fleet.registry.store import Registry, load_registry
from fleet.tickets import store as tickets
from fleet.tickets.model import Ticket
from fleet.web.visit import Viewing

router = APIRouter()


@router.get("/recherche", response_class=HTMLResponse)
def page(visit: Viewing, q: str = "") -> Response:
    """Show what matches; a single match opens at once."""
    text = q[:TEXT_LIMIT]
    with visit.database.read() as connection:
        recent = [shown.ticket for shown in tickets.recent(connection, visit.now_us)]
        found = found_in(text, load_registry(connection), recent)
        if len(found) == 1:
            return RedirectResponse(found[0].href, 303)
        return visit.page("pages/search.html", connection, found=found, text=text)


FOUND_LIMIT: Final = 50
TEXT_LIMIT: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One result."""

    kind: str
    name: str
    detail: str
    href: str


def plain(text: str) -> str:
    """Return ``text`` without accents and case.

    >>> plain("Véretz")
    'veretz'
    """
    decomposed = unicodedata.normalize("NFD", text.casefold())
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def found_in(text: str, registry: Registry, tickets: Iterable[Ticket]) -> list[Found]:
    """Return gateways, communes and tickets that hold every word of ``text``."""
    words = plain(text).split()
    if not words:
        return []
    hits = [
        (one, haystack)
        for one, haystack in _all(registry, tickets)
        if all(word in haystack for word in words)
    ]
    hits.sort(key=lambda hit: (not plain(hit[0].name).startswith(words[0]), plain(hit[0].name)))
    return [one for one, _ in hits[:FOUND_LIMIT]]


def _all(registry: Registry, tickets: Iterable[Ticket]) -> Iterable[tuple[Found, str]]:
    for gateway in registry.gateways.values():
        commune = registry.communes.get(gateway.commune_insee)
        place = commune.name if commune else ""
        detail = f"{gateway.site_name} · {gateway.eui}"
        one = Found(kind="gateway", name=gateway.name, detail=detail, href=f"/passerelles/{gateway.eui}")
        yield one, plain(f"{gateway.name} {gateway.site_name} {place} {gateway.address} {gateway.eui}")
    for known in registry.communes.values():
        one = Found(
            kind="commune",
            name=known.name,
            detail=f"{known.epci} · {known.insee}",
            href=f"/communes/{known.insee}",
        )
        yield one, plain(f"{known.name} {known.insee}")
    for ticket in tickets:
        one = Found(
            kind="ticket", name=f"{ticket.id} · {ticket.title}", detail="", href=f"/tickets/{ticket.id}"
        )
        yield one, plain(f"{ticket.id} {ticket.title}")
