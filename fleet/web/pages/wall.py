"""The wallboard: what a room must see from four metres, for months, without a person's session.

    /mur          verdict, open incidents, next breaches, map; one after the other where they do not fit
    /mur/jeton    where a token of the scope « wall » is typed once; a cookie keeps it as long as it holds

Nothing here names a person: no name of who acknowledged, no caller, no access notes.
"""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from fleet.identity.people import Person, Scope
from fleet.identity.tokens import LIFE_LIMIT_DAYS, bearer, machine_of
from fleet.tickets import store as tickets
from fleet.web.access import LoginNeeded, check_origin, wall
from fleet.web.pages import live, territory
from fleet.web.pages.ticket_lists import lines_of
from fleet.web.process_parts import WALL_COOKIE, WALL_PATH, Shared, current_person
from fleet.web.typed import Secret
from fleet.web.views import communes, overview
from fleet.web.visit import Anybody, Visit, words_of

router = APIRouter()
SEE_OTHER: Final = 303
LISTED_LIMIT: Final = 6
"""Incidents and communes of one view; more do not fit 768 pixels, the rest is counted."""
TOKEN_LIMIT_CHARACTERS: Final = 200
TypedToken = Annotated[Secret, Form(max_length=TOKEN_LIMIT_CHARACTERS)]
TOKEN_PATH: Final = f"{WALL_PATH}/jeton"
WALL_STREAM_PATH: Final = f"{WALL_PATH}/vivant"


def visit_of_wall(request: Request) -> Visit:
    """Return the visit of a wallboard, or of a person who looks at it; nobody leads to the token's form."""
    person = current_person(request)
    if person is None:
        error = LoginNeeded(WALL_PATH)
        error.location = TOKEN_PATH
        raise error
    if person.scopes is not None:
        person = wall(request)
    return Visit(request=request, person=person, words=words_of(request))


Watching = Annotated[Visit, Depends(visit_of_wall)]


@router.get(WALL_PATH, response_class=HTMLResponse)
def show(visit: Watching) -> HTMLResponse:
    """Show the network for a room."""
    with visit.database.read() as connection:
        frame = visit.frame(connection)
        standing = visit.standing
        open_now = tickets.open_tickets(connection, visit.now_us)
        breaches = communes.next_breaches(communes.rows_now(visit.network, visit.past, standing))
        return visit.bare(
            "pages/wall.html",
            frame=frame,
            wall=True,
            choice="dark",
            stream=WALL_STREAM_PATH,
            verdict=overview.verdict_of(visit.words, frame, visit.network),
            tickets=lines_of(visit, connection, open_now[:LISTED_LIMIT]),
            more_tickets=max(0, len(open_now) - LISTED_LIMIT),
            breaches=breaches[:LISTED_LIMIT],
            more_breaches=max(0, len(breaches) - LISTED_LIMIT),
        )


@router.get(WALL_STREAM_PATH)
async def stream(visit: Watching) -> Response:
    """Stream what changes to a wallboard."""
    return live.stream_to(visit, sparse=True)


@router.get(f"{WALL_PATH}/territoire.json")
def polygons(visit: Watching) -> Any:
    """Return the map's communes to a wallboard."""
    return territory.territory_of(visit, named=False)


@router.get(TOKEN_PATH, response_class=HTMLResponse)
def form(visit: Anybody, error: str = "") -> HTMLResponse:
    """Show where the token is typed."""
    return visit.bare("pages/wall_token.html", wrong=bool(error))


@router.post(TOKEN_PATH)
def enter(
    request: Request, parts: Shared, token: Annotated[Secret, Form(max_length=TOKEN_LIMIT_CHARACTERS)]
) -> Response:
    """Keep a token that opens the wallboard in this browser."""
    check_origin(request)
    machine = machine_of(parts.database, bearer(f"Bearer {token.strip()}"), parts.clock.now_us())
    if machine is None or not _opens_wall(machine):
        return RedirectResponse(f"{TOKEN_PATH}?error=1", SEE_OTHER)
    answer = RedirectResponse(WALL_PATH, SEE_OTHER)
    answer.set_cookie(
        WALL_COOKIE,
        token.strip(),
        path=WALL_PATH,
        max_age=LIFE_LIMIT_DAYS * 86_400,
        httponly=True,
        samesite="lax",
        secure=parts.settings.public_url.startswith("https://"),
    )
    return answer


def _opens_wall(machine: Person) -> bool:
    return machine.scopes is not None and Scope.WALL in machine.scopes
