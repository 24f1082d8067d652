"""Tickets: lines, steps, trail; and one on a technician's phone; pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agent.wire.messages import Heartbeat, Radio
from fleet.acts.steps import Step as FieldStep
from fleet.durations import MINUTE_US
from fleet.lang.i18n import catalogue
from fleet.lang.text import collation
from fleet.notify.compose import SiteLine, map_link
from fleet.tickets.model import Criticality, Ticket, TicketState
from fleet.tickets.presence import proof_words
from fleet.tickets.store import TicketEvent, TicketView
from fleet.web.incident_views import IncidentLine, MemberLine
from fleet.web.rendering import Words
from fleet.web.views.arrivals import arrival_words
from fleet.web.views.clocks import Countdown, intervention_of, resolution_of
from fleet.web.views.tables import Column

LATE_US = MINUTE_US
"""What was told later than this says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketLine:
    """One ticket in a list."""

    id: int
    title: str
    cause: str
    state: TicketState
    criticality: Criticality
    began_at_us: int
    intervention: Countdown
    resolution: Countdown
    urgency: tuple[bool, int]
    who: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step from the report to the end."""

    key: str
    at_us: int | None
    who: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailLine:
    """One line of what happened."""

    at_us: int
    recorded_at_us: int
    text: str
    who: str
    detail: str
    late: bool


def line_of(shown: TicketView, *, title: str = "", cause: str = "") -> TicketLine:
    """Return a ticket as a line; ``title`` and ``cause`` put it in words."""
    ticket = shown.ticket
    waiting = ticket.working and ticket.on_site_at_us is None
    left_us = shown.intervention.left_us if waiting else shown.resolution.left_us
    return TicketLine(
        id=ticket.id,
        title=title or ticket.title,
        cause=cause,
        state=ticket.state,
        criticality=ticket.shown_criticality,
        began_at_us=ticket.began_at_us,
        intervention=intervention_of(shown),
        resolution=resolution_of(shown),
        urgency=(not ticket.working, left_us),
        who=ticket.acknowledged_by,
    )


def columns() -> list[Column[TicketLine]]:
    """Return the columns of the list and its export."""
    return [
        Column(key="id", secondary=True, title="incidents.id", value=lambda line: line.id, numeric=True),
        Column(key="criticality", title="incidents.criticality", value=lambda line: line.criticality.weight),
        Column(key="title", title="incidents.title", value=lambda line: collation(line.title)),
        Column(
            key="state",
            secondary=True,
            title="incidents.state",
            value=lambda line: list(TicketState).index(line.state),
        ),
        Column(
            key="began",
            secondary=True,
            title="incidents.began",
            value=lambda line: line.began_at_us,
            numeric=True,
        ),
        Column(
            key="intervention", title="incidents.intervention", value=lambda line: line.urgency, numeric=True
        ),
        Column(
            key="resolution",
            secondary=True,
            title="incidents.resolution",
            value=lambda line: line.resolution.left_us,
            numeric=True,
        ),
        Column(key="who", secondary=True, title="incidents.who", value=lambda line: collation(line.who)),
    ]


def steps_of(words: Words, ticket: Ticket) -> list[Step]:
    """Return how far the work has come."""
    return [
        Step(key="reported", at_us=ticket.reported_at_us, who=ticket.caller),
        Step(key="acknowledged", at_us=ticket.acknowledged_at_us, who=ticket.acknowledged_by),
        Step(key="en_route", at_us=ticket.en_route_at_us),
        Step(
            key="on_site",
            at_us=ticket.on_site_at_us,
            who=ticket.on_site_by,
            note=arrival_words(words, ticket),
        ),
        Step(key="restored", at_us=ticket.restored_at_us),
        Step(
            key="merged" if ticket.state is TicketState.MERGED else "closed",
            at_us=ticket.closed_at_us,
        ),
    ]


VERBS = {
    "prendre": FieldStep.ACKNOWLEDGE,
    "partir": FieldStep.DEPART,
    "arriver": FieldStep.ARRIVE,
    "suspendre": FieldStep.PAUSE,
    "reprendre": FieldStep.RESUME,
    "clore": FieldStep.CLOSE,
    "rouvrir": FieldStep.REOPEN,
    "noter": FieldStep.NOTE,
    "confirmer": FieldStep.CONFIRM,
}
"""The last word of a form's address, and the step that it asks for."""

OFFLINE = {verb: VERBS[verb].value for verb in ("prendre", "partir", "arriver", "reprendre")}
"""Buttons without a field that may wait on a phone without coverage; it sends them to the API."""


