"""People and duty in the database.  Rows of an import are checked here, with the path of what is wrong."""

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select, update

from fleet.db.seals import changing, is_intact
from fleet.lang.i18n import LANGUAGES
from fleet.lang.paris import instant_us
from fleet.lang.phones import PhoneRefused, e164, e164_of_sender
from fleet.lang.text import one_line
from fleet.oncall.model import Duty, OnCallNow, Period, Person, Rota, Rotation, Span
from fleet.oncall.rules import on_call
from fleet.oncall.tables import on_call as on_call_table
from fleet.oncall.tables import people, rotations
from fleet.registry.model import SKILLS
from fleet.registry.tables import communes

_ADDRESS = re.compile(r"[^@\s<>,;]+@[^@\s<>,;]+")
"""Enough to find a slip of the keyboard; whether it exists, the mail server says."""

CONTACT = "contact"
"""Skill of somebody at an EPCI who is told of planned works and never called."""

PLANNER = "planner"
"""Skill of somebody who owns the plan of duty and is told of its gaps."""

KNOWN_SKILLS = (*(skill.value for skill in SKILLS), CONTACT, PLANNER)


class RowRefused(ValueError):
    """A row of an import that cannot be used: where, and what to write instead."""


def import_people(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> int:
    """Write technicians, by mail address; return how many.

    A row is ``{name, email, phone?, language?, skills?, territories?, active?}``.

    Raises:
        RowRefused: a row without a name or an address, or with a number that reaches nobody.
    """
    phones = _phones(rows)
    for index, row in enumerate(rows):
        path = f"technicians[{index}]"
        email = _text(row, "email", path).strip().lower()
        if not _ADDRESS.fullmatch(email):
            raise RowRefused(f"{path}.email: {email!r} is not a mail address; write name@domain")
        language = str(row.get("language") or "fr")
        if language not in LANGUAGES:
            raise RowRefused(f"{path}.language: {language!r} is not spoken; write fr or en")
        values = {
            "name": _text(row, "name", path),
            "email": email,
            "phone": phones[index],
            "language": language,
            "skills": _skills(row, path),
            "territories": [str(code) for code in row.get("territories") or []],
            "active": bool(row.get("active", True)),
        }
        _upsert(connection, people, people.c.email == email, values)
    return len(rows)


def _phones(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the number of each row in E.164; every row that has none that can be rung is named at once."""
    found, wrong = [], []
    for index, row in enumerate(rows):
        try:
            found.append(e164(str(row.get("phone") or "")))
        except PhoneRefused as error:
            wrong.append(f"technicians[{index}].phone: {error}")
    if wrong:
        raise RowRefused("\n".join(wrong))
    return found


def _skills(row: Mapping[str, Any], path: str) -> list[str]:
    """Return the skills of a row; a slip of the keyboard would be a hole that nobody sees."""
    found = [str(skill) for skill in row.get("skills") or []]
    for skill in found:
        if skill not in KNOWN_SKILLS:
            raise RowRefused(f"{path}.skills: {skill!r} is not known; write {', '.join(KNOWN_SKILLS)}")
    return found


def import_on_call(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> int:
    """Write duty, after the people; return how many rows.

    A row is a span ``{person, from, until, level?, override?}`` (mail address, ISO instants, Paris when they
    carry no offset) or a rotation ``{rotation, period, starts_on, handover, people, level?, holidays?}``.

    Raises:
        RowRefused: an unknown person, period or date.
    """
    ids = {row.email: row.id for row in connection.execute(select(people.c.email, people.c.id))}
    for index, row in enumerate(rows):
        path = f"on_call[{index}]"
        if "rotation" in row:
            _import_rotation(connection, row, path, ids)
        else:
            _import_span(connection, row, path, ids)
    return len(rows)


def _import_span(connection: Connection, row: Mapping[str, Any], path: str, ids: dict[str, int]) -> None:
    person_id = _person_id(_text(row, "person", path), f"{path}.person", ids)
    from_us, until_us = _instant(row, "from", path), _instant(row, "until", path)
    if until_us <= from_us:
        raise RowRefused(f"{path}.until: not after from; write an instant later than {row['from']}")
    level = int(row.get("level", 1))
    values = {
        "person_id": person_id,
        "level": level,
        "from_at_us": from_us,
        "until_at_us": until_us,
        "override": bool(row.get("override", False)),
    }
    key = f"span/{level}/{person_id}/{from_us}"
    _upsert(connection, on_call_table, on_call_table.c.key == key, {"key": key} | values)


def _import_rotation(connection: Connection, row: Mapping[str, Any], path: str, ids: dict[str, int]) -> None:
    name = _text(row, "rotation", path)
    members = [_person_id(str(email), f"{path}.people", ids) for email in row.get("people") or []]
    if not members:
        raise RowRefused(f"{path}.people: nobody; write at least one mail address of a technician")
    try:
        period = Period(str(row.get("period", "weekly")))
        starts_on = date.fromisoformat(_text(row, "starts_on", path))
        handover = time.fromisoformat(str(row.get("handover", "08:00")))
    except ValueError as error:
        raise RowRefused(
            f"{path}: {error}; period is daily or weekly, starts_on a date, handover HH:MM"
        ) from error
    holidays = row.get("holidays")
    values = {
        "name": name,
        "level": int(row.get("level", 1)),
        "period": period.value,
        "starts_on": starts_on.isoformat(),
        "handover": handover.strftime("%H:%M"),
        "person_ids": members,
        "holidays_person_id": _person_id(str(holidays), f"{path}.holidays", ids) if holidays else None,
    }
    _upsert(connection, rotations, rotations.c.name == name, values)


def _upsert(connection: Connection, table: Any, same: Any, values: dict[str, Any]) -> None:
    with changing(connection, table, same, whole=True):
        if connection.execute(update(table).where(same).values(**values)).rowcount == 0:
            connection.execute(insert(table).values(**values))


def _text(row: Mapping[str, Any], name: str, path: str) -> str:
    value = row.get(name)
    text = one_line(value) if isinstance(value, str) else ""
    if not text:
        raise RowRefused(f"{path}.{name}: missing; write a text")
    return text


def _person_id(email: str, path: str, ids: dict[str, int]) -> int:
    found = ids.get(email.strip().lower())
    if found is None:
        raise RowRefused(f"{path}: {email!r} is nobody; write the mail address of one of the technicians")
    return found


def _instant(row: Mapping[str, Any], name: str, path: str) -> int:
    try:
        at = datetime.fromisoformat(_text(row, name, path))
    except ValueError as error:
        raise RowRefused(f"{path}.{name}: {error}; write for example 2026-11-23T08:00") from error
    return instant_us(at)


def everybody(connection: Connection) -> dict[int, Person]:
    """Return all active people by number; who was written by somebody else than this program is nobody."""
    rows = connection.execute(select(people).where(people.c.active).order_by(people.c.id)).mappings()
    return {row["id"]: _person(row) for row in rows if is_intact(connection, people, row)}


def _person(row: RowMapping) -> Person:
    values = {name: row[name] for name in ("id", "name", "email", "phone", "language", "active")}
    return Person(**values, skills=tuple(row["skills"]), territories=tuple(row["territories"]))


def rota(connection: Connection) -> Rota:
    """Return every span and rotation that this program wrote."""
    spans = [
        Span(
            person_id=row["person_id"],
            level=row["level"],
            from_us=row["from_at_us"],
            until_us=row["until_at_us"],
            override=row["override"],
        )
        for row in connection.execute(select(on_call_table)).mappings()
        if is_intact(connection, on_call_table, row)
    ]
    turns = [
        Rotation(
            name=row["name"],
            level=row["level"],
            period=Period(row["period"]),
            starts_on=date.fromisoformat(row["starts_on"]),
            handover=time.fromisoformat(row["handover"]),
            person_ids=tuple(row["person_ids"]),
            holidays_person_id=row["holidays_person_id"],
        )
        for row in connection.execute(
            select(rotations).order_by(rotations.c.level, rotations.c.name)
        ).mappings()
        if is_intact(connection, rotations, row)
    ]
    return Rota(spans=tuple(spans), rotations=tuple(turns))


def on_call_now(connection: Connection, now_us: int) -> tuple[OnCallNow, ...]:
    """Return who is on call, by level.

    Without any plan for this instant every active person is on call: a hole in the plan must not be a
    night without anybody.
    """
    persons = everybody(connection)
    duties = [duty for duty in on_call(rota(connection), now_us) if duty.person_id in persons]
    if not duties:
        duties = [
            Duty(person_id=person_id, level=1, from_us=now_us, until_us=now_us, source="gap")
            for person_id, person in persons.items()
            if CONTACT not in person.skills
        ]
    return tuple(OnCallNow(person=persons[duty.person_id], duty=duty) for duty in duties)


def contacts(connection: Connection, epci: frozenset[str]) -> tuple[Person, ...]:
    """Return who is told of planned works in these EPCI."""
    persons = everybody(connection).values()
    return tuple(one for one in persons if CONTACT in one.skills and epci.intersection(one.territories))


def planners(connection: Connection) -> tuple[Person, ...]:
    """Return who owns the plan, and is told of its gaps."""
    return tuple(one for one in everybody(connection).values() if PLANNER in one.skills)


def territory_of(connection: Connection, insee: Collection[str]) -> frozenset[str]:
    """Return the codes under which communes may be named: their own, their EPCI, their département."""
    query = select(communes.c.epci, communes.c.departement).where(communes.c.insee.in_(insee)).distinct()
    rows = connection.execute(query).all()
    return frozenset({*insee, *(row.epci for row in rows), *(row.departement for row in rows)}) - {""}


def by_phone(connection: Connection, sender: str) -> Person | None:
    """Return whose number it is; ``06…``, ``336…`` and ``+336…`` are the same in France."""
    wanted = e164_of_sender(sender)
    if not wanted:
        return None
    return next((one for one in everybody(connection).values() if e164_of_sender(one.phone) == wanted), None)
