"""The web application: routers of every feature, errors, and what its routes share."""

from collections.abc import Sequence
from typing import Final

from fastapi import FastAPI
from fastapi.responses import JSONResponse, Response
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fleet.db.connect import first_line, is_database_trouble
from fleet.durations import DAY_US, SECOND_US
from fleet.evidence import quarantines, restarts
from fleet.evidence.timekeeping import ClockQuality
from fleet.identity.ends import WRONG_BELOW_DAYS, Ending, endings
from fleet.identity.keeper import Keeper
from fleet.notify import outbox
from fleet.web import login
from fleet.web.api import (
    acceptances,
    approvals,
    availability,
    documented,
    enrolments,
    incidents,
    problems,
    radio,
    registry,
    releases,
    reports,
    speed,
)
from fleet.web.api import connectivity as objects
from fleet.web.api import gateways as routes
from fleet.web.bodies import BoundedBodies
from fleet.web.process_parts import Parts, Shared, share
from fleet.web.rendering import HEADERS
from fleet.web.site import mount_site

DOCUMENT = "/api/v1/openapi.json"
"""For programs; the pages that FastAPI makes of it load scripts from elsewhere, so there are none."""
FROZEN_AFTER_US = 10_000_000
"""A cycle comes every second; after ten without one the fleet manager is not well."""
SEALS_SHOWN = 20
"""Broken seals that `/healthz` names."""
SECURITY_HEADERS: Final = {name: value for name, value in HEADERS.items() if name != "Cache-Control"}
STRICT_TRANSPORT: Final = "max-age=31536000"
"""A year, this host alone; where the public address is https.

Sources: OWASP "HTTP Headers"; RFC 6797.  A header that a route set itself stays.
"""


def make_app(parts: Parts) -> FastAPI:
    """Return the application of one process."""
    app = FastAPI(title="Passerelle", version="1", docs_url=None, redoc_url=None, openapi_url=DOCUMENT)
    share(app, parts)
    problems.install(app)
    app.include_router(enrolments.router)
    app.include_router(acceptances.router)
    app.include_router(routes.router)
    app.include_router(availability.router)
    app.include_router(releases.router)
    app.include_router(speed.router)
    for feature in (approvals, incidents, objects, radio, registry, reports):
        app.include_router(feature.router)
    app.add_api_route("/healthz", healthz, methods=["GET"], tags=["health"])
    mount_site(app)
    app.include_router(login.router)
    documented.install(app)
    app.add_middleware(BoundedBodies)
    app.add_middleware(SecureAnswers, https=parts.settings.public_url.startswith("https://"))
    return app


def healthz(parts: Shared) -> Response:
    """Say whether this process does its work: 200, or 503 with what is wrong."""
    health = parts.engine.health
    last_us = health.last_cycle_monotonic_us
    age_us = None if last_us is None else parts.clock.monotonic_us() - last_us
    wrong = []
    if age_us is None or not 0 <= age_us <= FROZEN_AFTER_US:
        wrong.append(f"engine: no cycle since {age_us} us; {health.last_error}")
    if health.clock is ClockQuality.CONTRADICTED:
        wrong.append("clock: the gateways' clocks disagree with ours; set the host's clock right")
    if not parts.link.connected:
        wrong.append(f"broker: not connected; {parts.link.last_error}")
    ending = endings(parts.keeper.credentials, parts.clock.now_us())
    wrong += _wrong_with_identity(parts.keeper, ending)
    from_rows, trouble = _from_rows(parts)
    wrong += trouble
    body = {
        "ok": not wrong,
        "wrong": wrong,
        "cycles": health.cycles,
        "cycle_took_us": health.last_cycle_took_us,
        "last_cycle_at_us": health.last_cycle_us,
        "last_cycle_age_us": age_us,
        "clock": health.clock,
        "clock_difference_us": health.clock_difference_us,
        **from_rows,
        "failures": health.failures,
        "last_error": health.last_error,
        "messages": health.messages,
        "refused": health.refused,
        "inbox": parts.inbox.waiting,
        "broker_connected": parts.link.connected,
        "broker_epoch": parts.link.epoch,
        "broker_stores_set_aside": list(parts.keeper.stores_set_aside),
        "journal_acknowledged": parts.engine.outgoing.acknowledger.acknowledged,
        "journal_asked": parts.engine.outgoing.acknowledger.asked,
        "journal_unanswered": parts.engine.outgoing.acknowledger.unanswered,
        **parts.engine.outgoing.counts(),
        "clients": parts.feed.clients,
        "proxy_faults": dict(parts.proxy_faults),
        "logins_refused": parts.limits.logins.refused,
        "credentials": [{"name": one.name, "ends_at_us": one.ends_at_us} for one in parts.keeper.credentials],
        "seals_broken": [str(one) for one in parts.keeper.broken_seals[:SEALS_SHOWN]],
        "ending": [str(one) for one in ending],
    }
    return JSONResponse(body, status_code=503 if wrong else 200)


def _wrong_with_identity(keeper: Keeper, ending: Sequence[Ending]) -> list[str]:
    """Return what is wrong with credentials and sealed rows."""
    wrong = [keeper.trouble] if keeper.trouble else []
    if broken := keeper.broken_seals:
        wrong.append(f"seals: {len(broken)} broken, `passerelle fleet seals list`: {broken[0]}")
    return wrong + [str(one) for one in ending if one.days_left < WRONG_BELOW_DAYS]


class SecureAnswers:
    """Adds what is missing to each answer's head."""

    def __init__(self, app: ASGIApp, *, https: bool) -> None:
        self.app = app
        self._headers = SECURITY_HEADERS | ({"Strict-Transport-Security": STRICT_TRANSPORT} if https else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, with_headers)


def _from_rows(parts: Parts) -> tuple[dict[str, int | None], list[str]]:
    """Return what the database tells of this process and those before it, and what is wrong with that."""
    now_us = parts.clock.now_us()
    unknown = dict.fromkeys(("stuck_since_us", "stuck_for_us", "crashes_1h", "blind_24h_us", "quarantined"))
    try:
        with parts.database.read() as connection:
            stuck_us = outbox.stuck_since(connection)
            crashes = restarts.crashes_since(connection, now_us - restarts.LOOP_US)
            quarantined = quarantines.count_open(connection)
            blind_us = restarts.blind_us(connection, now_us - DAY_US, now_us)
    except Exception as error:
        if not is_database_trouble(error):
            raise
        return unknown, [f"database: {first_line(error)}"]
    wrong = []
    if crashes >= restarts.LOOP_CRASHES:
        wrong.append(f"restarts: ended {crashes} times within an hour unasked; see its journal")
    if slow_us := parts.database.slow_commit_us:
        wrong.append(f"database: each commit takes {slow_us / SECOND_US:.1f} s or more; its disk is slow")
    found = {
        "stuck_since_us": stuck_us,
        "stuck_for_us": None if stuck_us is None else now_us - stuck_us,
        "crashes_1h": crashes,
        "blind_24h_us": blind_us,
        "quarantined": quarantined,
    }
    return found, wrong
