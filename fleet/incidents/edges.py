"""Every loss and return of gateways and communes, confirmed or not: what flaps and burn rates are made of.

One row a subject says how it stands; each change adds an edge.  Edges older than the longest window go.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, insert, select, update

from fleet.facts.states import JUDGED_STATES, LOST_STATES, CommuneState
from fleet.incidents.burn import LONGEST_WINDOW_US, Edge
from fleet.incidents.model import FLAP_WINDOW_US
from fleet.incidents.tables import pulse_edges, pulses
from fleet.live.model import NetworkNow

FEW = 500
"""Subjects that are looked up by name; for more the whole table is read."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a subject stands, and since when."""

    lost: bool
    since_us: int


def standings(network: NetworkNow) -> dict[str, Standing]:
    """Return how each gateway and commune stands; what cannot be judged is left out."""
    found = {
        eui: Standing(gateway.state in LOST_STATES, gateway.since_us)
        for eui, gateway in network.gateways.items()
        if gateway.state in JUDGED_STATES
    }
    for insee, commune in network.communes.items():
        if commune.state in (CommuneState.SERVED, CommuneState.LOST):
            found[commune_key(insee)] = Standing(commune.state is CommuneState.LOST, commune.since_us)
    return found


def commune_key(insee: str) -> str:
    """Return the name of a commune among the pulses."""
    return f"commune/{insee}"


def record(connection: Connection, network: NetworkNow, now_us: int) -> None:
    """Write every change since the last cycle."""
    present = standings(network)
    if (subjects := _changed(network)) is not None:
        present = {subject: present[subject] for subject in subjects if subject in present}
    if not present:
        return
    present = dict(sorted(present.items()))
    query = select(pulses.c.subject, pulses.c.lost)
    if len(present) <= FEW:
        query = query.where(pulses.c.subject.in_(present))
    known = {row.subject: row.lost for row in connection.execute(query)}
    new = [subject for subject in present if subject not in known]
    changed = [subject for subject, one in present.items() if known.get(subject, one.lost) is not one.lost]
    if new:
        added = [{"subject": subject, "lost": present[subject].lost} for subject in new]
        connection.execute(insert(pulses), added)
    if not changed:
        return
    for lost in (True, False):
        mine = [subject for subject in changed if present[subject].lost is lost]
        connection.execute(update(pulses).where(pulses.c.subject.in_(mine)).values(lost=lost))
    edges = [
        {"subject": subject, "at_us": min(present[subject].since_us, now_us), "lost": present[subject].lost}
        for subject in changed
    ]
    connection.execute(insert(pulse_edges), edges)
    connection.execute(delete(pulse_edges).where(pulse_edges.c.at_us < now_us - LONGEST_WINDOW_US))


def _changed(network: NetworkNow) -> set[str] | None:
    """Return the subjects whose state changed since the last committed cycle; None: look at all."""
    if network.changed_gateways is None or network.changed_communes is None:
        return None
    return {*network.changed_gateways, *map(commune_key, network.changed_communes)}


def flap_counts(connection: Connection, now_us: int) -> Mapping[str, int]:
    """Return how many edges each gateway made in the flap window."""
    query = (
        select(pulse_edges.c.subject, func.count())
        .where(pulse_edges.c.at_us > now_us - FLAP_WINDOW_US, pulse_edges.c.subject.not_like("commune/%"))
        .group_by(pulse_edges.c.subject)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def edges_of(connection: Connection, insee: Iterable[str]) -> Mapping[str, tuple[Edge, ...]]:
    """Return the edges of communes in the longest window, oldest first."""
    names = {commune_key(code): code for code in insee}
    query = select(pulse_edges).where(pulse_edges.c.subject.in_(names)).order_by(pulse_edges.c.at_us)
    found: dict[str, tuple[Edge, ...]] = dict.fromkeys(names.values(), ())
    for row in connection.execute(query):
        code = names[row.subject]
        found[code] = (*found[code], Edge(row.at_us, row.lost))
    return found
