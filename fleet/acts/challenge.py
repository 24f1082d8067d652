"""The code on site: asked of the gateways of one ticket, expected for minutes, tried a few times.

    page or JSON ─▶ ask ─▶ a fresh key a gateway (agent.wire.onsite) ─▶ command show_code ─▶ its screen
                      └──▶ a row: HMAC of the code, never the code         technician reads ─▶ check

The row is of one ticket and one gateway; a newer question replaces it, as it does on the screen.
"""

import hmac
from dataclasses import dataclass
from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, func, insert, select, update

from agent.wire.command import Action, Command
from agent.wire.onsite import CURVE, asked_code, challenge_of
from fleet.configurations import commands
from fleet.durations import HOUR_US, MINUTE_US, SECOND_US
from fleet.identity.tables import certificates
from fleet.incidents.sites import sites_of
from fleet.registry.tables import gateways
from fleet.tickets.model import StepRefused, Ticket, TicketState
from fleet.tickets.tables import presence_challenges as challenges
from fleet.tickets.tables import presence_tries as tries

CODE_LIFE_US = 10 * MINUTE_US
"""From the question; the command itself takes seconds when the gateway is connected."""
ASKED_LIMIT = 6
"""Questions of one person about one ticket in ``ASKED_WINDOW_US``."""
ASKED_WINDOW_US = HOUR_US
TRIES_LIMIT = 5
"""Wrong codes of a person on a ticket in ``TRIES_WINDOW_US``; at most four codes of a million are good."""
TRIES_WINDOW_US = 15 * MINUTE_US
GATEWAYS_LIMIT = 4
"""Gateways of one ticket that show a code; others of a large incident show none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which gateways were asked to show a code, and until when it is good."""

    euis: tuple[str, ...]
    expires_at_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A code that a gateway was showing."""

    asked_at_us: int
    expired: bool
    """It was shown when it was typed, and is gone now: a phone sent it later."""


def ask(
    connection: Connection, key: Ed25519PrivateKey, secret: bytes, ticket: Ticket, *, who: str, now_us: int
) -> Asked | StepRefused:
    """Ask the gateways of a ticket to show a code; ``secret`` keeps codes, outside the database."""
    if ticket.state in (TicketState.CLOSED, TicketState.MERGED):
        return StepRefused(key="ticket.refused.over")
    mine = (challenges.c.ticket_id == ticket.id) & (challenges.c.asked_by == who)
    recent = select(func.count(challenges.c.asked_at_us.distinct())).where(
        mine, challenges.c.asked_at_us > now_us - ASKED_WINDOW_US
    )
    if (connection.scalar(recent) or 0) >= ASKED_LIMIT:
        return _too_many("presence.asked_too_often", ASKED_WINDOW_US)
    keys = _keys_at(connection, ticket, now_us)
    if not keys:
        return StepRefused(key="presence.no_gateway")
    for eui, public in keys.items():
        fresh = ec.generate_private_key(CURVE)
        code = asked_code(fresh, public, eui, ticket.id)
        _expect(connection, secret, ticket.id, eui, code, who=who, now_us=now_us)
        command = Command(
            action=Action.SHOW_CODE,
            challenge=challenge_of(fresh),
            ticket=ticket.id,
            show_s=CODE_LIFE_US // SECOND_US,
        )
        commands.send(connection, key, eui=eui, command=command, who=who, now_us=now_us)
    return Asked(euis=tuple(keys), expires_at_us=now_us + CODE_LIFE_US)


def check(
    connection: Connection, secret: bytes, ticket_id: int, code: str, *, who: str, at_us: int, now_us: int
) -> Checked | StepRefused:
    """Return whether a gateway of the ticket showed ``code`` at ``at_us``; a wrong one is counted."""
    since_us = now_us - TRIES_WINDOW_US
    mine = (tries.c.ticket_id == ticket_id) & (tries.c.who == who) & (tries.c.at_us > since_us)
    if (connection.scalar(select(func.count()).select_from(tries).where(mine)) or 0) >= TRIES_LIMIT:
        return _too_many("presence.too_many_codes", TRIES_WINDOW_US)
    open_then = (challenges.c.ticket_id == ticket_id) & (challenges.c.expires_at_us > at_us)
    for row in connection.execute(select(challenges).where(open_then)):
        if hmac.compare_digest(row.digest, _digest(secret, ticket_id, row.eui, "".join(code.split()))):
            return Checked(asked_at_us=row.asked_at_us, expired=row.expires_at_us <= now_us)
    connection.execute(insert(tries).values(ticket_id=ticket_id, who=who, at_us=now_us))
    return StepRefused(key="presence.wrong_code")


def expected_at(connection: Connection, ticket_id: int, now_us: int) -> Asked | None:
    """Return which gateways show a code for a ticket now; None: none was asked, or its time is over."""
    mine = (challenges.c.ticket_id == ticket_id) & (challenges.c.expires_at_us > now_us)
    rows = connection.execute(select(challenges).where(mine).order_by(challenges.c.eui)).all()
    if not rows:
        return None
    return Asked(euis=tuple(row.eui for row in rows), expires_at_us=max(row.expires_at_us for row in rows))


def _expect(
    connection: Connection, secret: bytes, ticket_id: int, eui: str, code: str, *, who: str, now_us: int
) -> None:
    showing = (challenges.c.ticket_id == ticket_id) & (challenges.c.eui == eui)
    replaced = update(challenges).where(showing, challenges.c.expires_at_us > now_us)
    connection.execute(replaced.values(expires_at_us=now_us))
    row = {"ticket_id": ticket_id, "eui": eui, "asked_by": who, "asked_at_us": now_us}
    row |= {"expires_at_us": now_us + CODE_LIFE_US, "digest": _digest(secret, ticket_id, eui, code)}
    connection.execute(insert(challenges).values(row))


def _digest(secret: bytes, ticket_id: int, eui: str, code: str) -> str:
    return hmac.new(secret, f"on site/{ticket_id}/{eui}/{code}".encode(), sha256).hexdigest()


def _keys_at(connection: Connection, ticket: Ticket, now_us: int) -> dict[str, ec.EllipticCurvePublicKey]:
    """Return the keys of the certificates in force of what hangs at the ticket's sites, by EUI."""
    certificate = certificates.c
    hung = select(gateways.c.eui).where(gateways.c.site_id.in_(sites_of(connection, ticket).all))
    in_force = certificate.revoked_at_us.is_(None) & (certificate.not_after_at_us > now_us)
    query = select(certificate.eui, certificate.certificate_pem).where(certificate.eui.in_(hung), in_force)
    found: dict[str, ec.EllipticCurvePublicKey] = {}
    for row in connection.execute(query.order_by(certificate.eui, certificate.issued_at_us)):
        public = x509.load_pem_x509_certificate(row.certificate_pem.encode()).public_key()
        if isinstance(public, ec.EllipticCurvePublicKey):
            found[row.eui] = public
    return dict(list(found.items())[:GATEWAYS_LIMIT])


def _too_many(key: str, window_us: int) -> StepRefused:
    return StepRefused(key=key, values=(("minutes", str(window_us // MINUTE_US)),))
