"""Work orders: listed, and made one by one or from the deployment sheet."""

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy import Connection, select

from agent.wire.configuration import ConfigurationError, FleetConfig
from fleet.configurations.lns import AddressRefused
from fleet.configurations.orders import Wanted
from fleet.identity.people import Person, Role
from fleet.lang.text import collation
from fleet.orders import listing, store
from fleet.orders.model import OrderRefused, OrderState
from fleet.orders.store import NewOrder
from fleet.registry.model import Status
from fleet.registry.tables import gateways, sites
from fleet.web.access import form_guard, operator, technician
from fleet.web.typed import Line
from fleet.web.visit import Viewing, Visit, leave_toast

router = APIRouter()
SEE_OTHER = 303
DEFAULT_LNS, DEFAULT_BUS = "127.0.0.1:1700", "spi:/dev/spidev0.0"
BUSES = (DEFAULT_BUS, "usb:/dev/ttyACM0")
PAGE = {"page_port": "8080", "page_on_lan": "true"}
"""Where the gateway shows the acceptance to a phone beside it."""
FIELDS = ("for", "planned_on", "hardware", "antenna", "gain", "loss", "backhaul", "contact", "access")
ANY = "site:"
"""Before a site's number in the choice: any box, to be scanned."""
PLANNED = (Status.PLANNED, Status.AGREED, Status.INSTALLED)

Planning = Annotated[Person, Depends(operator)]
Installing = Annotated[Person, Depends(technician)]
Guarded: Any = [Depends(form_guard)]


@router.get("/ordres", response_class=HTMLResponse)
def page(visit: Viewing, etat: str = "") -> HTMLResponse:
    """List the orders, those of one state if asked."""
    with visit.database.read() as connection:
        return _page(visit, connection, wanted=etat)


def _page(
    visit: Visit,
    connection: Connection,
    *,
    wanted: str = "",
    typed: dict[str, str] | None = None,
    wrong: OrderRefused | None = None,
) -> HTMLResponse:
    orders = listing.load_orders(connection, visit.now_us)
    chips = [{"state": "", "count": len(orders), "href": "/ordres"}]
    for state in OrderState:
        count = sum(one.state is state for one in orders)
        chips.append({"state": state, "count": count, "href": f"/ordres?{urlencode({'etat': state})}"})
    newest = store.default_wanted(connection, _wanted(visit, DEFAULT_LNS, DEFAULT_BUS))
    may_plan = visit.person is not None and visit.person.may(Role.OPERATOR)
    return visit.page(
        "pages/orders.html",
        connection,
        status=422 if wrong else 200,
        rows=[one for one in orders if wanted in ("", one.state)],
        chips=[one for one in chips if one["count"] or one["state"] == wanted],
        wanted=wanted,
        any_order=bool(orders),
        may_plan=may_plan,
        choices=_choices(visit, connection) if may_plan else [],
        buses=[(bus, bus) for bus in BUSES],
        typed=dict.fromkeys(FIELDS, "") | {"lns": newest.lns, "bus": newest.bus} | (typed or {}),
        errors={wrong.field: visit.words.t(wrong.key, **wrong.values)} if wrong else {},
    )


def _choices(visit: Visit, connection: Connection) -> list[tuple[str, str]]:
    """Return what an order may be for, by name: planned gateways, and any box at a site."""
    named = select(gateways.c.eui, gateways.c.name).where(gateways.c.status.in_(PLANNED))
    boxes = [
        (row.eui, visit.words.t("orders.one", site=row.name, eui=row.eui))
        for row in connection.execute(named)
    ]
    known = connection.execute(select(sites.c.id, sites.c.name))
    anything = [(f"{ANY}{row.id}", visit.words.t("orders.any", site=row.name)) for row in known]
    return sorted(boxes + anything, key=lambda one: collation(one[1]))


