"""Logging in and out: the form, how often somebody may try, and the browsers that somebody logged in with."""

import hmac
import secrets
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from fleet.durations import DAY_US
from fleet.identity import people, sessions
from fleet.identity.attempts import LoginTry
from fleet.identity.login import log_in as begin_session
from fleet.identity.login import note_wait
from fleet.identity.passwords import PasswordsBusy
from fleet.identity.totp import Vault
from fleet.lang.format import duration
from fleet.web.access import LOGIN_PATH, check_origin, form_guard, proxy_fault
from fleet.web.process_parts import SESSION_COOKIE, Parts, Shared
from fleet.web.typed import Line, Secret
from fleet.web.visit import Anybody, Visit

router = APIRouter(include_in_schema=False)
SEE_OTHER = 303
TOO_MANY = 429
BUSY_US = 5_000_000
"""After which somebody may try again when too many passwords are being checked."""
BROWSER_COOKIE = "navigateur"
BROWSER_BYTES = 16
BROWSER_LIFE_US = 180 * DAY_US
"""For which a browser counts by itself at the login; it opens nothing."""


@router.post(LOGIN_PATH)
def log_in(  # noqa: PLR0917 FastAPI passes by name
    visit: Anybody,
    parts: Shared,
    name: Annotated[Line, Form(max_length=people.NAME_MAX_CHARACTERS)],
    password: Annotated[Secret, Form(max_length=people.PASSWORD_MAX_CHARACTERS)],
    back: Annotated[Line, Form()] = "/",
    code: Annotated[Line, Form(max_length=12)] = "",
) -> Response:
    """Begin a session, or show the form again."""
    request, now_us, asked_us = visit.request, parts.clock.now_us(), parts.clock.monotonic_us()
    check_origin(request)
    vault, logins = Vault(parts.settings.keys), parts.limits.logins
    attempt = LoginTry(
        name=name,
        address=request.client.host if request.client else "",
        browser=_browser_of(request, name, vault),
    )
    admission = logins.admit(attempt, asked_us)
    if admission.begins:
        note_wait(parts.database, name, admission.wait, now_us)
    if admission.wait.wait_us:
        return _wait(visit, back, "login.too_often", admission.wait.wait_us)
    try:
        key = begin_session(parts.database, name, password, now_us, code=code, vault=vault)
    except PasswordsBusy:
        logins.give_back(attempt, asked_us)
        return _wait(visit, back, "login.busy", BUSY_US)
    if key is None:
        return RedirectResponse(f"{LOGIN_PATH}?error=1", SEE_OTHER)
    logins.succeeded(attempt, asked_us)
    answer = RedirectResponse(inside(back), SEE_OTHER)
    _keep(answer, parts, SESSION_COOKIE, key, sessions.SESSION_LIFE_US)
    number = attempt.browser or secrets.token_urlsafe(BROWSER_BYTES)
    sealed = f"{number}.{_seal(name, number, vault)}"
    _keep(answer, parts, _cookie_of(name, vault), sealed, BROWSER_LIFE_US, path=LOGIN_PATH)
    return answer


def login_form(visit: Visit, *, back: str, trouble: str = "", status: int = 200) -> HTMLResponse:
    """Return the form, with what was wrong with the last try and with the proxy."""
    fault = proxy_fault(visit.request)
    proxy = fault.in_words(visit.lang) if fault else ""
    values = {"onward": inside(back), "typed_name": "", "trouble": trouble, "proxy": proxy}
    return visit.bare("pages/login.html", status=status, **values)


def _keep(answer: Response, parts: Parts, name: str, value: str, life_us: int, *, path: str = "/") -> None:
    secure = parts.settings.public_url.startswith("https://")
    answer.set_cookie(
        name, value, max_age=life_us // 1_000_000, path=path, httponly=True, samesite="lax", secure=secure
    )


def _browser_of(request: Request, name: str, vault: Vault) -> str:
    """Return what names the browser with which somebody of that name logged in before; empty: none."""
    number, _, seal = request.cookies.get(_cookie_of(name, vault), "").partition(".")
    return (
        number if number and hmac.compare_digest(seal.encode(), _seal(name, number, vault).encode()) else ""
    )


def _cookie_of(name: str, vault: Vault) -> str:
    """Return the cookie of one name: several people may share a browser."""
    return f"{BROWSER_COOKIE}-{vault.digest(f'{BROWSER_COOKIE} {name}')[:12]}"


def _seal(name: str, number: str, vault: Vault) -> str:
    return vault.digest(f"{BROWSER_COOKIE} {number} {name}")


@router.post("/deconnexion", dependencies=[Depends(form_guard)])
def log_out(request: Request, parts: Shared) -> Response:
    """End the session."""
    key = request.cookies.get(SESSION_COOKIE, "")
    with parts.database.write() as connection:
        sessions.log_out(connection, key, Vault(parts.settings.keys))
    answer = RedirectResponse(LOGIN_PATH, SEE_OTHER)
    answer.delete_cookie(SESSION_COOKIE)
    return answer


def _wait(visit: Visit, back: str, key: str, wait_us: int) -> Response:
    """Return the form with the time that somebody waits."""
    seconds = -(-wait_us // 1_000_000)
    trouble = visit.words.t(key, time=duration(visit.lang, seconds * 1_000_000))
    answer = login_form(visit, back=back, trouble=trouble, status=TOO_MANY)
    answer.headers["Retry-After"] = str(seconds)
    return answer


def inside(path: str) -> str:
    """Return ``path`` if it stays on this site, else the first page.

    >>> inside("//elsewhere.example"), inside("/passerelles")
    ('/', '/passerelles')
    """
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) else "/"
