"""The contract's clocks in the monthly report: compliance, times, misses, causes; pure but for its loader.

Sources: MISSION (AMI 1.2: 4 h to site, 1 or 2 days to resolution); DESIGN §7.
"""

from fractions import Fraction

from sqlalchemy import Connection, select

from fleet.incidents.tables import incident_gateways
from fleet.reports.model import Cell, Column, Kind, Table
from fleet.tickets.joining import between
from fleet.tickets.statistics import Compliance, Statistics, Times, statistics
from fleet.tickets.tables import tickets

CLOCKS = {"intervention": "intervention sous 4 h", "resolution": "résolution"}
CAUSES = {"remote": "rétabli à distance", "open": "en cours"}


def load_interventions(connection: Connection, from_us: int, until_us: int, now_us: int) -> tuple[Table, ...]:
    """Return the tables of the tickets that were reported in a window."""
    return interventions(statistics(between(connection, from_us, until_us), now_us))


def tickets_by_gateway(connection: Connection, from_us: int, until_us: int) -> dict[str, str]:
    """Return the tickets of a window by EUI of the gateways that they are about."""
    query = (
        select(incident_gateways.c.eui, tickets.c.id)
        .join(tickets, tickets.c.incident_id == incident_gateways.c.incident_id)
        .where(tickets.c.reported_at_us >= from_us, tickets.c.reported_at_us < until_us)
        .order_by(tickets.c.id)
    )
    found: dict[str, str] = {}
    for eui, number in connection.execute(query):
        found[eui] = f"{found[eui]}, n° {number}" if eui in found else f"n° {number}"
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
