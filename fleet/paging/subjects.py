"""What a message may say about a ticket, gathered from incident, network and registry."""

from dataclasses import dataclass, replace

from sqlalchemy import Connection, select

from fleet.facts.states import Cause
from fleet.incidents import store
from fleet.incidents.causes import UNPROVED
from fleet.incidents.context import CycleContext
from fleet.incidents.model import Domain, IncidentState
from fleet.incidents.sites import sites_of
from fleet.incidents.store import Finding
from fleet.incidents.tables import incident_gateways, incidents
from fleet.lang.i18n import t
from fleet.live.model import NetworkNow
from fleet.notify.compose import LISTED_LIMIT, Occasion, SiteLine, Subject
from fleet.notify.marks import acknowledge_mark, ticket_mark
from fleet.registry.tables import communes, sites
from fleet.tickets.clocks import intervention
from fleet.tickets.model import Ticket

WHAT = {
    "grade.lost": "lost",
    "grade.breach": "breach",
    "grade.redundancy": "redundancy",
    "grade.sensors": "sensors",
    "grade.gateway": "gateway",
    "grade.burn": "flaps",
    "grade.flaps": "flaps",
    "grade.quarantine": "quarantine",
    "grade.budget": "budget",
}


def subject(context: CycleContext, ticket: Ticket, *, occasion: Occasion, lang: str) -> Subject:
    """Return what is known about a ticket, worded for ``lang``."""
    clock = intervention(ticket, context.now_us)
    due_us = clock.due_at_us if ticket.on_site_at_us is None and ticket.working else None
    base = Subject(
        occasion=occasion,
        ticket_id=ticket.id,
        criticality=ticket.shown_criticality.value,
        where=ticket.title,
        what="reported",
        cause="reported",
        cause_known=ticket.title,
        began_us=ticket.began_at_us,
        on_site_due_us=due_us,
        ended_us=ticket.restored_at_us,
        link=acknowledge_mark(ticket.id) if ticket.working and ticket.acknowledged_at_us is None else "",
        ticket_url=ticket_mark(ticket.id),
    )
    if ticket.incident_id is None:
        return _reported(context.connection, base, ticket)
    return _measured(context, base, ticket, lang)


def _reported(connection: Connection, base: Subject, ticket: Ticket) -> Subject:
    name = _commune_names(connection, [ticket.commune_insee])
    lines = _site_lines(connection, sites_of(connection, ticket).to_work_at)
    return replace(base, where=name[0] if name else ticket.title, sites=lines)


def _measured(context: CycleContext, base: Subject, ticket: Ticket, lang: str) -> Subject:
    connection, network = context.connection, context.network
    row = connection.execute(select(incidents).where(incidents.c.id == ticket.incident_id)).one()
    mine = incident_gateways.c.incident_id == row.id
    members = connection.execute(
        select(incident_gateways.c.eui, incident_gateways.c.restored_us).where(mine)
    ).all()
    failing = [one.eui for one in members if one.restored_us is None]
    euis = failing or [one.eui for one in members]
    found = store.findings(connection, row.id)
    finding = found[-1] if ticket.working else store.worst(found)
    known = described(connection, network, finding, lang)
    return replace(
        base,
        where=known.where,
        what=known.what,
        cause=known.cause,
        cause_known=known.cause_known,
        began_us=row.began_at_us,
        ended_us=row.ended_at_us if row.state == IncidentState.ENDED else None,
        gateways=len(euis),
        sensors=_sensors(network, euis),
        communes=known.communes,
        sites=_site_lines(connection, sites_of(connection, ticket).to_work_at),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """A finding in the reader's language: where, and the catalogue's keys of what and why."""

    where: str
    what: str
    cause: str
    cause_known: str
    communes: tuple[str, ...]


def described(connection: Connection, network: NetworkNow, finding: Finding, lang: str) -> Described:
    """Return a finding in words."""
    domain, value = finding.cause.domain, finding.cause.value
    names = _names(connection, network, list(finding.grade.communes))
    if not names and value in network.gateways:
        names = [network.gateways[value].name]
    return Described(
        where=where(lang, domain, value, names),
        what=WHAT[finding.grade.reason],
        cause=_cause(domain, finding.proved),
        cause_known=value if domain is not Domain.COMMUNE else "",
        communes=tuple(names),
    )


def where(lang: str, domain: Domain, value: str, names: list[str]) -> str:
    """Return the place in a few words: a village by name, an operator by its reach."""
    if not names:
        return value
    if len(names) == 1:
        return names[0]
    if domain in (Domain.OPERATOR, Domain.EPCI):
        return t(lang, f"message.where.{domain.value}", value=value, count=len(names))
    if domain in (Domain.NETWORK, Domain.LNS):
        return t(lang, "message.where.network", count=len(names))
    return t(lang, "message.where.more", first=names[0], count=len(names) - 1)


def _cause(domain: Domain, proved: Cause) -> str:
    if domain is not Domain.GATEWAY:
        return domain.value
    return Cause.UNKNOWN.value if proved in UNPROVED else proved.value


def _sensors(network: NetworkNow, euis: list[str]) -> int:
    lost = frozenset(euis)
    return sum(one.unheard_sensors for one in network.communes.values() if lost.intersection(one.unheard_by))


def _names(connection: Connection, network: NetworkNow, insee: list[str]) -> list[str]:
    missing = [code for code in insee if code not in network.communes]
    known = {code: commune.name for code, commune in network.communes.items()}
    if missing:
        rows = connection.execute(
            select(communes.c.insee, communes.c.name).where(communes.c.insee.in_(missing))
        )
        known |= {row.insee: row.name for row in rows}
    return [known.get(code, code) for code in insee]


def _commune_names(connection: Connection, insee: list[str]) -> list[str]:
    rows = connection.execute(select(communes.c.name).where(communes.c.insee.in_(insee)))
    return [row.name for row in rows]


def _site_lines(connection: Connection, ids: tuple[int, ...]) -> tuple[SiteLine, ...]:
    if not ids or len(ids) > LISTED_LIMIT:
        return ()
    query = (
        select(sites, communes.c.name.label("commune"))
        .join(communes, communes.c.insee == sites.c.commune_insee)
        .where(sites.c.id.in_(ids))
        .order_by(sites.c.name)
    )
    return tuple(
        SiteLine(
            name=row.name,
            commune=row.commune,
            address=row.address,
            access_notes=row.access_notes,
            needs=tuple(row.needs),
            lat=row.lat,
            lon=row.lon,
        )
        for row in connection.execute(query)
    )
