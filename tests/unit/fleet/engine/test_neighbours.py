"""Who comes back with stored frames is answered what the LNS has, if its connector asks for it."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.wire.configuration import Configuration, ConnectorConfig, FleetConfig
from agent.wire.messages import ConnectorBeat, Heartbeat, Radio, TimeQuality
from agent.wire.neighbours import decode_neighbours
from fleet.configurations.issue import issue_version
from fleet.engine.neighbours import AGAIN_US, ANSWERS_LIMIT, FRESH_US, NeighbourAnswers, away_since_us
from fleet.live.memory import GatewayMemory, Memory
from tests.unit.fleet.availability.making import T0, S, run
from tests.unit.fleet.founded import EUIS, founded_database
from tests.unit.fleet.objects.test_recent import report

EUI = EUIS[0]
NOW_US = T0 + 1800 * S
BEFORE, CUT, AFTER = run(0, 30, 900, 4), run(0, 930, 1500, 5, up=False), run(0, 1530, 1800, 6)


@pytest.mark.parametrize(
    ("runs", "since_s"),
    [
        ((), None),
        ((BEFORE,), None),
        ((BEFORE, run(0, 930, 1800, 5)), None),
        ((BEFORE, CUT, AFTER), 900),
        ((AFTER, CUT, BEFORE), 900),
        ((BEFORE, run(0, 1530, 1800, 6)), 900),
        ((BEFORE, CUT, AFTER, run(0, 1830, 1890, 7)), 900),
        ((CUT, AFTER), None),
    ],
)
def test_an_outage_began_with_the_last_proof_before_it(runs, since_s):
    assert away_since_us(runs) == (None if since_s is None else T0 + since_s * S)


def configuration(**changes):
    connector = ConnectorConfig(name="lns", host="a", port=1, contractual=True, **changes)
    return Configuration(connectors=(connector,), fleet=FleetConfig(host="f", port=1))


def beat(queued, up=True):
    return Heartbeat(
        boot=1,
        seq=60,
        uptime_ms=1_800_000,
        journal_seq=6,
        at_us=T0 + 1800 * S,
        time_quality=TimeQuality.NTP,
        radio=Radio.RECEIVING,
        connectors=(ConnectorBeat("lns", up, 0, queued),),
        spool_records=queued,
        spool_accepting=True,
        received=0,
        delivered=0,
        dropped=0,
        config_version=1,
    )


class Fleet:
    def __init__(self, database, **connector):
        self.database = database
        self.answers, self.published = NeighbourAnswers(), []
        self.taken = True
        self.monotonic_us = 0
        with database.write() as connection:
            issue_version(
                connection,
                Ed25519PrivateKey.generate(),
                eui=EUI,
                configuration=configuration(**connector),
                who="anne",
                now_us=T0,
            )
        self.answers.recent.take(report("26000001", 7, EUI, ago_s=-1000))
        self.answers.recent.take(report("26000001", 8, ago_s=-1100))

    def look(self, heartbeat, *, after_us=AGAIN_US, age_us=0):
        self.monotonic_us += after_us
        known = GatewayMemory(
            eui=EUI,
            newest_run=AFTER,
            past_runs={(1, 1): BEFORE, (1, 31): CUT},
            heartbeat=heartbeat,
            heartbeat_at_us=NOW_US - age_us,
        )
        with self.database.read() as connection:
            memory = Memory({EUI: known})
            self.answers.speak(connection, self.publish, memory, NOW_US, self.monotonic_us)

    def publish(self, topic, payload):
        if self.taken:
            self.published.append((topic, decode_neighbours(payload)))
        return self.taken


@pytest.fixture
def database(tmp_path):
    database = founded_database(tmp_path)
    yield database
    database.close()


def test_who_comes_back_with_stored_frames_is_answered_a_few_times(database):
    fleet = Fleet(database, spare_delivered=True)
    for _ in range(ANSWERS_LIMIT + 2):
        fleet.look(beat(12))
    ((topic, word), *again) = fleet.published
    assert topic == f"vdl/1/{EUI}/neighbours"
    assert [(span.first, span.last) for span in word.devices[0].spans] == [(7, 8)]
    assert len(again) == ANSWERS_LIMIT - 1


def test_an_answer_that_the_broker_did_not_take_is_given_again(database):
    fleet = Fleet(database, spare_delivered=True)
    fleet.taken = False
    fleet.look(beat(12))
    fleet.taken = True
    fleet.look(beat(12))
    assert len(fleet.published) == 1


@pytest.mark.parametrize(
    ("connector", "heartbeat", "age_us"),
    [
        ({}, beat(12), 0),
        ({"spare_delivered": True}, beat(0), 0),
        ({"spare_delivered": True}, beat(12, up=False), 0),
        ({"spare_delivered": True}, beat(12), FRESH_US + 1),
    ],
)
def test_nobody_else_is(database, connector, heartbeat, age_us):
    fleet = Fleet(database, **connector)
    fleet.look(heartbeat, age_us=age_us)
    assert fleet.published == []


def test_without_any_event_of_the_lns_there_is_no_answer(database):
    fleet = Fleet(database, spare_delivered=True)
    fleet.answers = NeighbourAnswers()
    fleet.look(beat(12))
    assert fleet.published == []
