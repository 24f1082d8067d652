import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.fleet_key import FleetKey
from agent.wire.configuration import Configuration, ConnectorConfig, FleetConfig, ReleaseConfig
from agent.wire.envelope import EnvelopeKind, decode_envelope, judge
from agent.wire.messages import ConfigReported, ConfigState
from fleet.configurations import reconcile
from fleet.configurations.issue import issue_instruction, issue_version
from fleet.configurations.status import statuses
from fleet.configurations.store import mark_confirmed, publish_again, version_history
from fleet.evidence.ingest import Sorter
from fleet.facts.settings import DEFAULTS
from fleet.lang.reasons import FleetReason, own
from fleet.live.memory import Memory
from tests.unit.fleet.founded import EUIS, NOW_US, founded_database, heartbeat, received, store_rows

KEY = Ed25519PrivateKey.generate()
LNS = ConnectorConfig(name="lns", host="a", port=1700, contractual=True)
CONFIGURATION = Configuration(connectors=(LNS,), fleet=FleetConfig(host="f", port=8883))


class Broker:
    """Takes what is published until it is told not to."""

    def __init__(self):
        self.taken = []
        self.closed = False

    def publish(self, topic, payload, retain, done):
        if self.closed:
            return False
        self.taken.append((topic, payload, retain))
        done()
        return True


def ask(connection, **fields):
    told = {"eui": EUIS[0], "configuration": CONFIGURATION, "who": "anne", "now_us": NOW_US}
    return issue_version(connection, KEY, **(told | fields))


def publish(database, broker):
    noted = []
    with database.read() as connection:
        before = len(broker.taken)
        forged = reconcile.publish_waiting(connection, broker.publish, noted.append, KEY.public_key())
    with database.write() as connection:
        for statement in noted:
            connection.execute(statement)
    assert forged == {}
    return len(broker.taken) - before


def test_a_new_version_goes_out_retained_and_signed_once(tmp_path):
    database, broker = founded_database(tmp_path), Broker()
    with database.write() as connection:
        ask(connection)
        ask(connection)
    assert publish(database, broker) == 1
    assert publish(database, broker) == 0
    topic, payload, retain = broker.taken[0]
    assert (topic, retain) == (f"vdl/1/{EUIS[0]}/config/desired", True)
    envelope = decode_envelope(payload)
    assert (envelope.kind, envelope.version) == (EnvelopeKind.CONFIGURATION, 2)
    key = FleetKey(KEY.public_key().public_bytes_raw())
    judge(envelope, key, device=EUIS[0], newest_version=1, now_us=NOW_US)


def test_what_the_broker_did_not_take_goes_out_later(tmp_path):
    database, broker = founded_database(tmp_path), Broker()
    with database.write() as connection:
        ask(connection)
    broker.closed = True
    assert publish(database, broker) == 0
    broker.closed = False
    assert publish(database, broker) == 1


def test_what_an_image_carries_is_not_published(tmp_path):
    database, broker = founded_database(tmp_path), Broker()
    with database.write() as connection:
        ask(connection, by_image=True)
    assert publish(database, broker) == 0


def test_after_an_enrolment_the_version_of_the_image_takes_the_place_of_what_was_retained(tmp_path):
    database, broker = founded_database(tmp_path), Broker()
    with database.write() as connection:
        ask(connection)
    publish(database, broker)
    with database.write() as connection:
        ask(connection, by_image=True)
    publish(database, broker)
    assert len(broker.taken) == 1
    with database.write() as connection:
        publish_again(connection, EUIS[0])
    publish(database, broker)
    assert [decode_envelope(payload).version for _, payload, _ in broker.taken] == [1, 2]


def test_nobody_gives_the_reason_of_a_work_order_to_another_change(tmp_path):
    database = founded_database(tmp_path)
    by_order = own(FleetReason.WORK_ORDER)
    with database.write() as connection:
        ask(connection, reason=by_order, by_image=True)
        ask(connection, reason=by_order)
        newer, older = version_history(connection, EUIS[0])
    assert (older.reason, newer.reason) == (by_order, "")


def hear(database, memory, *messages):
    rows = Sorter(memory.gateways, set(EUIS), DEFAULTS).sort(messages)
    assert rows.refused == []
    with database.write() as connection:
        store_rows(connection, rows)
    return memory.with_batch(rows)


def test_a_version_seen_working_is_confirmed_and_said_again_only_on_trial(tmp_path):
    database, broker, memory = founded_database(tmp_path), Broker(), Memory()
    with database.write() as connection:
        envelope = ask(connection)
        assert reconcile.confirm_working(connection, KEY, memory, NOW_US) == 0
    memory = hear(database, memory, received(EUIS[0], "health", heartbeat(), at_us=NOW_US + 1))
    with database.write() as connection:
        assert reconcile.confirm_working(connection, KEY, memory, NOW_US + 2) == 1
        assert reconcile.confirm_working(connection, KEY, memory, NOW_US + 3) == 0
    publish(database, broker)
    topic, payload, retain = broker.taken[-1]
    assert (topic.rpartition("-")[0], retain) == (f"vdl/1/{EUIS[0]}/command/confirmation", False)
    assert decode_envelope(payload).payload.decode() == envelope.sha256
    trial = ConfigReported(
        version=1, sha256=envelope.sha256, state=ConfigState.TRIAL, seen_version=1, reason=""
    )
    hear(database, memory, received(EUIS[0], "config/reported", trial))
    with database.write() as connection:
        assert reconcile.confirm_working(connection, KEY, memory, NOW_US + 20_000_000) == 1


