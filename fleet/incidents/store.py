"""Incidents in the database: load what decisions need, write what was decided.  No decisions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, insert, select, update

from fleet.facts.states import Cause
from fleet.incidents.model import Domain, Grade, Incident, IncidentState, Member, SharedCause
from fleet.incidents.rules import REOPEN_WINDOW_US
from fleet.incidents.tables import incident_events, incident_findings, incident_gateways, incidents
from fleet.tickets.model import Criticality


def load(connection: Connection, now_us: int) -> tuple[Incident, ...]:
    """Return open incidents and those that ended a moment ago, oldest first."""
    recent = (incidents.c.state == IncidentState.ENDED) & (
        incidents.c.ended_at_us > now_us - REOPEN_WINDOW_US
    )
    query = select(incidents).where((incidents.c.state == IncidentState.OPEN) | recent)
    rows = connection.execute(query.order_by(incidents.c.id)).all()
    ids = [row.id for row in rows]
    if not ids:
        return ()
    members = _members(connection, ids)
    return tuple(_incident(row, members.get(row.id, {})) for row in rows)


def _members(connection: Connection, ids: list[int]) -> dict[int, dict[str, Member]]:
    found: dict[int, dict[str, Member]] = {}
    columns = incident_gateways.c
    query = select(columns.incident_id, columns.eui, columns.since_us, columns.restored_us)
    for incident_id, eui, since_us, restored_us in connection.execute(
        query.where(columns.incident_id.in_(ids))
    ):
        member = Member(eui=eui, since_us=since_us, restored_us=restored_us)
        found.setdefault(incident_id, {})[eui] = member
    return found


def _incident(row: Row[Any], members: dict[str, Member]) -> Incident:
    return Incident(
        id=row.id,
        state=IncidentState(row.state),
        cause=SharedCause(domain=Domain(row.domain), value=row.value),
        proved=Cause(row.proved),
        criticality=Criticality(row.criticality),
        began_us=row.began_at_us,
        opened_us=row.opened_at_us,
        ended_us=row.ended_at_us,
        communes=tuple(row.communes),
        members=members,
    )


def create(
    connection: Connection,
    *,
    cause: SharedCause,
    proved: Cause,
    members: Iterable[Member],
    grade: Grade,
    now_us: int,
) -> int:
    """Write a new incident with its members and return its number."""
    members = tuple(members)
    values = {
        "state": IncidentState.OPEN,
        "domain": cause.domain,
        "value": cause.value,
        "proved": proved,
        "began_at_us": min(member.since_us for member in members),
        "opened_at_us": now_us,
    }
    statement = insert(incidents).values(**values, **_graded(grade)).returning(incidents.c.id)
    incident_id = int(connection.execute(statement).scalar_one())
    add_members(connection, incident_id, members)
    keep_finding(connection, incident_id, now_us)
    return incident_id


def _graded(grade: Grade) -> dict[str, Any]:
    return {
        "criticality": grade.criticality,
        "reason": grade.reason,
        "communes": list(grade.communes),
    }


def add_members(connection: Connection, incident_id: int, members: Iterable[Member]) -> None:
    """Add gateways to an incident; one that is there already begins anew."""
    members = tuple(members)
    remove_members(connection, incident_id, [one.eui for one in members])
    if not members:
        return
    values = [
        {"incident_id": incident_id, "eui": one.eui, "since_us": one.since_us, "restored_us": one.restored_us}
        for one in members
    ]
    connection.execute(insert(incident_gateways), values)
    began_us = min(one.since_us for one in members)
    earlier = (incidents.c.id == incident_id) & (incidents.c.began_at_us > began_us)
    connection.execute(update(incidents).where(earlier).values(began_at_us=began_us))


def restore_members(connection: Connection, incident_id: int, members: Iterable[Member]) -> None:
    """Write when gateways came back."""
    back = [(one.eui, one.restored_us) for one in members if one.restored_us is not None]
    if not back:
        return
    columns = incident_gateways.c
    mine = (columns.incident_id == bindparam("of")) & (columns.eui == bindparam("which"))
    statement = update(incident_gateways).where(mine).values(restored_us=bindparam("at"))
    connection.execute(statement, [{"of": incident_id, "which": eui, "at": at_us} for eui, at_us in back])


def remove_members(connection: Connection, incident_id: int, euis: Iterable[str]) -> None:
    """Take gateways out of an incident."""
    rows = [{"of": incident_id, "which": eui} for eui in euis]
    mine = (incident_gateways.c.incident_id == bindparam("of")) & (
        incident_gateways.c.eui == bindparam("which")
    )
    if rows:
        connection.execute(delete(incident_gateways).where(mine), rows)


def members_of(connection: Connection, incident_id: int) -> tuple[Member, ...]:
    """Return every gateway of an incident."""
    return tuple(_members(connection, [incident_id]).get(incident_id, {}).values())


def explained(connection: Connection, incident_id: int) -> tuple[SharedCause, Grade] | None:
    """Return an incident's cause and grade as they are written; None if there is no such incident."""
    row = connection.execute(select(incidents).where(incidents.c.id == incident_id)).one_or_none()
    if row is None:
        return None
    return SharedCause(domain=Domain(row.domain), value=row.value), _grade(row)


