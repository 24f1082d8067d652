"""A gateway's spool beside a network server, killed at random instants, run after run in one folder.

``python -m tests.datapath.killed DIRECTORY KILLS SEED`` prints one JSON object: what became of every frame.
Each run is a fork of this process, which holds no thread, so that a run costs milliseconds.  The child says
on a pipe what it does *after* it is done (``W`` records written, ``S`` records settled on disk) and delivery
when the server has it (``D``); what it did not come to say is what the kill took.
"""

import asyncio
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random

from agent.clock import SystemClock
from agent.journal_port import MemoryJournal
from agent.record import Record
from agent.spool.disk import SpoolDisk, Waiting
from agent.spool.files import FILE_NAME, SpoolFiles
from agent.spool.ports import Callbacks, Changed
from agent.spool.spool import Spool
from agent.wire.configuration import Limits
from agent.wire.messages import Change, TimeQuality
from tests.datapath.virtual import record

EUI = "0016c001f12a3b4c"
FRAME_EVERY_S = 0.005
SERVER_ROUND_TRIP_S = 0.25
"""Longer than a commit is waited for, so that every frame is written and deleted."""
REPLAY_BURST = 40
MESSAGES_LIMIT = 60
SPINS_LIMIT = 400_000


class Piped(MemoryJournal):
    """Tells the parent each change of state at once: the process is killed before anybody could ask."""

    def __init__(self, clock: SystemClock, say: Callable[[str, Iterable[object]], None]) -> None:
        super().__init__(clock)
        self._say = say

    def record(
        self, change: Change, subject: str, value: str, reason: str = "", *, since_us: int | None = None
    ) -> None:
        self._say("O", [value])


class Child:
    """One run: receives, stores, delivers; never ends by itself unless it is to ``drain``."""

    def __init__(self, directory: Path, pipe: int, boot: int, *, drain: bool) -> None:
        self._pipe, self._boot, self._drain = pipe, boot, drain
        self._clock = SystemClock(TimeQuality.NTP)
        self._names: dict[int, str] = {}
        self.spool = Spool(
            files=SpoolFiles(directory, EUI),
            limits=Limits(),
            clock=self._clock,
            boot=boot,
            journal=Piped(self._clock, self._say),
            callbacks=Callbacks(
                evicted=lambda entries, reason: self._say("E", [entry[1] for entry in entries]),
                reload=self._reload,
            ),
        )

    def _say(self, what: str, ids: Iterable[object]) -> None:
        os.write(self._pipe, (what + " " + " ".join(map(str, ids)) + "\n").encode())

    def _report(self, disk: SpoolDisk) -> None:
        commit = disk.commit

        def committed(written: Iterable[tuple[Record, int]], settled: Iterable[tuple[int, int]]) -> Changed:
            rows, done = list(written), list(settled)
            changed = commit(rows, done)
            self._say("W", map(name_of, (kept for kept, _ in rows)))
            self._say("S", [self._names.pop(record_id) for record_id, _ in done])
            return changed

        disk.commit = committed  # type: ignore[method-assign]

    async def _reload(self) -> None:
        raise AssertionError("a disk that takes everything is loaded once")

    async def run(self) -> None:
        await self.spool.open(["lns"])
        assert self.spool._disk is not None
        self._report(self.spool._disk)
        entries: list[Waiting] = []
        await self.spool.restore(entries.extend, lambda _: None)
        self._say("R", map(name_of, await self.spool.read([entry[0] for entry in entries]) or []))
        async with asyncio.TaskGroup() as group:
            committing = group.create_task(self.spool.run())
            for first in range(0, len(entries), REPLAY_BURST):
                await self._delivered([entry[0] for entry in entries[first : first + REPLAY_BURST]])
            while not self._drain:
                self._receive(group)
                await asyncio.sleep(FRAME_EVERY_S)
            committing.cancel()

    def _receive(self, group: asyncio.TaskGroup) -> None:
        record_id = self.spool.new_id()
        self.spool.add(record(record_id, monotonic_us=self._clock.monotonic_us(), boot=self._boot), 1)
        self._say("F", [f"{self._boot}:{record_id}"])
        group.create_task(self._later([record_id]))

    async def _later(self, ids: list[int]) -> None:
        await asyncio.sleep(SERVER_ROUND_TRIP_S)
        await self._delivered(ids)

    async def _delivered(self, ids: list[int]) -> None:
        records = await self.spool.read(ids)
        assert records is not None
        self._names |= {kept.id: name_of(kept) for kept in records}
        self._say("D", map(name_of, records))
        self.spool.settle([kept.id for kept in records], 1)
        await asyncio.sleep(0)


def name_of(kept: Record) -> str:
    """Return what no other frame is called: an id that no commit followed may be given again after a kill."""
    return f"{kept.boot}:{kept.id}"


def one_run(directory: Path, boot: int, random: Random, *, kill: bool) -> list[tuple[str, list[str]]]:
    """Fork, let it run, kill it at a random instant, and return all that it said."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.close(reader)
        asyncio.run(Child(directory, writer, boot, drain=not kill).run())
        os._exit(0)
    os.close(writer)
    printed = b""
    if kill:
        lines = random.randint(0, MESSAGES_LIMIT)
        while printed.count(b"\n") < lines:
            printed += os.read(reader, 65_536)
        for _ in range(random.randint(0, SPINS_LIMIT)):
            pass
        os.kill(child, signal.SIGKILL)
    while chunk := os.read(reader, 65_536):
        printed += chunk
    os.close(reader)
    _, status = os.waitpid(child, 0)
    assert kill or status == 0, f"a run that was to drain ended with status {status}"
    whole = printed.decode().split("\n")[:-1]
    return [(line[0], line[2:].split()) for line in whole]


class Ledger:
    """What is known of every frame over all runs."""

    def __init__(self) -> None:
        self.received: set[str] = set()
        self.written: set[str] = set()
        self.settled: set[str] = set()
        self.delivered: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.twice_most = 0

    def take(self, printed: list[tuple[str, list[str]]]) -> None:
        """Judge one run by those before it."""
        for what, names in printed:
            match what:
                case "F":
                    self.received |= set(names)
                case "W":
                    self.written |= set(names)
                case "S":
                    self.settled |= set(names)
                case "D":
                    self.delivered.update(names)
                case "R":
                    self._restored(set(names))
                case _:
                    self.wrong.append(f"{what} {names}")

    def _restored(self, there: set[str]) -> None:
        """Judge what a start found: all that was committed and none of which the deletion was."""
        delivered = set(self.delivered)
        missing, back = self.written - there - delivered, there & self.settled
        self.wrong += [f"missing {sorted(missing)[:9]}"] if missing else []
        self.wrong += [f"back {sorted(back)[:9]}"] if back else []
        self.twice_most = max(self.twice_most, len(there & delivered))


def main() -> None:
    directory, kills, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    random, ledger = Random(seed), Ledger()
    for run in range(kills + 1):
        ledger.take(one_run(directory, run + 1, random, kill=run < kills))
    lost = ledger.written - set(ledger.delivered)
    disk = SpoolDisk(directory / FILE_NAME)
    report = {
        "kills": kills,
        "received": len(ledger.received),
        "committed": len(ledger.written),
        "lost": len(lost),
        "twice": sum(count - 1 for count in ledger.delivered.values()),
        "twice_most": ledger.twice_most,
        "left": disk.records,
        "wrong": ledger.wrong[:10],
    }
    disk.close()
    print(json.dumps(report))


if __name__ == "__main__":
    main()
