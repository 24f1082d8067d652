"""The parts of one process for tests of routes: all real, nothing started, no broker."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fleet.broker.address import Broker
from fleet.broker.inbox import Inbox
from fleet.broker.link import BrokerLink
from fleet.child.process import Child
from fleet.clock import Clock, FleetClock
from fleet.db.connect import Database
from fleet.engine.cycle import Terms
from fleet.engine.engine import Engine
from fleet.identity.authority import Authority, found_authority
from fleet.identity.foundation import Keys, broker_files
from fleet.identity.keeper import Keeper
from fleet.identity.revocation import BrokerDoor
from fleet.live.feed import Feed
from fleet.settings import Settings
from fleet.web.process_parts import Parts
from tests.unit.fleet.founded import NOW_US

SIGNING = Ed25519PrivateKey.generate()
BROKER = Broker(host="127.0.0.1", port=1, tls=False)


@cache
def _authority() -> Authority:
    """Return one authority for the whole run: a key takes longer to make than most tests."""
    with TemporaryDirectory() as folder:
        return found_authority(Path(folder), NOW_US)


def settings_of(folder: Path, database: Database, public_url: str = "http://testserver") -> Settings:
    """Return the settings of a fleet in ``folder``, open to everybody."""
    return Settings(
        data=folder,
        public_url=public_url,
        database_url=database.url,
        broker=BROKER,
        smtp_url=None,
        mail_from="passerelle@localhost",
        open_access=True,
    )


def parts_over(settings: Settings, database: Database, clock: Clock, **chosen: Any) -> Parts:
    """Return the parts of a process that did not start; ``chosen`` replaces some of them."""
    settings.keys.mkdir(exist_ok=True)
    inbox = chosen.setdefault("inbox", Inbox())
    feed = chosen.setdefault("feed", Feed())
    keys = chosen.setdefault("keys", Keys(authority=_authority(), signing=SIGNING))
    link = chosen.setdefault("link", BrokerLink(BROKER, settings.keys, inbox, clock))
    door = BrokerDoor(broker=BROKER, files=broker_files(settings.data), authority=keys.authority)
    chosen.setdefault("keeper", Keeper(database, door, clock))
    chosen.setdefault("child", Child(database.url, settings.contract))
    terms = Terms(signing=keys.signing)
    engine = Engine(
        database=database, link=link, inbox=inbox, feed=feed, clock=FleetClock(clock), terms=terms
    )
    return Parts(settings=settings, database=database, clock=clock, engine=engine, **chosen)
