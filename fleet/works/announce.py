"""Planned works as facts: announced, and withdrawn; who did it lands in the audit log (AVAILABILITY §5).

Append-only but for ``withdrawn``: a window that was announced is never moved, it is withdrawn and announced
anew, so that what was known ahead stays what it was.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, insert, update

from fleet.durations import DAY_US
from fleet.evidence.facts import load_maintenances
from fleet.evidence.tables import maintenances
from fleet.facts.model import Maintenance
from fleet.identity import audit

LENGTH_LIMIT_US = 7 * DAY_US
"""One window; longer works are several windows, so that a typing error does not excuse a month."""
AHEAD_LIMIT_US = 366 * DAY_US
REASON_LIMIT_CHARACTERS = 300


class WorksRefused(ValueError):
    """A window that cannot be announced; ``field`` names what is wrong, ``key`` the sentence."""

    def __init__(self, field: str, key: str) -> None:
        super().__init__(f"{field}: {key}")
        self.field = field
        self.key = key


@dataclass(frozen=True, slots=True, kw_only=True)
class Works:
    """What is announced."""

    euis: tuple[str, ...]
    from_us: int
    until_us: int
    reason: str


def announce(connection: Connection, works: Works, *, who: str, now_us: int) -> int:
    """Write the window and return its number.

    Raises:
        WorksRefused: no gateway, no reason, or an impossible time.
    """
    _check(works, now_us)
    row = {
        "euis": sorted(works.euis),
        "from_at_us": works.from_us,
        "until_at_us": works.until_us,
        "announced_at_us": now_us,
        "approved_by": who,
        "reason": works.reason.strip(),
        "recorded_at_us": now_us,
    }
    number = connection.execute(insert(maintenances).values(row).returning(maintenances.c.id)).scalar_one()
    subject = f"works {number}"
    audit.record(connection, now_us=now_us, who=who, action="works.announce", subject=subject, after=row)
    return int(number)


def _check(works: Works, now_us: int) -> None:
    if not works.euis:
        raise WorksRefused("euis", "works.refused.nobody")
    if not works.reason.strip() or len(works.reason) > REASON_LIMIT_CHARACTERS:
        raise WorksRefused("reason", "works.refused.reason")
    if works.until_us <= works.from_us:
        raise WorksRefused("until", "works.refused.order")
    if works.until_us - works.from_us > LENGTH_LIMIT_US:
        raise WorksRefused("until", "works.refused.length")
    if works.until_us <= now_us:
        raise WorksRefused("from", "works.refused.past")
    if works.from_us > now_us + AHEAD_LIMIT_US:
        raise WorksRefused("from", "works.refused.far")


def withdraw(connection: Connection, number: int, *, who: str, now_us: int) -> bool:
    """Withdraw a window that is not over; return whether there was one."""
    found = (maintenances.c.id == number) & maintenances.c.withdrawn.is_(False)
    open_ = found & (maintenances.c.until_at_us > now_us)
    changed = connection.execute(update(maintenances).where(open_).values(withdrawn=True)).rowcount == 1
    if changed:
        audit.record(connection, now_us=now_us, who=who, action="works.withdraw", subject=f"works {number}")
    return changed


def present_and_ahead(connection: Connection, now_us: int) -> list[Maintenance]:
    """Return the windows that are not over, the next first."""
    return sorted(load_maintenances(connection, now_us), key=lambda works: (works.start_us, works.id))
