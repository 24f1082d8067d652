"""Planned works as facts: announced, and withdrawn; who did it lands in the audit log (AVAILABILITY §5).

Append-only but for ``withdrawn``: a window that was announced is never moved, it is withdrawn and announced
anew, so that what was known ahead stays what it was.
"""

from collections import Counter
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update

from fleet.availability.communes import members_of
from fleet.availability.works import allowances, of_whole
from fleet.durations import DAY_US
from fleet.evidence.facts import load_maintenances
from fleet.evidence.tables import maintenances
from fleet.facts.model import Maintenance, gather
from fleet.facts.months import month_around
from fleet.facts.revisions import newest
from fleet.facts.settings import DEFAULTS, ContractSettings, Weight
from fleet.identity import audit
from fleet.registry.store import load_registry

LENGTH_LIMIT_US = 7 * DAY_US
"""One window; longer works are several windows, so that a typing error does not excuse a month."""
AHEAD_LIMIT_US = 366 * DAY_US
WINDOWS_LIMIT = 4
"""Windows of one gateway that begin in one month of Paris, with those withdrawn after they began."""
REASON_LIMIT_CHARACTERS = 300
YEAR_CHARACTERS = 4
"""``2026``, beside months such as ``2026-10``."""


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


def announce(
    connection: Connection,
    works: Works,
    *,
    who: str,
    now_us: int,
    settings: ContractSettings = DEFAULTS,
) -> int:
    """Write the window and return its number.

    Raises:
        WorksRefused: no gateway, no reason, an impossible time, or beyond a limit.
    """
    check(works, now_us)
    _check_number(connection, works)
    _check_whole(connection, works, settings, now_us)
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


def check(works: Works, now_us: int) -> None:
    """Refuse what no window may be, whatever else is announced.

    Raises:
        WorksRefused: no gateway, no reason, an impossible time.
    """
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


def _check_number(connection: Connection, works: Works) -> None:
    month = month_around(works.from_us)
    same = maintenances.c.from_at_us.between(month.start_us, month.end_us - 1)
    begun = maintenances.c.withdrawn_at_us > maintenances.c.from_at_us
    weighs = maintenances.c.withdrawn.is_(False) | begun
    counted = Counter(
        eui for euis in connection.scalars(select(maintenances.c.euis).where(same, weighs)) for eui in euis
    )
    if any(counted[eui] >= WINDOWS_LIMIT for eui in works.euis):
        raise WorksRefused("from", "works.refused.many")


def _check_whole(connection: Connection, works: Works, settings: ContractSettings, now_us: int) -> None:
    """Refuse what would let works exclude more of the whole network than its caps of month and year."""
    registry = load_registry(connection)
    weights = {one.insee: one.population for one in registry.communes.values()}
    if settings.weight is not Weight.POPULATION or not any(weights.values()):
        weights = dict.fromkeys(weights, 1)
    planned = Maintenance(
        id="",
        euis=works.euis,
        start_us=works.from_us,
        end_us=works.until_us,
        announced_at_us=now_us,
        approved_by="?",
        recorded_at_us=now_us,
    )
    known = gather(load_maintenances(connection, works.from_us)).gateways
    before = {eui: one.maintenances for eui, one in known.items()}
    after = before | {eui: (*before.get(eui, ()), planned) for eui in works.euis}
    members = members_of(registry.memberships)
    used, more = (of_whole(allowances(members, one, settings), weights) for one in (before, after))
    for name, amount_us in more.items():
        cap_us = settings.maintenance_whole_cap_us
        if len(name) == YEAR_CHARACTERS:
            cap_us = settings.maintenance_whole_year_cap_us
        if amount_us > cap_us and amount_us > used.get(name, 0):
            raise WorksRefused("euis", "works.refused.whole")


def withdraw(connection: Connection, number: int, *, who: str, now_us: int) -> bool:
    """Withdraw a window that is not over; return whether there was one."""
    found = (maintenances.c.id == number) & maintenances.c.withdrawn.is_(False)
    open_ = found & (maintenances.c.until_at_us > now_us)
    values = {"withdrawn": True, "withdrawn_at_us": now_us, "withdrawn_by": who}
    changed = connection.execute(update(maintenances).where(open_).values(**values)).rowcount == 1
    if changed:
        audit.record(connection, now_us=now_us, who=who, action="works.withdraw", subject=f"works {number}")
    return changed


def present_and_ahead(connection: Connection, now_us: int) -> list[Maintenance]:
    """Return the windows that are not over, the next first."""
    found = newest(one for one in load_maintenances(connection, now_us) if one.end_us > now_us)
    return sorted(found, key=lambda works: (works.start_us, works.id))
