"""Logging in and out; the page with the form is one of ``fleet.web``."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import PlainTextResponse, RedirectResponse, Response

from fleet.identity import people, sessions
from fleet.identity.login import log_in as begin_session
from fleet.identity.passwords import PasswordsBusy
from fleet.identity.totp import Vault
from fleet.lang.format import duration
from fleet.lang.i18n import t
from fleet.web.access import LOGIN_PATH, check_origin, form_guard
from fleet.web.process_parts import SESSION_COOKIE, Shared
from fleet.web.typed import Line, Secret

router = APIRouter(include_in_schema=False)
SEE_OTHER = 303
TOO_MANY = 429
BUSY_US = 5_000_000
"""After which somebody may try again when too many passwords are being checked."""


@router.post(LOGIN_PATH)
def log_in(  # noqa: PLR0917 FastAPI passes by name
    request: Request,
    parts: Shared,
    name: Annotated[Line, Form(max_length=people.NAME_MAX_CHARACTERS)],
    password: Annotated[Secret, Form(max_length=people.PASSWORD_MAX_CHARACTERS)],
    back: Annotated[Line, Form()] = "/",
    code: Annotated[Line, Form(max_length=12)] = "",
) -> Response:
    """Begin a session, or show the form again."""
    check_origin(request)
    limits, now_us, asked_us = parts.limits, parts.clock.now_us(), parts.clock.monotonic_us()
    address = request.client.host if request.client else ""
    pair = f"{address} {name}"
    if wait_us := max(limits.login.wait_us(pair, asked_us), limits.login_address.wait_us(address, asked_us)):
        return _wait(wait_us)
    vault = Vault(parts.settings.keys)
    try:
        key = begin_session(parts.database, name, password, now_us, code=code, vault=vault)
    except PasswordsBusy:
        return _wait(BUSY_US)
    if key is None:
        limits.login.tried(pair, asked_us)
        limits.login_address.tried(address, asked_us)
        return RedirectResponse(f"{LOGIN_PATH}?error=1", SEE_OTHER)
    limits.login.forget(pair)
    answer = RedirectResponse(inside(back), SEE_OTHER)
    answer.set_cookie(
        SESSION_COOKIE,
        key,
        max_age=sessions.SESSION_LIFE_US // 1_000_000,
        httponly=True,
        samesite="lax",
        secure=parts.settings.public_url.startswith("https://"),
    )
    return answer


@router.post("/deconnexion", dependencies=[Depends(form_guard)])
def log_out(request: Request, parts: Shared) -> Response:
    """End the session."""
    key = request.cookies.get(SESSION_COOKIE, "")
    with parts.database.write() as connection:
        sessions.log_out(connection, key, Vault(parts.settings.keys))
    answer = RedirectResponse(LOGIN_PATH, SEE_OTHER)
    answer.delete_cookie(SESSION_COOKIE)
    return answer


def _wait(wait_us: int) -> Response:
    """Return what somebody reads who tried too often."""
    seconds = -(-wait_us // 1_000_000)
    text = t("fr", "login.too_often", time=duration("fr", seconds * 1_000_000))
    return PlainTextResponse(text, TOO_MANY, headers={"Retry-After": str(seconds)})


def inside(path: str) -> str:
    """Return ``path`` if it stays on this site, else the first page.

    >>> inside("//elsewhere.example"), inside("/passerelles")
    ('/', '/passerelles')
    """
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) else "/"