def _grade(row: Row[Any]) -> Grade:
    return Grade(criticality=Criticality(row.criticality), reason=row.reason, communes=tuple(row.communes))


def communes_of(connection: Connection, incident_id: int) -> tuple[str, ...]:
    """Return the communes (INSEE) that an incident's criticality has spoken of."""
    found = explained(connection, incident_id)
    return () if found is None else found[1].communes


FINDING = ("domain", "value", "proved", "criticality", "reason", "communes")
"""Columns that are facts with their time; each state of them is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was known of an incident from an instant on."""

    at_us: int
    cause: SharedCause
    proved: Cause
    grade: Grade


def keep_finding(connection: Connection, incident_id: int, now_us: int) -> None:
    """Append what is known of the incident now; what was known before stays."""
    columns = [incidents.c[name] for name in FINDING]
    row = connection.execute(select(*columns).where(incidents.c.id == incident_id)).mappings().one()
    connection.execute(insert(incident_findings).values(incident_id=incident_id, at_us=now_us, **row))


def findings(connection: Connection, incident_id: int) -> tuple[Finding, ...]:
    """Return all that was ever known of an incident, oldest first; at least what is known now."""
    mine = incident_findings.c.incident_id == incident_id
    rows = connection.execute(select(incident_findings).where(mine).order_by(incident_findings.c.id)).all()
    if not rows:  # written by a process before migration 0032
        columns = [incidents.c[name] for name in FINDING]
        query = select(incidents.c.opened_at_us.label("at_us"), *columns)
        rows = connection.execute(query.where(incidents.c.id == incident_id)).all()
    return tuple(
        Finding(
            at_us=row.at_us,
            cause=SharedCause(domain=Domain(row.domain), value=row.value),
            proved=Cause(row.proved),
            grade=_grade(row),
        )
        for row in rows
    )


def worst(found: Sequence[Finding]) -> Finding:
    """Return the gravest finding, the latest of equally grave ones: the headline that remains."""
    return min(reversed(found), key=lambda one: one.grade.criticality.weight)


def change(connection: Connection, incident_id: int, **values: Any) -> None:
    """Write columns of one incident."""
    connection.execute(update(incidents).where(incidents.c.id == incident_id).values(**values))


def explain(connection: Connection, incident_id: int, cause: SharedCause, now_us: int) -> None:
    """Write a new cause; the one before stays among the findings."""
    change(connection, incident_id, domain=cause.domain, value=cause.value)
    keep_finding(connection, incident_id, now_us)


def attribute(connection: Connection, incident_id: int, proved: Cause, now_us: int) -> None:
    """Write what is proved to have failed; what was thought before stays among the findings."""
    change(connection, incident_id, proved=proved)
    keep_finding(connection, incident_id, now_us)


def regrade(connection: Connection, incident_id: int, grade: Grade, now_us: int) -> None:
    """Write a new criticality with its reason; the one before stays among the findings."""
    change(connection, incident_id, **_graded(grade))
    keep_finding(connection, incident_id, now_us)


def log(
    connection: Connection,
    incident_id: int,
    *,
    kind: str,
    at_us: int,
    now_us: int,
    detail: dict[str, Any],
) -> None:
    """Append what is known from now on."""
    row = {"incident_id": incident_id, "at_us": at_us, "recorded_at_us": now_us, "kind": kind}
    connection.execute(insert(incident_events).values(**row, detail=detail))


GROWTH = ("Open", "Join", "Absorb", "Fail")


def growth(connection: Connection, incident_id: int) -> tuple[int, int]:
    """Return when an incident was opened and when it last grew."""
    columns = incident_events.c
    query = select(func.max(columns.recorded_at_us)).where(
        columns.incident_id == incident_id, columns.kind.in_(GROWTH)
    )
    opened = select(incidents.c.opened_at_us).where(incidents.c.id == incident_id)
    opened_us = int(connection.execute(opened).scalar_one())
    return opened_us, int(connection.execute(query).scalar() or opened_us)


def count_open(connection: Connection) -> int:
    """Return how many incidents are open."""
    query = select(func.count()).select_from(incidents).where(incidents.c.state == IncidentState.OPEN)
    return int(connection.execute(query).scalar_one())
