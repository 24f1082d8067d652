"""The live parts of one process, as every route reads them.

def show(parts: Shared) -> Response:            # a route or a dependency of one
    with parts.database.read() as connection: ...

parts_of(request).clock                         # where only the request is at hand
"""

from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, FastAPI, Request

from fleet.broker.inbox import Inbox
from fleet.broker.link import BrokerLink
from fleet.clock import Clock
from fleet.db.connect import Database
from fleet.engine.engine import Engine
from fleet.identity.foundation import Keys
from fleet.identity.keeper import Keeper
from fleet.identity.rate import Limits
from fleet.live.feed import Feed
from fleet.live.model import NetworkNow
from fleet.settings import Settings
from fleet.tickets import links
from fleet.web.history import History, Past
from fleet.web.month_views import Months, MonthView


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
    limits: Limits = field(default_factory=Limits)
    history: History = field(default_factory=History)
    months: Months = field(default_factory=Months)

    @property
    def network(self) -> NetworkNow:
        """The network of the newest cycle; empty before the first."""
        latest = self.feed.latest
        return latest.network if latest is not None else NetworkNow(at_us=0)

    @property
    def links_secret(self) -> bytes:
        """The secret that signs the links of messages and labels."""
        return links.read_secret(self.settings.keys / links.SECRET_NAME)

    def past(self) -> Past:
        """Return timelines and the month's figures, a few seconds old at most."""
        contract, timelines = self.settings.contract, self.engine.timelines
        return self.history.past(self.database, self.clock, contract, timelines)

    def month_view(self, month: str) -> MonthView:
        """Return a month of the contract, from what is kept if it stands.

        Raises:
            ValueError: not a month.
        """
        return self.months.month_view(self.database, self.clock, self.settings.contract, month)


def share(app: FastAPI, parts: Parts) -> None:
    """Let the routes of ``app`` read ``parts``."""
    app.state.parts = parts


def parts_of(request: Request) -> Parts:
    """Return the parts of the process that answers ``request``."""
    parts: Parts = request.app.state.parts
    return parts


Shared = Annotated[Parts, Depends(parts_of)]
