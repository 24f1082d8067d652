"""The contract's clocks in the monthly report: compliance, times, misses, causes; pure but for its loader.

Sources: MISSION (AMI 1.2: 4 h to site, 1 or 2 days to resolution); DESIGN §7.
"""

from collections.abc import Collection, Sequence
from fractions import Fraction

from sqlalchemy import Connection, func, select

from fleet.facts.months import Window
from fleet.incidents.tables import incident_gateways
from fleet.lang.i18n import word
from fleet.reports.model import Cell, CellKind, Column, Table
from fleet.reports.names import TicketSpan
from fleet.tickets.clocks import ClockNow, ClockVerdict, arrived_at_us, intervention, resolution
from fleet.tickets.joining import between
from fleet.tickets.model import Ticket, TicketState
from fleet.tickets.presence import proof_words
from fleet.tickets.rules import PROVED
from fleet.tickets.statistics import Compliance, Statistics, Times, statistics
from fleet.tickets.tables import tickets

VERDICTS = {
    ClockVerdict.MET: True,
    ClockVerdict.MET_REMOTELY: True,
    ClockVerdict.MISSED: False,
    ClockVerdict.RUNNING: None,
    ClockVerdict.PAUSED: None,
    ClockVerdict.MERGED: None,
}
CLOCKS = {"intervention": "intervention sous 4 h", "resolution": "résolution"}
CAUSES = {"remote": "rétabli à distance", "open": "en cours"}


def load_interventions(
    connection: Connection, window: Window, now_us: int, inside: Collection[str] | None = None
) -> tuple[Table, ...]:
    """Return the tables of the tickets that were reported in a window; ``inside``: of these communes only."""
    mine = [
        ticket
        for ticket in between(connection, window.start_us, window.end_us)
        if inside is None or ticket.commune_insee in inside
    ]
    return (
        *interventions(statistics(mine, now_us)),
        tickets_table(mine, now_us),
        pauses_table(mine),
        arrivals_table(mine),
    )


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
            tickets.c.report,
        )
        .join(tickets, tickets.c.incident_id == member.incident_id)
        .where(member.since_us < until_us, member.restored_us.is_(None) | (member.restored_us > from_us))
        .order_by(member.eui, member.since_us, tickets.c.id)
    )
    found: dict[str, tuple[TicketSpan, ...]] = {}
    for eui, number, since_us, restored_us, report in connection.execute(query):
        action = (report or {}).get("action", "")
        span = TicketSpan(number=number, since_us=since_us, until_us=restored_us, action=action)
        found[eui] = (*found.get(eui, ()), span)
    return found


def interventions(found: Statistics) -> tuple[Table, ...]:
    """Return compliance with times, the list of misses, and the causes."""
    return (_clocks(found), _misses(found), _causes(found))


def tickets_table(mine: Sequence[Ticket], now_us: int) -> Table:
    """Return the tickets with what the contract's clocks say: 4 h to the site, 1 or 2 days to the service."""
    columns = (
        Column(title="Ticket", room=8),
        Column(title="Lieu"),
        Column(title="Criticité"),
        Column(title="Signalé", kind=CellKind.INSTANT),
        Column(title="Pris en charge", kind=CellKind.INSTANT, sheet_only=True),
        Column(title="Sur place", kind=CellKind.INSTANT, sheet_only=True),
        Column(title="Rétabli", kind=CellKind.INSTANT, sheet_only=True),
        Column(title="Présence", sheet_only=True),
        *(
            column
            for clock in ("Intervention", "Résolution")
            for column in (
                Column(title=f"{clock} après", kind=CellKind.DURATION),
                Column(title=f"{clock}, limite", kind=CellKind.DURATION),
                Column(title=f"{clock}, délai", kind=CellKind.VERDICT),
            )
        ),
        Column(title="Cause constatée"),
        Column(title="Remède"),
    )
    rows = tuple(
        (
            f"n° {ticket.id}",
            ticket.title,
            word("fr", "criticality", ticket.worst_criticality.value),
            *_way(ticket),
            *_clock(ticket, intervention(ticket, now_us), _arrived(ticket)),
            *_clock(ticket, resolution(ticket, now_us), ticket.restored_at_us),
            ticket.report.cause if ticket.report else ("à distance" if ticket.remote else ""),
            ticket.report.action if ticket.report else "",
        )
        for ticket in mine
        if ticket.state is not TicketState.MERGED
    )
    return Table(
        name="tickets",
        title="Tickets signalés dans le mois",
        columns=columns,
        rows=rows,
        empty="Aucun ticket.",
    )


def _clock(ticket: Ticket, clock: ClockNow, stopped_us: int | None) -> tuple[Cell, ...]:
    """Return how long it took, the limit with its pauses, and whether it was kept."""
    took_us = None if stopped_us is None else max(0, stopped_us - ticket.reported_at_us)
    return took_us, clock.due_at_us - ticket.reported_at_us, VERDICTS[clock.verdict]


