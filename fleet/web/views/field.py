"""A ticket on a technician's phone: where to go, how it stands there, what waits on the phone; pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from agent.wire.messages import Heartbeat, Radio
from fleet.notify.compose import SiteLine, map_link
from fleet.tickets.model import Ticket, TicketState
from fleet.tickets.steps import Step
from fleet.web.rendering import Words

PLACES_LIMIT = 3
"""Sites with a button of their own; the list of all stands below."""
MEMBERS_LIMIT = 4
"""Gateways whose live state is shown; the incident's page tells of all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One button that starts the navigation."""

    name: str
    href: str
    web: str
    """The same on OpenStreetMap, for phones that know no ``geo:``."""


def places_of(sites: Iterable[SiteLine]) -> list[Place]:
    """Return where to drive, for each site whose place is known."""
    found = []
    for one in sites:
        if one.lat is not None and one.lon is not None:
            spot = f"{one.lat:.5f}/{one.lon:.5f}"
            web = f"https://www.openstreetmap.org/?mlat={one.lat:.5f}&mlon={one.lon:.5f}#map=17/{spot}"
            found.append(Place(name=one.name, href=map_link(one.lat, one.lon), web=web))
    return found[:PLACES_LIMIT]


def site_line(site: Mapping[str, Any]) -> SiteLine:
    """Return the place of a ticket that no incident belongs to."""
    names = ("name", "address", "access_notes", "lat", "lon")
    return SiteLine(commune="", **{name: site[name] for name in names})


def beat_words(words: Words, beat: Heartbeat) -> list[str]:
    """Return radio and network servers of one gateway in a few words."""
    radio = words.t("field.radio", state=words.t(f"radio.{Radio(beat.radio).name}"))
    servers = (
        f"{one.name} {words.t('connector.up' if one.up else 'connector.down')}" for one in beat.connectors
    )
    return [radio, *servers]


def reports(ticket: Ticket) -> bool:
    """Return whether a field report may be written: on site, or restored and not closed."""
    return ticket.working or ticket.state is TicketState.RESTORED


def queue_texts(words: Words) -> dict[str, Any]:
    """Return every sentence that the phone says by itself of what waits on it."""
    names = ("kept", "waiting", "network", "login", "held", "refused", "dismiss", "full", "no_room")
    steps = [*(step.value for step in Step), "photo"]
    return {name: words.t(f"offline.{name}") for name in names} | {
        "steps": {step: words.t(f"offline.step.{step}") for step in steps}
    }