@pytest.mark.parametrize(
    ("received_frames", "delivered", "confirmed"), [(0, 0, 0), (5, 0, 0), (0, 5, 0), (1, 1, 1)]
)
def test_a_new_release_is_confirmed_by_frames_heard_and_delivered(
    tmp_path, received_frames, delivered, confirmed
):
    database, memory = founded_database(tmp_path), Memory()
    release = ReleaseConfig(root_sha256="0" * 64, wanted="0.2.0")
    with database.write() as connection:
        ask(connection)
        envelope = ask(connection, configuration=msgspec.structs.replace(CONFIGURATION, release=release))
    beat = msgspec.structs.replace(
        heartbeat(), config_version=envelope.version, received=received_frames, delivered=delivered
    )
    memory = hear(database, memory, received(EUIS[0], "health", beat, at_us=NOW_US + 1))
    with database.write() as connection:
        assert reconcile.confirm_working(connection, KEY, memory, NOW_US + 2) == confirmed


def test_a_release_that_was_seen_working_needs_no_frames_again(tmp_path):
    """Going back to it must succeed at an hour at which nothing sends."""
    database, memory = founded_database(tmp_path), Memory()
    release = ReleaseConfig(root_sha256="0" * 64, wanted="0.2.0")
    known = msgspec.structs.replace(CONFIGURATION, release=release)
    quiet = msgspec.structs.replace(heartbeat(), received=0, delivered=0)
    with database.write() as connection:
        first = ask(connection, configuration=known)
        mark_confirmed(connection, EUIS[0], first.version, NOW_US)
        ask(connection, configuration=CONFIGURATION)
        again = ask(connection, configuration=known)
    beat = msgspec.structs.replace(quiet, config_version=again.version)
    memory = hear(database, memory, received(EUIS[0], "health", beat, at_us=NOW_US + 1))
    with database.write() as connection:
        assert reconcile.confirm_working(connection, KEY, memory, NOW_US + 2) == 1


def test_desired_beside_reported(tmp_path):
    database, memory = founded_database(tmp_path), Memory()
    with database.write() as connection:
        envelope = ask(connection)
    told = {"version": 1, "sha256": envelope.sha256, "seen_version": 1}
    refused = ConfigReported(state=ConfigState.ROLLED_BACK, reason="no word from the fleet", **told)
    hear(database, memory, received(EUIS[0], "config/reported", refused))
    with database.read() as connection:
        stand = statuses(connection, [EUIS[0]])[EUIS[0]]
    assert (stand.desired_version, stand.reported.reason, stand.in_force) == (
        1,
        "no word from the fleet",
        False,
    )
    confirmed = ConfigReported(state=ConfigState.CONFIRMED, reason="", **told)
    hear(database, memory, received(EUIS[0], "config/reported", confirmed))
    with database.read() as connection:
        assert statuses(connection, [EUIS[0]])[EUIS[0]].in_force


@pytest.mark.parametrize(("seen", "given"), [(7, 8), (1, 2), (2**31 - 1, 2)])
def test_a_restored_database_goes_on_above_what_its_gateway_has_seen(tmp_path, seen, given):
    database, memory = founded_database(tmp_path), Memory()
    with database.write() as connection:
        envelope = ask(connection)
    told = ConfigReported(
        version=seen, sha256=envelope.sha256, state=ConfigState.CONFIRMED, seen_version=seen, reason=""
    )
    hear(database, memory, received(EUIS[0], "config/reported", told))
    with database.write() as connection:
        publish_again(connection, EUIS[0])
        assert version_history(connection, EUIS[0])[0].published is False
        assert ask(connection).version == given


def test_instructions_of_a_restored_database_are_above_those_that_it_lost(tmp_path):
    def number(database, at_us):
        with database.write() as connection:
            name = issue_instruction(
                connection, KEY, eui=EUIS[0], kind=EnvelopeKind.COMMAND, payload=b"", now_us=at_us
            )
        return int(name.rpartition("-")[2])

    folders = tmp_path / "lost", tmp_path / "restored"
    for folder in folders:
        folder.mkdir()
    lost, restored = map(founded_database, folders)
    numbers = [number(lost, NOW_US + second * 10**6) for second in (0, 0, 15, 30, 45)]
    assert numbers == sorted(set(numbers))
    assert number(restored, NOW_US + 3600 * 10**6) > numbers[-1]
    assert number(restored, NOW_US - 3600 * 10**6) == number(restored, NOW_US) - 1, "a clock that went back"
