"""The HTTP API over a story's world, with open access, time moved by the test."""

from fastapi import FastAPI
from fastapi.testclient import TestClient

from fleet.identity.people import OPEN_ACCESS
from fleet.web.api import incidents as routes
from fleet.web.app import make_app
from fleet.web.pages import shift, ticket_doors
from fleet.web.process_parts import share
from tests.stories.world import World


def client_of(world: World) -> TestClient:
    """Return a client of the routes of incidents and tickets."""
    app = FastAPI()
    app.include_router(routes.router)
    for page in (shift, ticket_doors):
        app.include_router(page.router)
    share(app, world.parts())
    return TestClient(app, headers={"X-CSRF-Token": OPEN_ACCESS.csrf_token})


def pages_of(world: World) -> TestClient:
    """Return a client of the whole application: pages, API and live stream."""
    return TestClient(make_app(world.parts()), headers={"X-CSRF-Token": OPEN_ACCESS.csrf_token})