def actions_of(ticket: Ticket) -> list[str]:
    """Return what a person may do next, the likeliest first, by the words of the address."""
    found: list[str] = []
    if ticket.working:
        if ticket.acknowledged_at_us is None:
            found.append("prendre")
        if ticket.en_route_at_us is None and ticket.on_site_at_us is None:
            found.append("partir")
        if ticket.paused:
            found.append("reprendre")
    if ticket.on_site_at_us is None and ticket.state not in (TicketState.CLOSED, TicketState.MERGED):
        found.append("arriver")
    return found


def trail_of(words: Words, events: tuple[TicketEvent, ...]) -> list[TrailLine]:
    """Return the trail, newest first."""
    lines = [
        TrailLine(
            at_us=event.at_us,
            recorded_at_us=event.recorded_at_us,
            text=words.word("trail", event.kind),
            who="" if event.who == "telemetry" else event.who,
            detail=_detail(words, event.kind, event.detail),
            late=event.recorded_at_us - event.at_us > LATE_US and event.kind not in ("Report", "Restore"),
        )
        for event in events
    ]
    return lines[::-1]


def _detail(words: Words, kind: str, detail: dict[str, Any]) -> str:
    told = _DETAILS.get(kind)
    return "" if told is None else told(words, detail)


def _refusal(words: Words, detail: dict[str, Any]) -> str:
    values = {name: str(value) for name, value in detail.items() if name not in ("key", "event")}
    return words.t(detail["key"], **values) if detail["key"] in catalogue() else str(detail["key"])


def _paused(words: Words, detail: dict[str, Any]) -> str:
    return " · ".join(part for part in (words.t(f"pause.{detail['reason']}"), detail["note"]) if part)


def _closed(words: Words, detail: dict[str, Any]) -> str:
    del words
    report = detail.get("report") or {}
    return " · ".join(part for part in (report.get("cause", ""), report.get("action", "")) if part)


_DETAILS: dict[str, Callable[[Words, dict[str, Any]], str]] = {
    "Report": lambda words, detail: words.t(f"criticality.{detail['criticality']}"),
    "Regrade": lambda words, detail: words.t(f"criticality.{detail['criticality']}"),
    "StopClocks": _paused,
    "Close": _closed,
    "Refused": _refusal,
    "Attach": lambda words, detail: str(detail["name"]),  # noqa: ARG005
    "Note": lambda words, detail: str(detail["text"]),  # noqa: ARG005
    "ConfirmArrival": lambda words, detail: str(detail["text"]),  # noqa: ARG005
    "Arrive": lambda words, detail: proof_words(words.lang, str(detail["proof"])),
    "Reopen": lambda words, detail: str(detail["reason"]),  # noqa: ARG005
}


def export_columns(words: Words) -> list[Column[TicketLine]]:
    """Return the columns of the export: words, and instants in full."""
    return [
        Column(key="id", title="incidents.id", value=lambda line: line.id),
        Column(
            key="criticality",
            title="incidents.criticality",
            value=lambda line: words.t(f"criticality.{line.criticality}"),
        ),
        Column(key="title", title="incidents.title", value=lambda line: line.title),
        Column(
            key="state", title="incidents.state", value=lambda line: words.t(f"ticket.state.{line.state}")
        ),
        Column(key="began", title="incidents.began", value=lambda line: words.moment(line.began_at_us)),
        Column(
            key="due",
            title="incidents.intervention",
            value=lambda line: words.moment(line.intervention.due_at_us),
        ),
        Column(key="who", title="incidents.who", value=lambda line: line.who),
    ]


PLACES_LIMIT = 3
"""Sites with a button of their own; the list of all stands below."""
MEMBERS_LIMIT = 4
"""Gateways whose live state is shown; the incident's page tells of all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteButton:
    """One button that starts the navigation."""

    name: str
    href: str
    web: str
    """The same on OpenStreetMap, for phones that know no ``geo:``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How far an incident goes that hits more gateways than one looks at singly."""

    gateways: int
    failing: int
    communes: int


def reach_of(members: Sequence[MemberLine], incident: IncidentLine | None) -> Reach:
    """Return how many gateways and communes an incident hits."""
    return Reach(
        gateways=len(members),
        failing=sum(one.restored_us is None for one in members),
        communes=len(incident.communes) if incident else 0,
    )


def places_of(sites: Iterable[SiteLine]) -> list[RouteButton]:
    """Return where to drive, for each site whose place is known."""
    found = []
    for one in sites:
        if one.lat is not None and one.lon is not None:
            spot = f"{one.lat:.5f}/{one.lon:.5f}"
            web = f"https://www.openstreetmap.org/?mlat={one.lat:.5f}&mlon={one.lon:.5f}#map=17/{spot}"
            found.append(RouteButton(name=one.name, href=map_link(one.lat, one.lon), web=web))
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
    steps = [*(step.value for step in FieldStep), "photo"]
    return {name: words.t(f"offline.{name}") for name in names} | {
        "steps": {step: words.t(f"offline.step.{step}") for step in steps}
    }
