"""What one gateway may send, all of it decodable: numbers from everywhere, in every message of the wire."""

from random import Random

import msgspec

from agent.wire.beat import ConnectorBeat, Heartbeat, Radio, TimeQuality
from agent.wire.messages import (
    Change,
    ConfigReported,
    ConfigState,
    Delivered,
    Heard,
    JournalBatch,
    JournalRecord,
    Noted,
    Presence,
    PreviousBoot,
    Reply,
)
from agent.wire.topics import topic
from fleet.broker.received import Received

EDGES = (0, 1, 2, 3, 29, 30, 1_000, 2**31, 2**40, 2**53, 2**62, 2**63 - 1, -1, -(2**40), 2**64 - 1)
VALUES = ("RECEIVING", "DEAF", "OFF", "UP", "DOWN", "STARTED", "STOPPED", "x" * 80, "")


class Hostile:
    """One gateway that says anything; from a seed."""

    def __init__(self, eui: str, seed: object) -> None:
        self.eui = eui
        self.chance = Random(str(seed))

    def message(self, at_us: int) -> Received:
        """Return any message."""
        makers = (self.beat, self.beat, self.beat, self.journal, self.journal, self.event, self.other)
        leaf, content = self.chance.choice(makers)(at_us)
        payload = msgspec.msgpack.encode(content)  # a heartbeat in its plain form holds every number
        return Received(topic=topic(self.eui, leaf), payload=payload, retained=False, received_at_us=at_us)

    def number(self, usual: int) -> int:
        """Return what is usual three times of four, else anything."""
        if self.chance.random() < 0.75:
            return usual
        return self.chance.choice(EDGES) - self.chance.choice((0, 0, self.chance.randrange(10_000)))

    def beat(self, at_us: int) -> tuple[str, Heartbeat]:
        seq = self.chance.randrange(400)
        return "health", Heartbeat(
            boot=self.number(self.chance.randrange(4)),
            seq=self.number(seq),
            uptime_ms=self.number(seq * 30_000),
            journal_seq=self.number(self.chance.randrange(30)),
            at_us=self.number(at_us),
            time_quality=self.chance.choice(list(TimeQuality)),
            radio=self.chance.choice(list(Radio)),
            connectors=(
                (ConnectorBeat("lns", self.chance.random() < 0.7, self.number(500)),)
                if self.chance.random() < 0.9
                else ()
            ),
            spool_records=self.number(0),
            spool_accepting=self.chance.random() < 0.9,
            received=self.number(3),
            delivered=self.number(3),
            dropped=0,
            config_version=1,
            interval_s=self.chance.choice((30, 30, 30, 1, 86_400, 2**31)),
        )

    def journal(self, at_us: int) -> tuple[str, JournalBatch]:
        return "journal", JournalBatch(tuple(self._record(at_us) for _ in range(self.chance.randrange(5))))

    def _record(self, at_us: int) -> JournalRecord:
        uptime_ms = self.number(self.chance.randrange(12_000_000))
        change = self.chance.choice(list(Change))
        previous = None
        if change is Change.BOOT and self.chance.random() < 0.8:
            alive_ms, newest = self.number(10_000), self.number(0)
            boot = self.chance.randrange(4)
            previous = PreviousBoot(boot, alive_ms, self.number(at_us), TimeQuality.NTP, False, newest)
        return JournalRecord(
            boot=self.number(self.chance.randrange(4)),
            journal_seq=self.number(self.chance.randrange(30)),
            uptime_ms=uptime_ms,
            at_us=self.number(at_us),
            time_quality=self.chance.choice(list(TimeQuality)),
            change=change,
            subject=self.chance.choice(("lns", "radio", "agent")),
            value=self.chance.choice(VALUES),
            reason="",
            since_ms=self.chance.choice((None, self.number(max(0, uptime_ms - 30_000)))),
            previous=previous,
        )

    def event(self, at_us: int) -> tuple[str, Delivered | Noted | Heard]:
        number, chance = self.number, self.chance
        day = chance.choice(("2026-11-18", "2026-13-01", "1970-01-01", "", "9" * 40))
        return "event", chance.choice(
            (
                Delivered(1, number(5), "lns", number(at_us), number(at_us), number(at_us), number(9)),
                Noted(1, number(5), number(at_us), "x" * 9, {"a": chance.choice((1, float("nan"), "b"))}),
                Heard(day, chance.choice(("26011bda", "zz", "")), number(3), number(1), -90, 7.5, number(7)),
            )
        )

    def other(self, at_us: int) -> tuple[str, Presence | ConfigReported | Reply]:
        number, chance = self.number, self.chance
        return chance.choice(
            (
                ("presence", Presence(chance.random() < 0.5, number(1), number(at_us))),
                (
                    "config/reported",
                    ConfigReported(number(1), "aa", ConfigState.CONFIRMED, number(1), "", number(at_us)),
                ),
                ("reply/a", Reply("a", True, "x", number(at_us))),
            )
        )
