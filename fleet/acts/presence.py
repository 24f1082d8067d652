"""How we know that somebody is on site: what they show, compared with the ticket.

| shown | is |
|---|---|
| the code that the gateway shows for this ticket, typed while it shows it | a proof |
| label of a cabinet, position, SMS, nothing | « déclaré »: it counts, and reads as what it is |
| anything that is entered later than the setting | « déclaré tardif »: counts once a second person confirms |

A gateway that is dark shows no code: the arrival is declared, and proved afterwards by the code once it is
back, or confirmed by a second person.  A position is compared and forgotten: only the distance is kept.

Sources: DESIGN §7; GDPR art. 5(1)(c), data minimisation.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, select

from fleet.acts.challenge import Checked, check
from fleet.acts.steps import DECLARED, Door, Proof, ShownPresence, StepRequest
from fleet.durations import MINUTE_US
from fleet.incidents.sites import sites_of
from fleet.registry.tables import sites
from fleet.tickets.model import StepRefused, Ticket
from fleet.tickets.presence import NEAR_LIMIT_M, distance_m, site_of_token
from fleet.tickets.rules import CODE

LATE_AFTER_US = 15 * MINUTE_US


@dataclass(frozen=True, slots=True, kw_only=True)
class PresenceRules:
    """What arrivals are judged with."""

    secret: bytes
    """Signs labels, and keeps codes; outside the database."""
    late_after_us: int = LATE_AFTER_US
    """An arrival that is entered so long after it happened is « déclaré tardif » (setting)."""


def proof_of(
    connection: Connection, rules: PresenceRules, ticket: Ticket, request: StepRequest, now_us: int
) -> Proof | StepRefused:
    """Return how we know that somebody is there; a wrong proof is refused, none is « déclaré »."""
    at_us = now_us if request.at_us is None else min(request.at_us, now_us)
    late = now_us - at_us > rules.late_after_us
    shown = request.presence
    if shown is None:
        return Proof(kind=Door.SMS.value if request.door is Door.SMS else DECLARED, late=late)
    if shown.code:
        return Proof(late=True) if late else _by_code(connection, rules, ticket, request, at_us, now_us)
    site_ids = sites_of(connection, ticket).all
    if shown.label:
        right = site_of_token(rules.secret, shown.label) in site_ids
        return Proof(kind="label", late=late) if right else StepRefused(key="presence.wrong_label")
    found = _by_position(connection, site_ids, shown)
    return found if isinstance(found, StepRefused) else Proof(kind=found, late=late)


def _by_code(  # noqa: PLR0917 what is checked, and against what
    connection: Connection,
    rules: PresenceRules,
    ticket: Ticket,
    request: StepRequest,
    at_us: int,
    now_us: int,
) -> Proof | StepRefused:
    """Return a proof from the code on, or « déclaré » if its time was over when we learnt of it."""
    assert request.presence is not None
    code = request.presence.code
    found = check(connection, rules.secret, ticket.id, code, who=request.who, at_us=at_us, now_us=now_us)
    if not isinstance(found, Checked):
        return found
    if found.expired:
        return Proof()
    return Proof(kind=CODE, not_before_us=found.asked_at_us)


def _by_position(
    connection: Connection, site_ids: tuple[int, ...], shown: ShownPresence
) -> str | StepRefused:
    if shown.lat is None or shown.lon is None:
        return StepRefused(key="ticket.refused.missing.presence", field="presence")
    known = connection.execute(select(sites.c.lat, sites.c.lon).where(sites.c.id.in_(site_ids))).all()
    away_m = [
        distance_m(shown.lat, shown.lon, row.lat, row.lon)
        for row in known
        if row.lat is not None and row.lon is not None
    ]
    if not away_m or min(away_m) > NEAR_LIMIT_M:
        return StepRefused(key="presence.too_far", values=(("limit", str(NEAR_LIMIT_M)),))
    return f"position {min(away_m)} m"
