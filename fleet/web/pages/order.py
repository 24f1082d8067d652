"""One work order: printed, flashed, scanned, extended, revoked; and the acceptance that ended it."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, HTTPException
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy import Connection

from agent.wire.order import encode_order
from agent.wire.reasons import text
from fleet.identity.enrolments import order_secrets
from fleet.identity.people import Person, Role
from fleet.orders import acceptances, listing, printed, store
from fleet.orders.listing import Order
from fleet.orders.model import OrderRefused, OrderState
from fleet.web import rendering
from fleet.web.access import form_guard, operator, technician
from fleet.web.typed import Line
from fleet.web.visit import Viewing, Visit, leave_toast

router = APIRouter()
SEE_OTHER = 303
Planning = Annotated[Person, Depends(operator)]
Installing = Annotated[Person, Depends(technician)]
Guarded: Any = [Depends(form_guard)]


def _order(connection: Connection, number: int, now_us: int) -> Order:
    order = listing.load(connection, number, now_us)
    if order is None:
        raise HTTPException(404)
    return order


@router.get("/ordres/{number}", response_class=HTMLResponse)
def one(number: int, visit: Viewing) -> HTMLResponse:
    """Show one order: what it is for, its papers, its acceptance."""
    with visit.database.read() as connection:
        return _one(visit, connection, number)


def _one(
    visit: Visit, connection: Connection, number: int, wrong: OrderRefused | None = None
) -> HTMLResponse:
    order = _order(connection, number, visit.now_us)
    person = visit.person
    installs = person is not None and person.may(Role.TECHNICIAN)
    accepted = None if order.acceptance_id is None else acceptances.load(connection, order.acceptance_id)
    code = ""
    if installs and order.eui is not None and order.state in printed.OPEN:
        code = printed.spaced(order_secrets(visit.parts.keys.authority, number, order.eui).code)
    return visit.page(
        "pages/order.html",
        connection,
        status=422 if wrong else 200,
        order=order,
        accepted=accepted,
        findings=[] if accepted is None else accepted.record.findings,
        said=lambda why: text(why, visit.words.lang),
        code=code,
        installs=installs,
        may_plan=person is not None and person.may(Role.OPERATOR),
        open=order.state in (OrderState.TO_SCAN, OrderState.READY, OrderState.EXPIRED),
        errors={wrong.field: visit.words.t(wrong.key)} if wrong else {},
    )


@router.post("/ordres/{number}/carte", dependencies=Guarded)
def card(number: int, visit: Viewing, person: Installing) -> Response:
    """Hand out what is flashed."""
    try:
        with visit.database.write() as connection:
            _order(connection, number, visit.now_us)
            made = store.document(connection, visit.parts.keys, number, who=person.name, now_us=visit.now_us)
    except OrderRefused as error:
        with visit.database.read() as connection:
            return _one(visit, connection, number, error)
    return _file(encode_order(made), "application/json", f"ordre-{number}.json")


@router.get("/ordres/{number}/feuille.pdf")
def sheet(number: int, visit: Viewing, person: Installing) -> Response:
    """Return the A4 sheet, which carries the token."""
    del person
    return _file(printed.sheet_pdf(_paper(visit, number)), "application/pdf", f"ordre-{number}.pdf")


@router.get("/ordres/{number}/etiquette.pdf")
def label(number: int, visit: Viewing, person: Installing) -> Response:
    """Return the label of box and card."""
    del person
    return _file(printed.label_pdf(_paper(visit, number)), "application/pdf", f"etiquette-{number}.pdf")


def _paper(visit: Visit, number: int) -> printed.Paper:
    parts = visit.parts
    with visit.database.read() as connection:
        _order(connection, number, visit.now_us)
        try:
            return printed.paper_of(
                connection,
                parts.keys,
                number,
                public_url=parts.settings.public_url,
                now_us=visit.now_us,
            )
        except OrderRefused as error:
            raise HTTPException(409, visit.words.t(error.key)) from error


def _file(content: bytes, media_type: str, name: str) -> Response:
    headers = dict(rendering.HEADERS) | {
        "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="{name}"',
    }
    return Response(content, media_type=media_type, headers=headers)


@router.post("/ordres/{number}/boitier", dependencies=Guarded)
def scan(
    number: int, visit: Viewing, person: Installing, eui: Annotated[Line, Form(max_length=40)] = ""
) -> Response:
    """Bind the box that was scanned."""
    return _acted(
        visit,
        number,
        "toast.order_scanned",
        lambda connection: store.scan(
            connection, visit.parts.keys, number, eui, who=person.name, now_us=visit.now_us
        ),
    )


@router.post("/ordres/{number}/prolonger", dependencies=Guarded)
def extend(
    number: int, visit: Viewing, person: Planning, days: Annotated[int, Form(ge=0, le=10_000)] = 30
) -> Response:
    """Let an order hold for longer."""
    return _acted(
        visit,
        number,
        "toast.order_extended",
        lambda connection: store.extend(connection, number, days, who=person.name, now_us=visit.now_us),
    )


@router.post("/ordres/{number}/revoquer", dependencies=Guarded)
def revoke(
    number: int, visit: Viewing, person: Planning, reason: Annotated[Line, Form(max_length=200)] = ""
) -> Response:
    """Put an order out of force."""
    return _acted(
        visit,
        number,
        "toast.order_revoked",
        lambda connection: store.revoke(connection, number, reason, who=person.name, now_us=visit.now_us),
    )


def _acted(visit: Visit, number: int, toast: str, act: Any) -> Response:
    try:
        with visit.database.write() as connection:
            _order(connection, number, visit.now_us)
            act(connection)
    except OrderRefused as error:
        with visit.database.read() as connection:
            return _one(visit, connection, number, error)
    return leave_toast(RedirectResponse(f"/ordres/{number}", SEE_OTHER), toast)


@router.get("/recettes/{number}/faits.json")
def record(number: int, visit: Viewing) -> Response:
    """Return the facts as the gateway signed them, byte for byte."""
    with visit.database.read() as connection:
        stored = acceptances.record_bytes(connection, number)
    if stored is None:
        raise HTTPException(404)
    return _file(stored, "application/json", f"recette-{number}.json")


@router.get("/recettes/{number}/proces-verbal.pdf")
def statement(number: int, visit: Viewing) -> Response:
    """Return the statement of an acceptance as PDF/UA."""
    with visit.database.read() as connection:
        accepted = acceptances.load(connection, number)
        if accepted is None:
            raise HTTPException(404)
        order = _order(connection, accepted.record.order, visit.now_us)
    return _file(printed.statement_pdf(accepted, order), "application/pdf", f"recette-{number}.pdf")
