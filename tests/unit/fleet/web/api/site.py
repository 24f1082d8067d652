"""The whole web application over a small fleet, without threads and without a broker."""

import msgspec
from fastapi.testclient import TestClient

from fleet.identity import people
from fleet.identity.foundation import found_keys, write_broker_files
from fleet.live.feed import Feed
from fleet.live.model import NetworkNow
from fleet.settings import Founded, read_settings, write_settings
from fleet.web.app import make_app
from tests.unit.fleet.founded import NOW_US, StandingClock, founded_database
from tests.unit.fleet.web.process import parts_over

PASSWORD = "une phrase assez longue"


class Site:
    """A client and what stands behind it."""

    def __init__(self, folder, *, open_access: bool):
        write_settings(
            folder, Founded(public_url="http://testserver", broker_host="127.0.0.1", broker_port=1)
        )
        self.keys = found_keys(folder, broker_host="127.0.0.1", now_us=NOW_US)
        write_broker_files(folder, self.keys.authority, host="127.0.0.1", port=1, now_us=NOW_US)
        self.folder = folder
        self.database = founded_database(folder)
        self.clock = StandingClock(NOW_US + 60_000_000)
        self.feed = Feed()
        settings = msgspec.structs.replace(read_settings(folder, {}), open_access=open_access)
        parts = parts_over(settings, self.database, self.clock, feed=self.feed, keys=self.keys)
        self.link, self.engine = parts.link, parts.engine
        self.link.connected, self.link.epoch = True, 1
        self.app = make_app(parts)
        self.client = TestClient(self.app, follow_redirects=False)
        self.feed.publish(NetworkNow(at_us=self.clock.now))

    def person(self, name: str, role: str) -> None:
        account = people.account_of(name=name, role=role, password=PASSWORD)
        with self.database.write() as connection:
            people.set_user(connection, account, who="test", now_us=NOW_US)
