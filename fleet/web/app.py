"""The web application: routers of every feature, errors, and what its routes share."""

from fastapi import FastAPI
from fastapi.responses import JSONResponse, Response

from fleet.db.connect import first_line, is_database_trouble
from fleet.evidence.timekeeping import ClockQuality
from fleet.identity.ends import WRONG_BELOW_DAYS, endings
from fleet.notify import outbox
from fleet.web import login
from fleet.web.api import (
    availability,
    documented,
    enrolments,
    incidents,
    problems,
    registry,
    reports,
    speed,
)
from fleet.web.api import connectivity as objects
from fleet.web.api import gateways as routes
from fleet.web.bodies import BoundedBodies
from fleet.web.process_parts import Parts, Shared, share
from fleet.web.site import mount_site

FROZEN_AFTER_US = 10_000_000
"""A cycle comes every second; after ten without one the fleet manager is not well."""


def make_app(parts: Parts) -> FastAPI:
    """Return the application of one process."""
    app = FastAPI(title="Passerelle", version="1", docs_url="/api/docs", openapi_url="/api/v1/openapi.json")
    share(app, parts)
    problems.install(app)
    app.include_router(enrolments.router)
    app.include_router(routes.router)
    app.include_router(availability.router)
    app.include_router(speed.router)
    for feature in (incidents, objects, registry, reports):
        app.include_router(feature.router)
    app.add_api_route("/healthz", healthz, methods=["GET"], tags=["health"])
    mount_site(app)
    app.include_router(login.router)
    documented.install(app)
    app.add_middleware(BoundedBodies)
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
    if parts.keeper.trouble:
        wrong.append(parts.keeper.trouble)
    ending = endings(parts.keeper.credentials, parts.clock.now_us())
    wrong += [str(one) for one in ending if one.days_left < WRONG_BELOW_DAYS]
    stuck_us = None
    try:
        with parts.database.read() as connection:
            stuck_us = outbox.stuck_since(connection)
    except Exception as error:
        if not is_database_trouble(error):
            raise
        wrong.append(f"database: {first_line(error)}")
    body = {
        "ok": not wrong,
        "wrong": wrong,
        "cycles": health.cycles,
        "cycle_took_us": health.last_cycle_took_us,
        "last_cycle_at_us": health.last_cycle_us,
        "last_cycle_age_us": age_us,
        "clock": health.clock,
        "clock_difference_us": health.clock_difference_us,
        "stuck_since_us": stuck_us,
        "stuck_for_us": None if stuck_us is None else parts.clock.now_us() - stuck_us,
        "failures": health.failures,
        "last_error": health.last_error,
        "messages": health.messages,
        "refused": health.refused,
        "inbox": parts.inbox.waiting,
        "broker_connected": parts.link.connected,
        "broker_epoch": parts.link.epoch,
        "journal_acknowledged": parts.engine.outgoing.acknowledger.acknowledged,
        "journal_asked": parts.engine.outgoing.acknowledger.asked,
        "journal_unanswered": parts.engine.outgoing.acknowledger.unanswered,
        "desired_published_anew": parts.engine.outgoing.desired.published_anew,
        "clients": parts.feed.clients,
        "credentials": [{"name": one.name, "ends_at_us": one.ends_at_us} for one in parts.keeper.credentials],
        "ending": [str(one) for one in ending],
    }
    return JSONResponse(body, status_code=503 if wrong else 200)