def _wanted(visit: Visit, lns: str, bus: str, changes: dict[str, str] | None = None) -> Wanted:
    settings = visit.parts.settings
    broker = FleetConfig(host=settings.broker.host, port=settings.broker.port, tls=True)
    return Wanted(
        lns=lns,
        broker=broker,
        enrol_url=settings.public_url.rstrip("/"),
        bus=bus,
        changes=PAGE | (changes or {}),
    )


@router.post("/ordres", dependencies=Guarded)
def make(
    visit: Viewing,
    person: Planning,
    *,
    subject: Annotated[Line, Form(alias="for", max_length=40)] = "",
    planned_on: Annotated[Line, Form(max_length=10)] = "",
    hardware: Annotated[Line, Form(max_length=100)] = "",
    antenna: Annotated[Line, Form(max_length=100)] = "",
    gain: Annotated[Line, Form(max_length=10)] = "",
    loss: Annotated[Line, Form(max_length=10)] = "",
    backhaul: Annotated[Line, Form(max_length=100)] = "",
    contact: Annotated[Line, Form(max_length=200)] = "",
    access: Annotated[Line, Form(max_length=1000)] = "",
    lns: Annotated[Line, Form(max_length=300)] = DEFAULT_LNS,
    bus: Annotated[Line, Form(max_length=100)] = DEFAULT_BUS,
) -> Response:
    """Make one order."""
    changes = {
        path: value.replace(",", ".")
        for path, value in (("radio.antenna_gain_db", gain), ("radio.cable_loss_db", loss))
        if value
    }
    equipment = {"hardware": hardware, "antenna": antenna, "backhaul": backhaul}
    equipment |= {"contact": contact, "access": access, "planned_on": planned_on}
    try:
        with visit.database.write() as connection:
            site_id, eui = _subject(connection, subject)
            new = NewOrder(site_id=site_id, eui=eui, wanted=_wanted(visit, lns, bus, changes), **equipment)
            number = store.make(connection, visit.parts.keys, new, who=person.name, now_us=visit.now_us)
    except (OrderRefused, AddressRefused, ConfigurationError) as error:
        typed = {"for": subject, "gain": gain, "loss": loss, "lns": lns, "bus": bus} | equipment
        with visit.database.read() as connection:
            return _page(visit, connection, typed=typed, wrong=_refused(error))
    return RedirectResponse(f"/ordres/{number}", SEE_OTHER)


def _refused(error: Exception) -> OrderRefused:
    """Return what the form says of an error."""
    if isinstance(error, OrderRefused):
        return error
    if isinstance(error, AddressRefused):
        return OrderRefused(f"lns: {error}", key="orders.refused.address")
    return OrderRefused(f"gain: {error}", key="orders.refused.setting")


def _subject(connection: Connection, chosen: str) -> tuple[int, str | None]:
    """Return site and box of a choice; a box is looked up where it hangs."""
    if chosen.startswith(ANY) and chosen.removeprefix(ANY).isdecimal():
        return int(chosen.removeprefix(ANY)), None
    site_id = connection.scalar(select(gateways.c.site_id).where(gateways.c.eui == chosen))
    if site_id is None:
        raise OrderRefused("for: neither a site nor a gateway", key="orders.refused.site")
    return int(site_id), chosen


@router.post("/ordres/prevues", dependencies=Guarded)
def make_planned(visit: Viewing, person: Planning) -> Response:
    """Make the orders of all planned gateways that have none."""
    try:
        with visit.database.write() as connection:
            wanted = store.default_wanted(connection, _wanted(visit, DEFAULT_LNS, DEFAULT_BUS))
            made = store.make_planned(
                connection, visit.parts.keys, wanted, who=person.name, now_us=visit.now_us
            )
    except OrderRefused as error:
        with visit.database.read() as connection:
            return _page(visit, connection, wrong=error)
    return leave_toast(RedirectResponse("/ordres", SEE_OTHER), "toast.orders_made", count=len(made))
