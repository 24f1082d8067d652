"""The live parts of one process, as every route reads them.

def show(parts: Shared) -> Response:            # a route or a dependency of one
    with parts.database.read() as connection: ...

parts_of(request).clock                         # where only the request is at hand

With a territory, ``parts.database`` and ``parts.network`` hold that alone (``fleet.territory.bounds``).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated

from fastapi import Depends, FastAPI, Request

from fleet.acts.presence import PresenceRules
from fleet.availability.standing import MonthStanding, month_standing
from fleet.broker.inbox import Inbox
from fleet.broker.link import BrokerLink
from fleet.child.process import Child
from fleet.clock import Clock
from fleet.db.bounded import BoundedDatabase
from fleet.db.connect import Database
from fleet.durations import MINUTE_US
from fleet.engine.engine import Engine
from fleet.identity.foundation import Keys
from fleet.identity.keeper import Keeper
from fleet.identity.people import OPEN_ACCESS, Person
from fleet.identity.rate import Limits
from fleet.identity.sessions import person_of
from fleet.identity.tokens import bearer, machine_of
from fleet.identity.totp import Vault
from fleet.live.feed import Feed
from fleet.live.model import NetworkNow
from fleet.registry.store import load_communes
from fleet.settings import Settings
from fleet.territory.bounds import Reach, reach_of
from fleet.tickets import links
from fleet.web.corroborated import Compared, Corroborated
from fleet.web.history import History, Past
from fleet.web.month_views import Months, MonthView

SESSION_COOKIE = "passerelle"
WALL_COOKIE = "passerelle_mur"
"""The token of a wallboard; looked at below ``WALL_PATH`` alone."""
WALL_PATH = "/mur"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the routes of one process share."""

    settings: Settings
    database: Database
    feed: Feed
    clock: Clock
    keys: Keys
    engine: Engine
    link: BrokerLink
    inbox: Inbox
    keeper: Keeper
    child: Child
    limits: Limits = field(default_factory=Limits)
    history: History = field(default_factory=History)
    months: Months = field(default_factory=Months)
    corroborated: Corroborated = field(default_factory=Corroborated)
    proxy_faults: Mapping[str, int] = field(default_factory=dict)
    """What proxies do wrong, with how many requests showed it (``fleet.web.proxies``)."""
    reach: Reach | None = None
    """The territory of who asks; None: everywhere."""
    whole: "Parts | None" = None
    """What these parts are a view of, when who asks has a territory."""

    @property
    def network(self) -> NetworkNow:
        """The network of the newest cycle; empty before the first."""
        latest = self.feed.latest
        return self.seen(latest.network) if latest is not None else NetworkNow(at_us=0)

    def seen(self, network: NetworkNow) -> NetworkNow:
        """Return a network as who asks may see it."""
        return network if self.reach is None else network.within(self.reach.insees)

    @property
    def links_secret(self) -> bytes:
        """The secret that signs the links of messages and labels."""
        return links.read_secret(self.settings.keys / links.SECRET_NAME)

    @property
    def presence_rules(self) -> PresenceRules:
        """What arrivals on site are judged with."""
        late_after_us = self.settings.presence.late_after_minutes * MINUTE_US
        return PresenceRules(secret=self.links_secret, late_after_us=late_after_us)

    def past(self) -> Past:
        """Return timelines and the month's figures, a few seconds old at most; the whole stays the whole."""
        if self.whole is not None and self.reach is not None:
            return self.whole.past().within(self.reach.insees, self.network.gateways)
        contract, timelines = self.settings.contract, self.engine.timelines
        return self.history.past(self.database, self.clock, contract, timelines)

    def compared(self) -> Compared:
        """Return what the LNS contradicts in the open month, of the gateways that who asks may see."""
        if self.whole is not None and self.reach is not None:
            return self.whole.compared().within(self.network.gateways)
        return self.corroborated.compared(self.database, self.clock, self.past())

    def standing(self) -> MonthStanding:
        """Return the verdict on this month at the newest cycle; the network's promise is everybody's."""
        if self.whole is not None and self.reach is not None:
            return self.whole.standing().within(self.reach.insees)
        past, network = self.past(), self.network
        return month_standing(
            past.month,
            past.weights,
            past.contract,
            states={insee: one.state for insee, one in network.communes.items()},
            now_us=max(past.at_us, network.at_us),
        )

    def month_view(self, month: str) -> MonthView:
        """Return a month of the contract, from what is kept if it stands.

        Raises:
            ValueError: not a month.
            ChildFailed, ChildBusy: an open month cannot be reckoned now.
        """
        if self.whole is not None:
            return self.whole.month_view(month)
        return self.months.month_view(self.database, self.clock, self.child, month)


def share(app: FastAPI, parts: Parts) -> None:
    """Let the routes of ``app`` read ``parts``."""
    app.state.parts = parts


def whole_of(request: Request) -> Parts:
    """Return the parts of the process that answers ``request``, without anybody's bounds."""
    parts: Parts = request.app.state.parts
    return parts


def current_person(request: Request) -> Person | None:
    """Return who asks, once per request."""
    if not hasattr(request.state, "person"):
        request.state.person = person_now(request)
    person: Person | None = request.state.person
    return person


def person_now(request: Request) -> Person | None:
    """Return who the bearer of this request's key is at this instant: a stream outlives sessions."""
    parts = whole_of(request)
    if parts.settings.open_access:
        return OPEN_ACCESS
    key, token = request.cookies.get(SESSION_COOKIE, ""), bearer(request.headers.get("authorization", ""))
    wall = request.cookies.get(WALL_COOKIE, "") if request.url.path.startswith(WALL_PATH) else ""
    now_us = parts.clock.now_us()
    person = None
    if token:
        person = machine_of(parts.database, token, now_us)
    elif key:
        with parts.database.read() as connection:
            person = person_of(connection, key, Vault(parts.settings.keys), now_us)
    return person if person is not None or not wall else machine_of(parts.database, wall, now_us)


def parts_of(request: Request) -> Parts:
    """Return the parts as who asks may see them: with a territory, stores and network show that alone."""
    if not hasattr(request.state, "parts"):
        person = current_person(request)
        whole = whole_of(request)
        request.state.parts = whole if person is None or not person.territories else _bounded(whole, person)
    parts: Parts = request.state.parts
    return parts


def _bounded(whole: Parts, person: Person) -> Parts:
    with whole.database.read() as connection:
        rows = load_communes(connection)
    reach = reach_of(person.name, person.territories, rows, whole.database.dialect)
    return replace(whole, database=BoundedDatabase(whole.database, reach.bounds()), whole=whole, reach=reach)


Shared = Annotated[Parts, Depends(parts_of)]
