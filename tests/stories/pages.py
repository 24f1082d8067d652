"""The HTTP API over a story's world, with open access, time moved by the test."""

from fastapi import FastAPI
from fastapi.testclient import TestClient

from fleet.identity.people import OPEN_ACCESS
from fleet.incidents import link_page, routes
from tests.stories.world import World


def client_of(world: World) -> TestClient:
    """Return a client of the routes of incidents and tickets."""
    app = FastAPI()
    app.include_router(routes.router)
    app.include_router(link_page.router)
    for name, value in vars(world.state()).items():
        setattr(app.state, name, value)
    return TestClient(app, headers={"X-CSRF-Token": OPEN_ACCESS.csrf_token})
