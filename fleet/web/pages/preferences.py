"""Language and appearance, by the person's choice; and the page of the login form."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response

from fleet.lang.i18n import LANGUAGES
from fleet.web import rendering
from fleet.web.access import LOGIN_PATH, check_origin
from fleet.web.login import inside
from fleet.web.visit import (
    LANGUAGE_COOKIE,
    PREFERENCE_LIFE_S,
    THEME_COOKIE,
    THEMES,
    Anybody,
)

router = APIRouter()
SEE_OTHER = 303


@router.get(LOGIN_PATH, response_class=HTMLResponse)
def login(visit: Anybody, back: str = "/", error: str = "") -> HTMLResponse:
    """Show the form."""
    return visit.bare("pages/login.html", onward=inside(back), wrong=bool(error), typed_name="")


@router.get("/sw.js")
def worker() -> Response:
    """Return the service worker: below the root, so that it may keep tickets."""
    headers = dict(rendering.HEADERS) | {"Cache-Control": "no-cache"}
    return FileResponse(rendering.FOLDER / "static" / "sw.js", media_type="text/javascript", headers=headers)


@router.post("/preferences")
def save(
    request: Request,
    langue: Annotated[str, Form()] = "",
    theme: Annotated[str, Form()] = "",
    back: Annotated[str, Form()] = "/",
) -> Response:
    """Keep language and appearance in this browser."""
    check_origin(request)
    answer = RedirectResponse(inside(back), SEE_OTHER)
    for name, value, allowed in ((LANGUAGE_COOKIE, langue, LANGUAGES), (THEME_COOKIE, theme, THEMES)):
        if value in allowed:
            answer.set_cookie(name, value, max_age=PREFERENCE_LIFE_S, httponly=True, samesite="lax")
    return answer
