"""One visit to a page: who asks, in which language, at which instant; and the answer in the common frame."""

from dataclasses import dataclass
from typing import Annotated, Any, Final
from urllib.parse import quote, unquote

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import Connection

from fleet.availability.standing import MonthStanding
from fleet.db.connect import Database
from fleet.facts.settings import ContractSettings
from fleet.identity.people import Person
from fleet.incidents import store as incidents
from fleet.lang.i18n import DEFAULT_LANGUAGE, known
from fleet.live.model import NetworkNow
from fleet.web import rendering
from fleet.web.access import viewer
from fleet.web.history import Past
from fleet.web.process_parts import Parts, parts_of
from fleet.web.rendering import Words
from fleet.web.views.frame import Frame, frame_of

LANGUAGE_COOKIE: Final = "langue"
THEME_COOKIE: Final = "theme"
THEMES: Final = ("auto", "light", "dark")
PREFERENCE_LIFE_S: Final = 365 * 86_400
TOAST_COOKIE: Final = "message"
TOAST_LIFE_S: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One request, read once."""

    request: Request
    person: Person | None
    words: Words

    @property
    def now_us(self) -> int:
        """The instant of the visit, the same on the whole page."""
        return self.words.now_us

    @property
    def lang(self) -> str:
        """Language of the person."""
        return self.words.lang

    @property
    def parts(self) -> Parts:
        """The live parts of this process."""
        return parts_of(self.request)

    @property
    def database(self) -> Database:
        """Where the stores are."""
        return self.parts.database

    @property
    def contract(self) -> ContractSettings:
        """The contract's settings of this fleet."""
        return self.parts.settings.contract

    @property
    def network(self) -> NetworkNow:
        """The network of the newest cycle; empty before the first."""
        return self.parts.network

    @property
    def past(self) -> Past:
        """Timelines and the month's figures, a few seconds old at most."""
        return self.parts.past()

    @property
    def standing(self) -> MonthStanding:
        """The verdict on this month."""
        return self.parts.standing()

    def frame(self, connection: Connection) -> Frame:
        """Return what stands above every page."""
        return frame_of(
            network=self.network,
            standing=self.standing,
            open_incidents=incidents.count_open(connection),
            now_us=self.now_us,
        )

    def page(
        self, template: str, connection: Connection, *, status: int = 200, **values: Any
    ) -> HTMLResponse:
        """Return a page in the frame."""
        return self.bare(template, status=status, frame=self.frame(connection), **values)

    def bare(self, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        """Return a page; without ``frame`` among the values it stands alone (login, links from a mail)."""
        query = self.request.query_params
        choice = self.request.cookies.get(THEME_COOKIE, "auto")
        values = {
            "frame": None,
            "visit": self,
            "person": self.person,
            "csrf": self.person.csrf_token if self.person else "",
            "path": self.request.url.path,
            "here": str(self.request.url.replace(scheme="", netloc="")),
            "query": query,
            "wall": False,
            "stream": "/vivant",
            "choice": choice if choice in THEMES else "auto",
            "toast": toast_of(self),
        } | values
        text = rendering.render(template, self.words, **values)
        answer = HTMLResponse(text, status_code=status, headers=dict(rendering.HEADERS))
        if values["toast"]:
            answer.delete_cookie(TOAST_COOKIE)
        return answer

    def csv(self, name: str, text: str) -> Response:
        """Return a file of comma-separated values, as a download."""
        headers = dict(rendering.HEADERS) | {"Content-Disposition": f'attachment; filename="{name}.csv"'}
        return Response(text, media_type="text/csv; charset=utf-8", headers=headers)


def words_of(request: Request) -> Words:
    """Return language and instant of a request."""
    lang = known(request.cookies.get(LANGUAGE_COOKIE, DEFAULT_LANGUAGE))
    return Words(lang, parts_of(request).clock.now_us())


def toast_of(visit: Visit) -> str:
    """Return the sentence that the last action left, once; only sentences of the catalogue can be shown."""
    parts = unquote(visit.request.cookies.get(TOAST_COOKIE, "")).split("|")
    if not parts[0].startswith("toast."):
        return ""
    values = dict(part.split("=", 1) for part in parts[1:] if "=" in part)
    counts = {name: int(str(value)) if str(value).isdigit() else value for name, value in values.items()}
    try:
        return visit.words.t(parts[0], **counts)
    except KeyError:
        return ""


def leave_toast(answer: Response, key: str, **values: object) -> Response:
    """Let the next page say a sentence of the catalogue once."""
    text = "|".join([key, *(f"{name}={value}" for name, value in values.items())])
    answer.set_cookie(TOAST_COOKIE, quote(text), max_age=TOAST_LIFE_S, httponly=True, samesite="strict")
    return answer


def visit_of_viewer(request: Request, person: Annotated[Person, Depends(viewer)]) -> Visit:
    """Return the visit of a person who may look."""
    return Visit(request=request, person=person, words=words_of(request))


def visit_of_anybody(request: Request) -> Visit:
    """Return the visit of somebody who need not be logged in."""
    return Visit(request=request, person=None, words=words_of(request))


Viewing = Annotated[Visit, Depends(visit_of_viewer)]
Anybody = Annotated[Visit, Depends(visit_of_anybody)]
