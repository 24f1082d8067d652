"""kill -9 of a worker at random instants: no timer lost, no message missing, doubles only with their key.

The worker is a forked process that fires timers (each writes one message in the same transaction) and sends
messages (each send is a line appended to a file, as a provider would take it).  It is killed at a random
instant again and again; then one last worker finishes what is left, after the leases.
"""

import os
import random
import signal
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from fleet.db.connect import Database, sqlite_url
from fleet.db.schema import create_schema
from fleet.notify import outbox
from fleet.notify.model import Channel, Outgoing, Rendered
from fleet.notify.outbox import LEASE_US
from fleet.outbox_worker import Worker
from fleet.tickets import timers
from passerelle.figures import Figure

KILLS = 500
TIMERS = 2_000
SEED = 20261122
LONGEST_LIFE_S = 0.06
STEP_US = LEASE_US + 1_000_000
"""Each worker lives this much later than the one before: its predecessor's leases have run out."""


@dataclass(frozen=True, slots=True)
class Killed:
    """What came of it."""

    kills: int
    timers_lost: int
    messages_missing: int
    doubles: int
    keys_wrong: int


@dataclass(slots=True)
class _Clock:
    at_us: int

    def now_us(self) -> int:
        return self.at_us

    def monotonic_us(self) -> int:
        return self.at_us


def figures() -> list[Figure]:
    """Return what 500 kills did."""
    found = run(KILLS, TIMERS, SEED)
    how = (
        f"{found.kills} kills of a forked worker, seed {SEED}, SQLite, {TIMERS} timers, each with one message"
    )
    return [
        Figure(name="timers lost by kill -9", value=found.timers_lost, unit="", target=0, how=how),
        Figure(
            name="messages missing after kill -9", value=found.messages_missing, unit="", target=0, how=how
        ),
        Figure(name="messages without their key", value=found.keys_wrong, unit="", target=0, how=how),
        Figure(
            name="messages sent again with the same key",
            value=found.doubles,
            unit="",
            target=found.kills,
            how="at least once: at most one a kill, and the receiver knows it by its key",
        ),
    ]


def run(kills: int, count: int, seed: int) -> Killed:
    """Kill workers ``kills`` times, then let one finish."""
    chance = random.Random(seed)  # noqa: S311 instants of kills
    with TemporaryDirectory() as folder:
        url, sent = sqlite_url(Path(folder) / "fleet.db"), Path(folder) / "sent"
        sent.touch()
        _plan(url, count)
        now_us, done = STEP_US, 0
        for _ in range(kills):
            done += _kill_one(url, sent, now_us, chance.uniform(0, LONGEST_LIFE_S))
            now_us += STEP_US
        _finish(url, sent, now_us)
        return _judge(url, sent, count, done)


def _plan(url: str, count: int) -> None:
    database = Database(url)
    create_schema(database)
    with database.write() as connection:
        for number in range(count):
            key = f"timer/{number}"
            timers.plan(connection, key=key, kind="bench", subject_id=number, due_at_us=1)
    database.close()


def _kill_one(url: str, sent: Path, now_us: int, life_s: float) -> int:
    child = os.fork()
    if child == 0:
        try:
            _work(url, sent, now_us, limit=7)
        finally:
            os._exit(0)
    time.sleep(life_s)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return int(os.WIFSIGNALED(status))


def _finish(url: str, sent: Path, now_us: int) -> None:
    _work(url, sent, now_us, limit=500)


def _work(url: str, sent: Path, now_us: int, limit: int) -> None:
    database, clock = Database(url), _Clock(now_us)
    descriptor = os.open(sent, os.O_WRONLY | os.O_APPEND)

    def send(message: Outgoing, _now_us: int) -> str:
        os.write(descriptor, f"{message.key}\n".encode())
        return ""

    worker = Worker(
        database=database, clock=clock, public_url="", secret=b"k" * 32, senders={Channel.MAIL: send}
    )
    while True:
        fired = _fire(database, now_us, limit)
        claimed = worker.claim()
        for message in claimed:
            worker.deliver(message)
        if not fired and not claimed:
            break
    database.close()


def _fire(database: Database, now_us: int, limit: int) -> int:
    with database.write() as connection:
        due = timers.claim(connection, now_us=now_us, limit=limit)
        for timer in due:
            outbox.enqueue(
                connection,
                key=f"message/{timer.key}",
                channel=Channel.MAIL,
                address="t@example.fr",
                message=Rendered(subject=timer.key, text=timer.key),
                now_us=now_us,
            )
    return len(due)


def _judge(url: str, sent: Path, count: int, kills: int) -> Killed:
    database = Database(url)
    with database.read() as connection:
        left = timers.claim(connection, now_us=2**62)
    database.close()
    taken = Counter(sent.read_text().split())
    wanted = {f"message/timer/{number}" for number in range(count)}
    return Killed(
        kills=kills,
        timers_lost=len(left),
        messages_missing=len(wanted - taken.keys()),
        doubles=sum(taken.values()) - len(taken),
        keys_wrong=len(taken.keys() - wanted),
    )
