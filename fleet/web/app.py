"""The web application: routers of every feature, errors, and what routes share in ``app.state``."""

from dataclasses import dataclass

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from fleet.broker.inbox import Inbox
from fleet.broker.link import BrokerLink
from fleet.clock import Clock
from fleet.db.connect import Database
from fleet.engine.engine import Engine
from fleet.identity.foundation import Keys
from fleet.live.feed import Feed
from fleet.notify import outbox
from fleet.settings import Settings
from fleet.web import login
from fleet.web.api import availability, documented, enrolments, incidents, problems, registry, reports, speed
from fleet.web.api import connectivity as objects
from fleet.web.api import gateways as routes
from fleet.web.site import mount_site

FROZEN_AFTER_US = 10_000_000
"""A cycle comes every second; after ten without one the fleet manager is not well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The live parts of one process."""

    settings: Settings
    database: Database
    feed: Feed
    clock: Clock
    keys: Keys
    engine: Engine
    link: BrokerLink
    inbox: Inbox


def make_app(parts: Parts) -> FastAPI:
    """Return the application of one process."""
    app = FastAPI(title="Passerelle", version="1", docs_url="/api/docs", openapi_url="/api/v1/openapi.json")
    for name in Parts.__slots__:
        setattr(app.state, name, getattr(parts, name))
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
    return app


def healthz(request: Request) -> Response:
    """Say whether this process does its work: 200, or 503 with what is wrong."""
    state = request.app.state
    health = state.engine.health
    now_us = state.clock.now_us()
    age_us = None if health.last_cycle_us is None else now_us - health.last_cycle_us
    wrong = []
    if age_us is None or age_us > FROZEN_AFTER_US:
        wrong.append(f"engine: no cycle since {age_us} us; {health.last_error}")
    if not state.link.connected:
        wrong.append(f"broker: not connected; {state.link.last_error}")
    with state.database.read() as connection:
        stuck_us = outbox.stuck_since(connection)
    body = {
        "ok": not wrong,
        "wrong": wrong,
        "cycles": health.cycles,
        "cycle_took_us": health.last_cycle_took_us,
        "last_cycle_at_us": health.last_cycle_us,
        "stuck_since_us": stuck_us,
        "failures": health.failures,
        "last_error": health.last_error,
        "messages": health.messages,
        "refused": health.refused,
        "inbox": state.inbox.waiting,
        "broker_connected": state.link.connected,
        "broker_epoch": state.link.epoch,
        "clients": state.feed.clients,
    }
    return JSONResponse(body, status_code=503 if wrong else 200)
