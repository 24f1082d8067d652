"""Who asks, and whether they may: dependencies of every route.

    person: Annotated[Person, Depends(operator)]            # 401 or the login page, 403
    Depends(open_data)                                      # also a machine's token of that scope
    Depends(uplinks)                                        # only a machine's token of that scope
    @router.post(..., dependencies=[Depends(form_guard)])   # same origin and the session's token

A form carries ``csrf_token``, a script the header ``X-CSRF-Token``.  Sources: OWASP "Cross-Site Request
Forgery Prevention": synchroniser token, the Origin header as a second line; cookie SameSite=Lax, HttpOnly.
"""

import hmac
from collections.abc import Callable
from typing import Annotated
from urllib.parse import quote, urlsplit

from fastapi import Depends, Request
from starlette.datastructures import FormData

from fleet.identity.people import Person, Role, Scope
from fleet.web.process_parts import current_person, whole_of
from fleet.web.proxies import FAULT, FoundFault

LOGIN_PATH = "/connexion"
CSRF_FIELD = "csrf_token"
CSRF_HEADER = "X-CSRF-Token"
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


class LoginNeeded(Exception):
    """Nobody is logged in; pages lead to the login, the API answers 401."""

    def __init__(self, back: str) -> None:
        super().__init__("login needed")
        self.location = f"{LOGIN_PATH}?back={quote(back, safe='/')}"


class NotAllowed(Exception):
    """Somebody is logged in who may not do this; ``field`` names what decided."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(detail)
        self.field = field
        self.detail = detail


def _needs(role: Role, scope: Scope = Scope.READ) -> Callable[[Request], Person]:
    def dependency(request: Request) -> Person:
        person = current_person(request)
        if person is None:
            raise LoginNeeded(_back(request))
        if person.scopes is not None and scope not in person.scopes:
            raise NotAllowed(
                "scope", f"needs the scope {scope}, {person.name} has {', '.join(person.scopes)}"
            )
        if not person.may(role):
            raise NotAllowed("role", f"needs the role {role}, {person.name} has {person.role}")
        return person

    dependency.__name__ = role.value
    return dependency


def _back(request: Request) -> str:
    """Return where to go after the login: the page with its filters, or that of the form that was sent."""
    if request.method in SAFE_METHODS:
        return f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path
    page = urlsplit(request.headers.get("referer", ""))
    if page.netloc not in _our_hosts(request) or not page.path:
        return "/"
    mark = "retour=1"
    return f"{page.path}?{page.query}&{mark}" if page.query else f"{page.path}?{mark}"


viewer = _needs(Role.VIEWER)
technician = _needs(Role.TECHNICIAN)
operator = _needs(Role.OPERATOR)
administrator = _needs(Role.ADMINISTRATOR)
wall = _needs(Role.VIEWER, Scope.WALL)
open_data = _needs(Role.VIEWER, Scope.OPEN_DATA)


def uplinks(request: Request) -> Person:
    """Return the machine that hands in uplink events; a person's cookie does not do, so no form is forged."""
    person = _needs(Role.VIEWER, Scope.UPLINKS)(request)
    if person.scopes is None:
        raise NotAllowed("scope", f"needs a machine's token of the scope {Scope.UPLINKS}")
    return person


async def form_guard(request: Request, person: Annotated[Person, Depends(viewer)]) -> None:
    """Refuse a write that another site could have sent, and every write of a machine: it does not act."""
    if request.method in SAFE_METHODS:
        return
    if person.scopes is not None:
        raise NotAllowed("scope", f"{person.name} reads; what people do needs a person")
    check_origin(request)
    token = request.headers.get(CSRF_HEADER, "")
    if not token:
        form: FormData = await request.form()
        token = str(form.get(CSRF_FIELD, ""))
    if not hmac.compare_digest(token.encode(), person.csrf_token.encode()):
        raise NotAllowed(CSRF_FIELD, "the form is too old or not ours; load the page again")


def proxy_fault(request: Request) -> FoundFault | None:
    """Return what the proxy does wrong that this request came through."""
    found: FoundFault | None = getattr(request.state, FAULT, None)
    return found


def check_origin(request: Request) -> None:
    """Refuse a request that a page of another site sent.

    Ours are the public address and the address that was asked: a proxy that changes the Host header keeps
    nobody out.

    Raises:
        NotAllowed: the Origin header names another host.
    """
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc not in _our_hosts(request):
        public, host = urlsplit(whole_of(request).settings.public_url).netloc, request.headers.get("host", "")
        detail = f"sent from {origin}, which is neither this host ({host}) nor the public address ({public})"
        raise NotAllowed("origin", detail)


def _our_hosts(request: Request) -> set[str]:
    return {request.headers.get("host", ""), urlsplit(whole_of(request).settings.public_url).netloc}
