"""The control page: what can be broken in the demo, in which state it is, and the mails that came of it.

It acts on the simulated world only, never on the fleet manager: what happens there is what the fleet finds
out by itself.
"""

from collections.abc import Awaitable, Callable
from pathlib import Path

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from jinja2 import Environment, FileSystemLoader, select_autoescape

from demo.world import World
from fleet.lang.i18n import known, t

STATIC = Path(__file__).parent / "static"
MAILS_SHOWN = 20
CAUSES_SHOWN = 40


Action = Callable[[str, bool], Awaitable[None]]


def control_app(world: World) -> FastAPI:
    """Return the page and its actions; everything is POST, GET changes nothing."""
    app = FastAPI(title="Passerelle demo", docs_url=None, redoc_url=None, openapi_url=None)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    _add_page(app, world)
    _add_actions(app, _actions(world))
    return app


def _add_page(app: FastAPI, world: World) -> None:
    templates = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=select_autoescape()
    )

    @app.get("/", response_class=HTMLResponse)
    async def page(lang: str = "fr") -> str:
        language = known(lang)
        feeders = sorted({gateway.feeder for gateway in world.gateways()})
        return templates.get_template("control.html").render(
            t=lambda key, **values: t(language, key, **values),
            lang=language,
            world=world,
            gateways=world.gateways(),
            feeders=feeders,
            powered={gateway.feeder: gateway.powered for gateway in world.gateways()},
            causes=world.light.causes()[:CAUSES_SHOWN] if world.light else [],
            mails=world.mails[-MAILS_SHOWN:][::-1],
        )

    @app.get("/state")
    async def state() -> JSONResponse:
        return JSONResponse(
            {
                "delivered": world.delivered(),
                "mails": len(world.mails),
                "sensors": world.field.tallies() if world.field else {},
                "lns": dict(world.lns.counts),
                "heard": {gateway.eui: gateway.heard for gateway in world.gateways()},
            }
        )


def _add_actions(app: FastAPI, actions: dict[str, Action]) -> None:
    @app.post("/{what}/{which}/{order}")
    async def act(request: Request, what: str, which: str, order: str) -> RedirectResponse:
        origin = request.headers.get("origin")
        if origin is not None and origin != str(request.base_url).rstrip("/"):
            raise HTTPException(403, "foreign origin")
        if what not in actions or order not in ("break", "mend"):
            raise HTTPException(404, f"no action {what}/{order}")
        try:
            await actions[what](which, order == "break")
        except KeyError:
            raise HTTPException(404, f"{what}: {which!r} is not in this demo") from None
        return RedirectResponse("/", status_code=303)


def _actions(world: World) -> dict[str, Action]:
    async def backhaul(eui: str, broken: bool) -> None:
        world.set_backhaul(eui, cut=broken)

    async def radio(eui: str, broken: bool) -> None:
        world.set_radio(eui, deaf=broken)

    async def power(feeder: str, broken: bool) -> None:
        await world.set_power(feeder, on=not broken)

    async def lns(_: str, broken: bool) -> None:
        world.set_lns(silent=broken)

    async def light(cause: str, broken: bool) -> None:
        world.set_cause(cause, cut=broken)

    return {"backhaul": backhaul, "radio": radio, "power": power, "lns": lns, "light": light}
