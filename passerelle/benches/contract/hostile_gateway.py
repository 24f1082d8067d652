"""One hostile gateway beside quiet ones, on the real `fleet serve`: cycles go on, nobody else's state moves.

It sends 50 messages a second, in turn: a heartbeat of a new boot, one with a journal number of 2⁴⁰, a batch
of journal records from everywhere.  What the engine makes of the quiet gateways is asked every second as
people would see it; what their facts prove in the end is reckoned as a month would be.
"""

import contextlib
import json
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection
from itertools import count
from pathlib import Path

import msgspec
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from agent.wire import topics
from agent.wire.messages import Change, Heartbeat, JournalBatch, JournalRecord, TimeQuality, encode
from fleet.availability.timeline import timeline
from fleet.cli import commands
from fleet.durations import SECOND_US
from fleet.facts.intervals import clip, total
from fleet.facts.months import Window, month_of
from fleet.facts.settings import DEFAULTS
from fleet.facts.states import GatewayState
from fleet.months.inputs import load_month
from passerelle.benches import hostile
from passerelle.figures import Figure

ATTACK_S = float(os.environ.get("PASSERELLE_BENCH_HOSTILE_S", "60"))
MESSAGES_HZ = 50.0
QUIET = 20
INTERVAL_S = 5
"""Between two heartbeats of a quiet gateway: an attack lasts for several."""
FAR = 1 << 40
EUIS = tuple(f"{0x0016C00200000000 + number:016x}" for number in range(QUIET))


def hostile_figures(attack_s: float = ATTACK_S) -> list[Figure]:
    """Return what the attack did to cycles and to others."""
    length = f"{MESSAGES_HZ:g} messages/s for {attack_s:g} s (PASSERELLE_BENCH_HOSTILE_S), {QUIET} others"
    if hostile.MOSQUITTO is None:
        how = "mosquitto is not installed: apt-get install mosquitto"
        return [Figure(name=name, value=None, unit="", target=0, how=how) for name in (CYCLES, SEEN, PROVED)]
    with tempfile.TemporaryDirectory(prefix="passerelle-bench-") as folder:
        data = Path(folder)
        with hostile.served(data, others=EUIS, arguments=("--open-access",)) as target:
            attack = _Attack(target)
            cycles_hz = attack.run(attack_s)
        lost_us = _lost_us(data / "fleet", attack.began_us, attack.ended_us)
    return [
        Figure(
            name=CYCLES,
            value=cycles_hz,
            unit="/s",
            target=hostile.CYCLES_TARGET_HZ,
            better="higher",
            how=f"{length}; {attack.sent} sent",
        ),
        Figure(
            name=SEEN, value=attack.moved, unit="looks", target=0, how=f"not SERVING in {attack.looks} looks"
        ),
        Figure(name=PROVED, value=lost_us, unit="us", target=0, how="by their facts, at the end"),
    ]


CYCLES = "cycles under a hostile gateway"
SEEN = "others' states moved by a hostile gateway"
PROVED = "others' time lost to a hostile gateway"


