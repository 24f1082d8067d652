"""The audit log: every write says who did what to what, from what to what, in its own transaction."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Connection, insert, select

from fleet.db.connect import Database
from fleet.identity.tables import audit_log

SYSTEM = "system"
"""Who, when the fleet itself decided."""
COMMAND_LINE = "command line"
SUBJECT_LIMIT_CHARACTERS = 200
UNKNOWN = "unknown"
"""Nobody's name was typed at the login; it is not written down, because it may be a password."""


def unknown_subjects(database: Database, action: str, subjects: Collection[str]) -> list[str]:
    """Return the subjects, in order, that no line of that action names."""
    row_ = audit_log.c
    with database.read() as connection:
        query = select(row_.subject).where(row_.action == action, row_.subject.in_(subjects))
        known = set(connection.scalars(query))
    return [each for each in subjects if each not in known]


def record(
    connection: Connection,
    *,
    now_us: int,
    who: str,
    action: str,
    subject: str,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Add one line; ``action`` is a verb of a closed list in words, such as ``gateway.accept``."""
    row = {
        "at_us": now_us,
        "who": who,
        "action": action,
        "subject": subject,
        "before": None if before is None else dict(before),
        "after": None if after is None else dict(after),
    }
    connection.execute(insert(audit_log).values(row))
