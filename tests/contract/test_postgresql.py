"""The same rows, rules and clocks on PostgreSQL as on SQLite: one story through every store."""

import msgspec
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select

from agent.wire.configuration import Configuration, ConnectorConfig, FleetConfig
from agent.wire.messages import Change, JournalBatch, JournalRecord, Presence, TimeQuality
from fleet.availability.reckoning import reckon
from fleet.broker.inbox import Inbox
from fleet.clock import FleetClock
from fleet.configurations.issue import issue_version
from fleet.db.base import metadata
from fleet.db.connect import Database, sqlite_url
from fleet.db.migrate import migrate_from_nothing, missing_tables
from fleet.engine.cycle import Terms
from fleet.engine.engine import Engine
from fleet.evidence.tables import counters, refused_messages
from fleet.facts.settings import DEFAULTS
from fleet.facts.states import CommuneState, GatewayState
from fleet.identity import people
from fleet.identity.authority import found_authority
from fleet.identity.enrolments import enrol, store_token
from fleet.identity.foundation import write_session_secret
from fleet.identity.login import log_in
from fleet.identity.sessions import person_of
from fleet.identity.totp import Vault
from fleet.live.feed import Feed
from fleet.months.inputs import load_month
from fleet.registry import document, store
from fleet.tickets.tables import tickets
from tests.postgresql import postgresql
from tests.unit.fleet.founded import DOCUMENT, EUIS, NOW_US, StandingClock, heartbeat, received
from tests.unit.fleet.identity.certificates import enrolment

pytestmark = [pytest.mark.slow, pytest.mark.e2e]
SECOND = 1_000_000


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "sqlite":
        found = Database(sqlite_url(folder / "fleet.db"))
        migrate_from_nothing(found)
        yield found
        found.close()
        return
    with postgresql() as running:
        found = Database(running.get_uri())
        migrate_from_nothing(found)
        yield found
        found.close()


class Link:
    """A broker that is always there."""

    connected, last_error, last_echo_monotonic_us, epoch = True, "", None, 1

    def __init__(self, clock):
        self.clock = clock
        self.acknowledged = 0
        self.published = []

    def sing(self, now_us):
        self.last_echo_monotonic_us = self.clock.monotonic_us()

    def acknowledge(self, batch):
        self.acknowledged += len(batch)

    def publish(self, topic, payload, *, retain, done):
        self.published.append(topic)
        done()
        return True


def test_the_schema_is_the_codes(database):
    assert missing_tables(database) == []
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_a_day_of_one_fleet(database, tmp_path):
    clock = StandingClock()
    link = Link(clock)
    key = Ed25519PrivateKey.generate()
    with database.write() as connection:
        read = document.read_document(msgspec.json.encode(DOCUMENT), store.known_keys(connection))
        store.apply_document(connection, read, who="test", now_us=NOW_US)
        lns = ConnectorConfig(name="lns", host="a", port=1700, contractual=True)
        configuration = Configuration(connectors=(lns,), fleet=FleetConfig(host="f", port=8883))
        issue_version(connection, key, eui=EUIS[0], configuration=configuration, who="anne", now_us=NOW_US)
    terms, feed = Terms(signing=key), Feed()
    engine = Engine(
        database=database, link=link, inbox=Inbox(), feed=feed, clock=FleetClock(clock), terms=terms
    )
    for seq in range(1, 5):
        clock.now = NOW_US + seq * 30 * SECOND
        engine.take(
            [received(eui, "health", heartbeat(seq, at_us=clock.now), at_us=clock.now) for eui in EUIS]
        )
        engine.cycle()
    assert feed.latest.network.gateways[EUIS[0]].state is GatewayState.SERVING
    sent = {topic for topic in link.published if not topic.endswith("/ack")}
    confirmation, desired = sorted(sent)
    assert desired == f"vdl/1/{EUIS[0]}/config/desired"
    assert confirmation.startswith(f"vdl/1/{EUIS[0]}/command/confirmation-")
    record = JournalRecord(7, 2, 0, NOW_US, TimeQuality.NTP, Change.POWER, "mains", "DOWN", "é\u202f!")
    bad = received(EUIS[0], "presence", Presence(True, 2**63))
    engine.take([bad, received(EUIS[1], "journal", JournalBatch((record, record)))])
    clock.now += 100 * SECOND
    engine.cycle()
    network = feed.latest.network
    assert network.communes["37281"].state is CommuneState.LOST
    with database.read() as connection:
        assert connection.scalar(select(tickets.c.id)) is not None
        assert dict(connection.execute(select(counters)).all())["journal_records"] == 1
        assert len(connection.execute(select(refused_messages)).all()) == 1
        month = reckon(load_month(connection, "2026-11", DEFAULTS, clock.now))
    assert month.commune_figures["37281"].share.served == 90 * SECOND
    again = Engine(
        database=database, link=link, inbox=Inbox(), feed=feed, clock=FleetClock(clock), terms=terms
    )
    again.cycle()
    assert feed.latest.network.gateways == network.gateways


def test_identity(database, tmp_path):
    authority = found_authority(tmp_path, NOW_US)
    with database.write() as connection:
        told = {"valid_until_us": NOW_US + 9, "who": "test", "now_us": NOW_US}
        store_token(connection, authority, token="t", eui=EUIS[1], **told)
    outcome = enrol(database, authority, enrolment(EUIS[1], "t"), NOW_US + 1)
    assert outcome.issued.serial
    write_session_secret(tmp_path)
    vault = Vault(tmp_path)
    account = people.account_of(name="anne", role="viewer", password="x" * 12)
    with database.write() as connection:
        people.set_user(connection, account, who="test", now_us=NOW_US)
    session = log_in(database, "anne", "x" * 12, NOW_US, vault=vault)
    with database.read() as connection:
        assert person_of(connection, session, vault, NOW_US).name == "anne"


def test_a_write_that_fails_leaves_nothing(database):
    written = select(counters.c.value).where(counters.c.name == "x")

    def fail_after_a_write():
        with database.write() as connection:
            connection.execute(counters.insert().values(name="x", value=1))
            assert connection.scalar(written) == 1
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_after_a_write()
    with database.read() as connection:
        assert connection.scalar(written) is None
