"""The contract's clocks in the monthly report: compliance, times, misses, causes; pure but for its loader.

Sources: MISSION (AMI 1.2: 4 h to site, 1 or 2 days to resolution); DESIGN §7.
"""

from fractions import Fraction

from sqlalchemy import Connection, func, select

from fleet.incidents.tables import incident_gateways
from fleet.reports.model import Cell, Column, Kind, Table
from fleet.reports.monthly_tables import TicketSpan
from fleet.tickets.joining import between
from fleet.tickets.statistics import Compliance, Statistics, Times, statistics
from fleet.tickets.tables import tickets

CLOCKS = {"intervention": "intervention sous 4 h", "resolution": "résolution"}
CAUSES = {"remote": "rétabli à distance", "open": "en cours"}


def load_interventions(connection: Connection, from_us: int, until_us: int, now_us: int) -> tuple[Table, ...]:
    """Return the tables of the tickets that were reported in a window."""
    return interventions(statistics(between(connection, from_us, until_us), now_us))


def tickets_by_gateway(
    connection: Connection, from_us: int, until_us: int
) -> dict[str, tuple[TicketSpan, ...]]:
    """Return the tickets by EUI of the gateways that they were about in a window.

    A ticket that was merged is named by the one it was merged into.
    """
    member = incident_gateways.c
    query = (
        select(
            member.eui,
            func.coalesce(tickets.c.merged_into, tickets.c.id).label("number"),
            member.since_us,
            member.restored_us,
        )
        .join(tickets, tickets.c.incident_id == member.incident_id)
        .where(member.since_us < until_us, member.restored_us.is_(None) | (member.restored_us > from_us))
        .order_by(member.eui, member.since_us, tickets.c.id)
    )
    found: dict[str, tuple[TicketSpan, ...]] = {}
    for eui, number, since_us, restored_us in connection.execute(query):
        span = TicketSpan(number=number, since_us=since_us, until_us=restored_us)
        found[eui] = (*found.get(eui, ()), span)
    return found


def interventions(found: Statistics) -> tuple[Table, ...]:
    """Return compliance with times, the list of misses, and the causes."""
    return (_clocks(found), _misses(found), _causes(found))


def _clocks(found: Statistics) -> Table:
    columns = (
        Column(title="Délai"),
        Column(title="Tenus", kind=Kind.COUNT),
        Column(title="dont à distance", kind=Kind.COUNT),
        Column(title="Manqués", kind=Kind.COUNT),
        Column(title="En cours", kind=Kind.COUNT),
        Column(title="Taux", kind=Kind.PERCENT),
        Column(title="Médiane", kind=Kind.DURATION),
        Column(title="Neuf sur dix", kind=Kind.DURATION),
        Column(title="Le plus long", kind=Kind.DURATION),
    )
    rows = (
        ("Prise en charge", None, None, None, None, None, *_times(found.to_acknowledge)),
        ("Intervention, 4 h", *_kept(found.intervention), *_times(found.to_site)),
        ("Résolution, 24 ou 48 h", *_kept(found.resolution), *_times(found.to_restore)),
    )
    return Table(
        name="interventions",
        title="Interventions et délais du contrat",
        columns=columns,
        rows=rows,
        note=f"{found.tickets} tickets signalés dans le mois ; heures écoulées, de jour comme de nuit.",
    )


def _kept(one: Compliance) -> tuple[Cell, ...]:
    kept, of = one.kept_of
    return kept, one.met_remotely, one.missed, one.running, Fraction(kept, of) if of else None


def _times(one: Times) -> tuple[Cell, ...]:
    return one.median_us, one.ninth_decile_us, one.longest_us


def _misses(found: Statistics) -> Table:
    columns = (
        Column(title="Ticket"),
        Column(title="Lieu"),
        Column(title="Délai"),
        Column(title="Retard", kind=Kind.DURATION),
        Column(title="Suspensions", kind=Kind.DURATION),
    )
    rows = tuple(
        (f"n° {miss.ticket_id}", miss.title, CLOCKS[miss.clock], miss.late_us, miss.paused_us)
        for miss in found.misses
    )
    return Table(
        name="retards", title="Délais manqués", columns=columns, rows=rows, empty="Aucun délai manqué."
    )


def _causes(found: Statistics) -> Table:
    columns = (Column(title="Cause constatée"), Column(title="Tickets", kind=Kind.COUNT))
    rows = tuple((CAUSES.get(cause, cause), count) for cause, count in found.by_cause.items())
    return Table(
        name="causes-tickets", title="Tickets par cause", columns=columns, rows=rows, empty="Aucun ticket."
    )
