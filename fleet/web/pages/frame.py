"""What the frame of every page leads to: login form, language and appearance, style guide, service worker."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response

from fleet.durations import HOUR_US
from fleet.facts.states import CommuneState, GatewayState
from fleet.lang.i18n import LANGUAGES
from fleet.web import rendering
from fleet.web.access import LOGIN_PATH, check_origin
from fleet.web.login import inside, login_form
from fleet.web.typed import Line
from fleet.web.views.clocks import Countdown, level_of
from fleet.web.views.timeline import Span, timeline_of
from fleet.web.visit import (
    LANGUAGE_COOKIE,
    PREFERENCE_LIFE_S,
    THEME_COOKIE,
    THEMES,
    Anybody,
    Viewing,
)

router = APIRouter()
SEE_OTHER = 303


@router.get(LOGIN_PATH, response_class=HTMLResponse)
def login(visit: Anybody, back: str = "/", error: str = "") -> HTMLResponse:
    """Show the form."""
    return login_form(visit, back=back, trouble=visit.words.t("login.wrong") if error else "")


@router.get("/sw.js")
def worker() -> Response:
    """Return the service worker: below the root, so that it may keep tickets."""
    headers = dict(rendering.HEADERS) | {"Cache-Control": "no-cache"}
    return FileResponse(rendering.FOLDER / "static" / "sw.js", media_type="text/javascript", headers=headers)


@router.post("/preferences")
def save(
    request: Request,
    langue: Annotated[Line, Form()] = "",
    theme: Annotated[Line, Form()] = "",
    back: Annotated[Line, Form()] = "/",
) -> Response:
    """Keep language and appearance in this browser."""
    check_origin(request)
    answer = RedirectResponse(inside(back), SEE_OTHER)
    for name, value, allowed in ((LANGUAGE_COOKIE, langue, LANGUAGES), (THEME_COOKIE, theme, THEMES)):
        if value in allowed:
            answer.set_cookie(name, value, max_age=PREFERENCE_LIFE_S, httponly=True, samesite="lax")
    return answer


@router.get("/guide", response_class=HTMLResponse)
def guide(visit: Viewing) -> HTMLResponse:
    """Show the components."""
    now_us = visit.now_us
    shown = [
        Countdown(
            due_at_us=now_us + left_us,
            total_us=4 * HOUR_US,
            left_us=left_us,
            running=True,
            level=level_of(left_us, 4 * HOUR_US),
            words="",
        )
        for left_us in (2 * HOUR_US + HOUR_US // 4, HOUR_US * 9 // 10, HOUR_US // 3, -HOUR_US // 5)
    ]
    states = list(GatewayState)
    spans = [
        Span(from_us=now_us - (24 - 4 * i) * HOUR_US, until_us=now_us - (21 - 4 * i) * HOUR_US, state=state)
        for i, state in enumerate(states)
    ]
    line = timeline_of(spans, now_us - 24 * HOUR_US, now_us, lang=visit.lang)
    with visit.database.read() as connection:
        return visit.page(
            "pages/guide.html",
            connection,
            gateway_states=states,
            commune_states=list(CommuneState),
            countdowns=shown,
            line=line,
        )
