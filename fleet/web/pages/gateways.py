"""Gateways: the table, the page of one with what it reported last, and the commands to it."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, HTTPException
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy import Connection, select

from agent.wire.command import SERVICE_AFFECTING, Action, Command
from agent.wire.messages import Change, Heartbeat
from fleet.configurations.commands import last_of, send
from fleet.configurations.status import statuses, unbalanced
from fleet.evidence import quarantines
from fleet.evidence.tables import journal_records
from fleet.identity import audit
from fleet.identity.people import Person, Role
from fleet.incidents.sites import incidents_of
from fleet.registry import store
from fleet.registry.roll import call_roll
from fleet.registry.store import Gateway
from fleet.safety.absences import OUT_US
from fleet.tickets import store as tickets
from fleet.tickets.store import TicketView
from fleet.web.access import NotAllowed, form_guard, operator, technician
from fleet.web.login import inside
from fleet.web.pages import around, listing, measured
from fleet.web.pages.stopping import StopAnswer, answer_of
from fleet.web.pages.ticket_lists import words_of_ticket
from fleet.web.typed import Line
from fleet.web.views import commands, configurations, counts, gateway, gateways, timeline
from fleet.web.views.clocks import intervention_of
from fleet.web.views.commands import FOR_OPERATORS, FOR_TECHNICIANS
from fleet.web.views.months import contradictions_of
from fleet.web.visit import Viewing, Visit, leave_toast

router = APIRouter()
JOURNAL_LIMIT_ROWS = 50
"""Newest records of the page; the rest is behind the API."""
SEE_OTHER = 303
REASON_LIMIT = 300


@router.get("/passerelles", response_class=HTMLResponse)
def table(visit: Viewing) -> Response:
    """Show every gateway, the worst first."""
    with visit.database.read() as connection:
        rows = _rows(visit, connection, beats=_needs_beats(visit))
        shown = listing.Table(
            template="pages/gateways.html",
            filename="passerelles",
            columns=gateways.columns(),
            export_columns=gateways.export_columns,
            order="state",
        )
        return listing.answer(
            visit,
            connection,
            shown,
            gateways.filtered(rows, *listing.filters_of(visit)),
            complete=lambda page: _with_beats(connection, page),
            unbalanced=sum(row.unbalanced_frames > 0 for row in rows),
            suspects=sum(row.suspect for row in rows),
            silent=sum(row.silent for row in rows),
            silent_href=listing.state_href(visit, gateways.SILENT),
            suspects_href=listing.state_href(visit, gateways.SUSPECT),
            unbalanced_href=listing.state_href(visit, gateways.UNBALANCED),
            **listing.chips(visit, [row.state for row in rows], list(gateways.URGENCY)),
        )


def _needs_beats(visit: Visit) -> bool:
    """Return whether the order or the export needs every gateway's counters."""
    query = visit.request.query_params
    by_counter = query.get("tri", "").removeprefix("-") in gateways.COUNTERS
    return by_counter or query.get(listing.CSV) == "1"


def _beats(connection: Connection, euis: list[str]) -> dict[str, Heartbeat]:
    told = statuses(connection, euis)
    return {eui: one.heartbeat for eui, one in told.items() if one.heartbeat is not None}


def _with_beats(connection: Connection, rows: list[gateways.GatewayRow]) -> list[gateways.GatewayRow]:
    beats = _beats(connection, [row.eui for row in rows])
    return [gateways.counted(row, beats.get(row.eui)) for row in rows]


def _rows(visit: Visit, connection: Connection, *, beats: bool) -> list[gateways.GatewayRow]:
    roll = call_roll(connection)
    communes = {one.insee: one for one in store.load_communes(connection)}
    told = _beats(connection, [one.eui for one in roll]) if beats else {}
    shares = {eui: one.share for eui, one in visit.past.month.gateway_figures.items()}
    return gateways.rows_of(
        visit.network,
        roll,
        communes,
        beats=told,
        shares=shares,
        unbalanced=unbalanced(connection),
        silent=visit.parts.engine.hearing.silent,
    )


