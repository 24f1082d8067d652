"""The network now: does the contract hold and where to look if not; the communes."""

from collections.abc import Sequence

from fastapi import APIRouter, HTTPException
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import Connection

from fleet.facts.states import GatewayState
from fleet.registry.store import Commune, load_communes
from fleet.tickets import store as tickets
from fleet.tickets.model import Ticket
from fleet.web.pages import listing
from fleet.web.pages.ticket_lists import lines_of
from fleet.web.views import communes, counts, gateway, overview, timeline
from fleet.web.views.months import contradictions_of
from fleet.web.visit import Viewing, Visit

router = APIRouter()


@router.get("/", response_class=HTMLResponse)
def overview_page(visit: Viewing) -> HTMLResponse:
    """Show the whole network at a glance."""
    with visit.database.read() as connection:
        past = visit.past
        standing = visit.standing
        frame = visit.frame(connection)
        rows = communes.rows_now(visit.network, past, standing)
        breaches = communes.next_breaches(rows)
        return visit.page(
            "pages/overview.html",
            connection,
            verdict=overview.verdict_of(visit.words, frame, visit.network),
            tickets=lines_of(visit, connection, tickets.open_tickets(connection, visit.now_us)),
            silent=sum(
                one.state is GatewayState.SERVING and eui in visit.parts.engine.hearing.silent
                for eui, one in visit.network.gateways.items()
            ),
            breaches=breaches[: overview.LISTED_LIMIT],
            changes=overview.changes_of(visit.words, past, visit.network, visit.now_us),
        )


def commune_table(
    visit: Visit,
    connection: Connection,
    registered: Sequence[Commune],
    filename: str,
    about: Ticket | None = None,
) -> Response:
    """Return the table of communes, the worst first: all of them, or those ``about`` a ticket."""
    rows = communes.rows_of(visit.network, registered, visit.past, visit.standing)
    table = listing.Table(
        template="pages/communes.html",
        filename=filename,
        columns=communes.columns(),
        export_columns=communes.export_columns,
        order="state",
    )
    chosen = communes.filtered(rows, *listing.filters_of(visit))
    chips = listing.chips(visit, [row.state for row in rows], list(communes.URGENCY))
    return listing.answer(visit, connection, table, chosen, about=about, **chips)


@router.get("/communes", response_class=HTMLResponse)
def table(visit: Viewing) -> Response:
    """Show every commune, the worst first."""
    with visit.database.read() as connection:
        return commune_table(visit, connection, load_communes(connection), "communes")


@router.get("/communes/{insee}", response_class=HTMLResponse)
def commune(insee: str, visit: Viewing, fenetre: str = "mois") -> HTMLResponse:
    """Show a commune: its month, its states, its gateways."""
    with visit.database.read() as connection:
        past = visit.past
        rows = communes.rows_of(visit.network, load_communes(connection), past, visit.standing)
        row = next((row for row in rows if row.insee == insee), None)
        if row is None:
            raise HTTPException(404)
        window = fenetre if fenetre in timeline.WINDOWS else timeline.DEFAULT_WINDOW
        now = visit.network.communes.get(insee)
        members = [visit.network.gateways[eui] for eui in now.members] if now else []
        return visit.page(
            "pages/commune.html",
            connection,
            contradictions=contradictions_of(visit.parts.compared(), members),
            late=counts.late(
                connection,
                [member.eui for member in members],
                window,
                visit.now_us,
                lines=past.gateways,
                communes=visit.network.communes.values(),
            ),
            row=row,
            windows=timeline.WINDOWS,
            window=window,
            line=gateway.line_of(past.communes.get(insee), window, visit.lang, visit.now_us),
            gateways=members,
        )