def _arrived(ticket: Ticket) -> int | None:
    """Return when somebody was there, or the service was back before anybody was."""
    known = [one for one in (arrived_at_us(ticket), ticket.restored_at_us) if one is not None]
    return min(known, default=None)


def pauses_table(mine: Sequence[Ticket]) -> Table:
    """Return every pause of the clocks, with who and why."""
    columns = (
        Column(title="Ticket", room=8),
        Column(title="Lieu"),
        Column(title="Début", kind=CellKind.INSTANT),
        Column(title="Fin", kind=CellKind.INSTANT),
        Column(title="Durée", kind=CellKind.DURATION),
        Column(title="Motif"),
        Column(title="Décidée par"),
        Column(title="Précision"),
    )
    rows = tuple(
        (
            f"n° {ticket.id}",
            ticket.title,
            pause.from_us,
            pause.until_us,
            None if pause.until_us is None else pause.until_us - pause.from_us,
            word("fr", "pause", pause.reason.value),
            pause.who,
            pause.note,
        )
        for ticket in mine
        for pause in ticket.pauses
    )
    return Table(
        name="suspensions",
        title="Suspensions des délais",
        columns=columns,
        rows=rows,
        empty="Aucun délai n’a été suspendu.",
    )


def arrivals_table(mine: Sequence[Ticket]) -> Table:
    """Return the arrivals that were entered late: each counts when a second person confirms it."""
    columns = (
        Column(title="Ticket", room=8),
        Column(title="Lieu"),
        Column(title="Sur place", kind=CellKind.INSTANT),
        Column(title="Enregistré", kind=CellKind.INSTANT),
        Column(title="Par"),
        Column(title="Montré"),
        Column(title="Seconde personne"),
        Column(title="Confirmé", kind=CellKind.INSTANT),
        Column(title="Compte", kind=CellKind.VERDICT),
    )
    late = [ticket for ticket in mine if ticket.on_site_late and ticket.state is not TicketState.MERGED]
    rows = tuple(
        (
            f"n° {ticket.id}",
            ticket.title,
            ticket.on_site_at_us,
            ticket.on_site_entered_at_us,
            ticket.on_site_by,
            proof_words("fr", ticket.on_site_proof),
            ticket.on_site_confirmed_by,
            ticket.on_site_confirmed_at_us,
            arrived_at_us(ticket) is not None,
        )
        for ticket in late
    )
    proved = sum(ticket.on_site_proof in PROVED for ticket in mine)
    arrived = sum(ticket.on_site_at_us is not None for ticket in mine)
    return Table(
        name="arrivees",
        title="Changements faits par des personnes : arrivées déclarées tard",
        columns=columns,
        rows=rows,
        empty="Aucune arrivée n’a été déclarée tard.",
        note=f"Arrivées prouvées par le code de la passerelle : {proved} sur {arrived} ; "
        "les autres sont déclarées. "
        "Une arrivée déclarée tard ne compte que confirmée par une seconde personne.",
    )


def _way(ticket: Ticket) -> tuple[Cell, ...]:
    """Return when each step was taken, and how we know of the arrival."""
    proof = "" if ticket.on_site_at_us is None else proof_words("fr", ticket.on_site_proof)
    instants = (ticket.reported_at_us, ticket.acknowledged_at_us, ticket.on_site_at_us, ticket.restored_at_us)
    return (*instants, proof)


def _clocks(found: Statistics) -> Table:
    columns = (
        Column(title="Délai"),
        Column(title="Tenus", kind=CellKind.COUNT),
        Column(title="dont à distance", kind=CellKind.COUNT),
        Column(title="Manqués", kind=CellKind.COUNT),
        Column(title="En cours", kind=CellKind.COUNT),
        Column(title="Taux", kind=CellKind.PERCENT),
        Column(title="Médiane", kind=CellKind.DURATION),
        Column(title="Neuf sur dix", kind=CellKind.DURATION),
        Column(title="Le plus long", kind=CellKind.DURATION),
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
        Column(title="Ticket", room=8),
        Column(title="Lieu"),
        Column(title="Délai"),
        Column(title="Retard", kind=CellKind.DURATION),
        Column(title="Suspensions", kind=CellKind.DURATION),
    )
    rows = tuple(
        (f"n° {miss.ticket_id}", miss.title, CLOCKS[miss.clock], miss.late_us, miss.paused_us)
        for miss in found.misses
    )
    return Table(
        name="retards", title="Délais manqués", columns=columns, rows=rows, empty="Aucun délai manqué."
    )


def _causes(found: Statistics) -> Table:
    columns = (Column(title="Cause constatée"), Column(title="Tickets", kind=CellKind.COUNT))
    rows = tuple((CAUSES.get(cause, cause), count) for cause, count in found.by_cause.items())
    return Table(
        name="causes-tickets", title="Tickets par cause", columns=columns, rows=rows, empty="Aucun ticket."
    )