@router.get("/passerelles/{eui}", response_class=HTMLResponse)
def one(eui: str, visit: Viewing, fenetre: str = "24h") -> HTMLResponse:
    """Show one gateway: the sentence, its states with their evidence, then the rest."""
    with visit.database.read() as connection:
        found = store.load_gateway(connection, eui)
        if found is None:
            raise HTTPException(404)
        row = _row(visit, connection, found)
        window = fenetre if fenetre in timeline.WINDOWS else timeline.DEFAULT_WINDOW
        stand = statuses(connection, [eui]).get(eui)
        beat = stand.heartbeat if stand else None
        ticket = _ticket(visit, connection, found)
        return visit.page(
            "pages/gateway.html",
            connection,
            gateway=found,
            row=row,
            commune_name=row.commune,
            communes=[c for c in visit.network.communes.values() if eui in c.members],
            sentence=_sentence(visit, eui, ticket),
            ticket=ticket.ticket if ticket else None,
            ticket_clock=intervention_of(ticket) if ticket else None,
            ticket_title=words_of_ticket(visit, connection, ticket.ticket).title if ticket else "",
            held=quarantines.held(connection, eui),
            windows=timeline.WINDOWS,
            window=window,
            line=gateway.line_of(visit.past.gateways.get(eui), window, visit.lang, visit.now_us),
            contradictions=contradictions_of(visit.parts.compared(), [found]),
            counts=counts.delivered(connection, eui, window, visit.now_us),
            late=counts.late(
                connection,
                [eui],
                window,
                visit.now_us,
                lines=visit.past.gateways,
                communes=visit.network.communes.values(),
            ),
            beat=beat,
            vitals=gateway.vitals_of(visit.words, beat) if beat else [],
            journal=_journal(connection, eui),
            commands=commands.lines_of(visit.words, last_of(connection, eui)),
            offers=commands.offers_of(visit.words, visit.person),
            silent=visit.parts.engine.hearing.silent.get(eui),
            **_measured(visit, connection, eui, window),
            **around.of_gateway(visit, connection, found),
            **configurations.of_gateway(visit.words, connection, eui, stand),
        )


def _measured(visit: Visit, connection: Connection, eui: str, window: str) -> dict[str, Any]:
    """Return the pictures of a window, and what was measured last."""
    return {
        "curves": measured.curves_of(visit.words, connection, eui, window, visit.past.gateways.get(eui)),
        "curves_window": measured.window_shown(window),
        **measured.last_measures(visit.words, connection, eui),
    }


def _row(visit: Visit, connection: Connection, found: Gateway) -> gateways.GatewayRow:
    communes = {one.insee: one for one in store.load_communes(connection)}
    figures = visit.past.month.gateway_figures.get(found.eui)
    shares = {found.eui: figures.share} if figures else {}
    return gateways.rows_of(visit.network, [found], communes, beats={}, shares=shares)[0]


def _sentence(visit: Visit, eui: str, ticket: TicketView | None) -> str:
    now = visit.network.gateways.get(eui)
    if now is None:
        return visit.words.t("sentence.OUT")
    communes = tuple(one for one in visit.network.communes.values() if eui in one.members)
    return gateway.gateway_sentence(visit.words, now, communes, ticket)


def _ticket(visit: Visit, connection: Connection, found: Gateway) -> TicketView | None:
    """Return the open ticket of the gateway's incident, else of its site; the most urgent one."""
    opened = tickets.open_tickets(connection, visit.now_us)
    hit = incidents_of(connection, found.eui)
    mine = [shown for shown in opened if shown.ticket.incident_id in hit]
    mine += [shown for shown in opened if shown.ticket.site_id == found.site_id]
    return mine[0] if mine else None


def _journal(connection: Connection, eui: str) -> list[dict[str, Any]]:
    table = journal_records
    query = select(table).where(table.c.eui == eui).order_by(table.c.at_us.desc(), table.c.journal_seq.desc())
    rows = connection.execute(query.limit(JOURNAL_LIMIT_ROWS)).mappings()
    names = {int(change): change.name for change in Change}
    return [dict(row) | {"change": names.get(row["change"], str(row["change"]))} for row in rows]