@dataclass(slots=True)
class _Attack:
    """The hostile gateway, the quiet ones, and who looks at them."""

    target: hostile.Target
    sent: int = 0
    looks: int = 0
    moved: int = 0
    began_us: int = 0
    ended_us: int = 0
    _ended: threading.Event = field(default_factory=threading.Event)

    def run(self, attack_s: float) -> float:
        """Attack for so long once every quiet gateway serves; return the cycles a second meanwhile."""
        quiet = threading.Thread(target=self._quiet)
        quiet.start()
        try:
            self._until_serving()
            enemy = threading.Thread(target=self._enemy)
            before, began, self.began_us = self.target.health(), time.monotonic(), time.time_ns() // 1000
            enemy.start()
            while time.monotonic() - began < attack_s:
                self.looks += QUIET
                self.moved += QUIET - self._serving()
                time.sleep(1)
            self.ended_us = time.time_ns() // 1000
            cycles = self.target.health()["cycles"] - before["cycles"]
            took_s = time.monotonic() - began
            time.sleep(2 * INTERVAL_S)  # the beats that close the last gap
        finally:
            self._ended.set()
            quiet.join()
        enemy.join()
        return cycles / took_s

    def _until_serving(self) -> None:
        until = time.monotonic() + hostile.START_LIMIT_S
        while self._serving() < QUIET:
            if time.monotonic() > until:
                raise RuntimeError(f"{QUIET} gateways do not serve within {hostile.START_LIMIT_S} s")
            time.sleep(1)

    def _serving(self) -> int:
        connection = HTTPConnection("127.0.0.1", self.target.port, timeout=hostile.ANSWER_S)
        with contextlib.closing(connection):
            connection.request("GET", "/api/v1/gateways?limit=1000")
            items = json.loads(connection.getresponse().read())["items"]
        return sum(one["eui"] in EUIS and one["state"] == GatewayState.SERVING for one in items)

    def _quiet(self) -> None:
        began, began_us = time.monotonic(), time.time_ns() // 1000
        with _connected(self.target.broker_port, "quiet") as client:
            for seq in count():
                for eui in EUIS:
                    client.publish(
                        topics.topic(eui, topics.HEALTH), encode(_quiet_beat(seq, began_us)), qos=1
                    )
                if self._ended.wait(max(0.0, began + (seq + 1) * INTERVAL_S - time.monotonic())):
                    return

    def _enemy(self) -> None:
        began = time.monotonic()
        with _connected(self.target.broker_port, "hostile") as client:
            for number in count(1):
                leaf, payload = _hostile_message(number)
                client.publish(topics.topic(hostile.EUI, leaf), payload, qos=1)
                self.sent = number
                if self._ended.wait(max(0.0, began + number / MESSAGES_HZ - time.monotonic())):
                    return


@contextlib.contextmanager
def _connected(port: int, name: str) -> Iterator[paho.Client]:
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id=name)
    client.connect("127.0.0.1", port)
    client.loop_start()
    try:
        yield client
    finally:
        client.loop_stop()


def _quiet_beat(seq: int, began_us: int) -> Heartbeat:
    uptime_ms = (seq + 1) * INTERVAL_S * 1000
    at_us = began_us + seq * INTERVAL_S * SECOND_US
    plain = hostile.beat(boot=1, at_us=at_us)
    return msgspec.structs.replace(
        plain, seq=seq + 1, uptime_ms=uptime_ms, journal_seq=0, interval_s=INTERVAL_S
    )


def _hostile_message(number: int) -> tuple[str, bytes]:
    at_us = time.time_ns() // 1000
    beat = hostile.beat(boot=number, at_us=at_us)
    if number % 3 == 0:
        return topics.HEALTH, encode(beat)
    if number % 3 == 1:
        return topics.HEALTH, encode(msgspec.structs.replace(beat, journal_seq=FAR, seq=number))
    records = tuple(
        JournalRecord(
            boot=number,
            journal_seq=FAR // (index + 1),
            uptime_ms=index,
            at_us=at_us - index * SECOND_US,
            time_quality=TimeQuality.NTP,
            change=Change.RADIO,
            subject="radio",
            value="DEAF",
            reason="",
        )
        for index in range(50)
    )
    return topics.JOURNAL, encode(JournalBatch(records))


def _lost_us(data: Path, from_us: int, until_us: int) -> int:
    """Return for how long quiet gateways did not serve during the attack, by the facts in the database."""
    _, database = commands.open_fleet(data)
    window = Window(from_us, until_us)
    with contextlib.closing(database), database.read() as connection:
        given = load_month(connection, month_of(until_us), DEFAULTS, time.time_ns() // 1000)
    lost_us = 0
    for eui in EUIS:
        line = timeline(given.facts.gateways[eui], given.facts.blindness, window, DEFAULTS, until_us)
        lost_us += total(clip([(one.start_us, one.end_us) for one in line.exceptions], from_us, until_us))
    return lost_us
