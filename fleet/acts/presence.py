"""Whether somebody is on site: what they show, compared with the sites of the ticket.

A position is compared and forgotten: only the distance is kept.

Sources: DESIGN §7; GDPR art. 5(1)(c), data minimisation.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, select

from agent.wire.onsite import code_is_good
from fleet.acts.steps import Door, ShownPresence, StepRequest
from fleet.evidence.tables import heartbeat_runs
from fleet.incidents.sites import sites_of
from fleet.registry.tables import gateways, sites
from fleet.tickets.model import StepRefused, Ticket
from fleet.tickets.presence import NEAR_LIMIT_M, distance_m, site_of_token

DECLARED = "declared"
"""Nothing was shown: the person says so."""


def proof_of(
    connection: Connection, secret: bytes, ticket: Ticket, request: StepRequest, now_us: int
) -> str | StepRefused:
    """Return how we know that somebody is there; a wrong proof is refused, none is « déclaré »."""
    shown = request.presence
    if shown is None:
        return Door.SMS.value if request.door is Door.SMS else DECLARED
    site_ids = sites_of(connection, ticket).all
    if shown.label:
        right = site_of_token(secret, shown.label) in site_ids
        return "label" if right else StepRefused(key="presence.wrong_label")
    if shown.code:
        hung = select(gateways.c.eui).where(gateways.c.site_id.in_(site_ids))
        euis = list(connection.execute(hung).scalars())
        at_us = now_us if request.at_us is None else min(request.at_us, now_us)
        right = shown_by(connection, euis, shown.code, at_us)
        return "code" if right else StepRefused(key="presence.wrong_code")
    return _by_position(connection, site_ids, shown)


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


BOOTS_LIMIT = 20
"""Newest runs of heartbeats that are looked at, over all gateways of a site."""


def shown_by(connection: Connection, euis: Sequence[str], code: str, at_us: int) -> bool:
    """Return whether one of ``euis`` showed ``code`` around ``at_us``; heartbeats tell the boot."""
    columns = heartbeat_runs.c
    query = select(columns.eui, columns.boot, columns.last_uptime_ms, columns.last_at_us)
    mine = query.where(columns.eui.in_(euis)).order_by(columns.last_at_us.desc()).limit(BOOTS_LIMIT)
    return any(
        code_is_good(row.boot, row.eui, row.last_uptime_ms + (at_us - row.last_at_us) // 1000, code)
        for row in connection.execute(mine)
    )