@router.post("/passerelles/{eui}/recette", dependencies=[Depends(form_guard)])
def accept(eui: str, visit: Viewing, person: Annotated[Person, Depends(operator)]) -> Response:
    """Accept the gateway on site: it counts from now on."""
    with visit.database.write() as connection:
        found = store.load_gateway(connection, eui)
        if found is None:
            raise HTTPException(404)
        if found.accepted_at_us is not None:
            raise HTTPException(409)
        store.accept(connection, eui, at_us=visit.now_us, who=person.name, now_us=visit.now_us)
        after = {"accepted_at_us": visit.now_us}
        audit.record(
            connection,
            now_us=visit.now_us,
            who=person.name,
            action="gateway.accept",
            subject=eui,
            after=after,
        )
    answer = RedirectResponse(f"/passerelles/{eui}", SEE_OTHER)
    return leave_toast(answer, "toast.accepted", name=found.name)


@router.post("/passerelles/{eui}/quarantaine", dependencies=[Depends(form_guard)])
def end_quarantine(eui: str, visit: Viewing, person: Annotated[Person, Depends(operator)]) -> Response:
    """Listen to the gateway again from the engine's next cycle on; its budgets are whole."""
    with visit.database.write() as connection:
        found = store.load_gateway(connection, eui)
        if found is None:
            raise HTTPException(404)
        if not quarantines.end(connection, eui, who=person.name, now_us=visit.now_us):
            raise HTTPException(409)
        audit.record(
            connection, now_us=visit.now_us, who=person.name, action="gateway.quarantine.end", subject=eui
        )
    answer = RedirectResponse(f"/passerelles/{eui}", SEE_OTHER)
    return leave_toast(answer, "toast.quarantine.ended", name=found.name)


Commanding = Annotated[Person, Depends(technician)]


@router.post("/passerelles/{eui}/commande", dependencies=[Depends(form_guard)])
def command(
    eui: str,
    visit: Viewing,
    person: Commanding,
    *,
    action: Annotated[Action, Form()],
    back: Annotated[Line, Form()] = "",
    despite: Annotated[Line, Form(max_length=REASON_LIMIT)] = "",
) -> Response:
    """Sign and queue one command; one that stops reception only where nobody suffers, or with a reason."""
    if action in FOR_OPERATORS and not person.may(Role.OPERATOR):
        raise NotAllowed("role", f"{action} needs the role {Role.OPERATOR}, {person.name} has {person.role}")
    if action not in (*FOR_TECHNICIANS, *FOR_OPERATORS):
        raise HTTPException(404)
    stops = action in SERVICE_AFFECTING and eui in visit.network.gateways
    answer = answer_of(visit, eui, OUT_US) if stops else None
    if answer is not None and not answer.is_yes and not despite.strip():
        return _refused(visit, eui, action, answer)
    with visit.database.write() as connection:
        found = store.load_gateway(connection, eui)
        if found is None:
            raise HTTPException(404)
        key = visit.parts.keys.signing
        if answer is not None and not answer.is_yes:
            told = {"action": action, "reason": despite.strip(), "despite": answer.reasons}
            audit.record(
                connection,
                now_us=visit.now_us,
                who=person.name,
                action="gateway.command.despite",
                subject=eui,
                after=told,
            )
        send(connection, key, eui=eui, command=Command(action=action), who=person.name, now_us=visit.now_us)
    page = RedirectResponse(inside(back) if back else f"/passerelles/{eui}", SEE_OTHER)
    return leave_toast(page, f"toast.command.{action}", name=found.name)


def _refused(visit: Visit, eui: str, action: Action, answer: StopAnswer) -> HTMLResponse:
    """Say who would suffer, and ask why it must be all the same."""
    with visit.database.read() as connection:
        return visit.page(
            "pages/stop.html",
            connection,
            status=409,
            gateway=visit.network.gateways[eui],
            answer=answer,
            limit_us=OUT_US,
            at_us=visit.network.at_us,
            action=action.value,
        )
