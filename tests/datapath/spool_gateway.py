"""A gateway's spool, switchboard and one server in virtual time: killed, filled, damaged, cut off at will.

Everything but the file and the server is the agent's own.  ``check`` holds what must hold at every instant,
``settle`` what must hold once the disk takes everything and the server answers again.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random

from msgspec.structs import replace

from agent.connectors.base import BaseConnector
from agent.connectors.plan_owner import PlanOwner
from agent.connectors.ports import Connector, Host
from agent.connectors.switchboard import Switchboard
from agent.downlink.airtime_book import AirtimeBook
from agent.downlink.antenna import antenna_of
from agent.downlink.scheduler import DownlinkScheduler
from agent.evidence.accounts import Accounts
from agent.journal_port import MemoryJournal
from agent.record import Record
from agent.spool.numbering import BLIND_IDS_FROM
from agent.spool.ports import Callbacks, SpoolEntry
from agent.spool.spool import Spool
from agent.wire.configuration import Configuration, ConnectorConfig, FleetConfig, Limits
from tests.datapath.virtual import data_up, record
from tests.datapath.virtual_loop import LoopClock, LoopExecutor
from tests.datapath.virtual_spool import MemoryFiles, foreign

EUI, OTHER_EUI = "0016c001f12a3b4c", "0016c001ffffffff"
ADDRESSES = (0x26000001, 0x26000002)
ROUND_TRIPS_S = (0.02, 0.02, 0.5, 3.1)
"""The last: an acknowledgement of a frame that is late meanwhile."""
PATIENCE_US = 400_000
BURST_FRAMES = 90
STEP_S = 7.0
"""Longer than a full disk is left alone, longer than a frame is live."""
SETTLE_S = 200.0
"""Longer than a file that could not be mended is left alone, and than any backlog of a test drains."""
_LNS = ConnectorConfig(name="lns", host="127.0.0.1", port=1, contractual=True)
_OTHER = ConnectorConfig(name="other", host="127.0.0.1", port=2)
FLEET = FleetConfig(host="127.0.0.1", port=1)
CONFIGURATIONS = (
    Configuration(connectors=(_LNS,), fleet=FLEET),
    Configuration(connectors=(_OTHER, _LNS), fleet=FLEET),
    Configuration(connectors=(replace(_LNS, drain_frames_per_s=50),), fleet=FLEET),
)
ALLOWED_LOSSES = frozenset({"spool_lost"})


class MemoryServer:
    """A network server that acknowledges while it is there."""

    def __init__(self, round_trip_s: Callable[[], float]) -> None:
        self.round_trip_s = round_trip_s
        self.there = True
        self.arrived: list[Record] = []
        self.connector: MemoryConnector | None = None

    def answer(self, *, there: bool) -> None:
        self.there = there
        if self.connector is not None:
            self.connector.look()


class MemoryConnector(BaseConnector):
    """Delivers to a ``MemoryServer``: live frames again after 0.4 s without an acknowledgement."""

    def __init__(self, config: ConnectorConfig, host: Host, server: MemoryServer) -> None:
        super().__init__(config, host)
        self._server = server

    async def _serve_always(self) -> None:
        self._server.connector = self
        self.look()
        await asyncio.get_running_loop().create_future()

    def look(self) -> None:
        self._soon()

    def _pump(self) -> None:
        now_us = self._host.clock.monotonic_us()
        self._outlet.link(reachable=self._is_up(now_us))
        work = self._outlet.step(now_us, PATIENCE_US)
        for sent in (*work.live, *work.late):
            self._server.arrived.append(sent)
            asyncio.get_running_loop().call_later(self._server.round_trip_s(), self._acknowledged, sent.id)
        self._wake_in(None if work.wake_at_us is None else (work.wake_at_us - now_us) / 1_000_000)

    def _acknowledged(self, record_id: int) -> None:
        if self._is_up(0):
            self._outlet.acknowledged([record_id])
            self._soon()

    def _is_up(self, now_us: int) -> bool:
        return self._serving and self._server.there

    def _last_answer_us(self) -> int | None:
        return None

    def _send_once(self, record: Record, *, damaged: bool) -> None:
        raise AssertionError("frames with a wrong CRC are not part of this")


class SpoolGateway:
    """One gateway over all its starts."""

    def __init__(self, folder: Path, *, limits: Limits | None = None, random: Random | None = None) -> None:
        self.folder, self.limits, self._random = folder, limits or Limits(), random
        self.configuration = CONFIGURATIONS[0]
        self.server, self._other = MemoryServer(self._round_trip_s), MemoryServer(self._round_trip_s)
        self.evictions: frozenset[str] = frozenset()
        """Reasons of losses that the limits allow."""
        self.files = MemoryFiles(EUI, committed=self._committed, lost=self._lost)
        self.clock = LoopClock(asyncio.get_running_loop())
        self.changes: list[str] = []
        self.committed: set[int] = set()
        """Frames that were on disk once, by their number."""
        self.lost: set[int] = set()
        """Frames that a repair did not find, or that another box's card took along."""
        self.dropped: Counter[str] = Counter()
        """By reason, over all starts that ended."""
        self.frames = self.boots = 0
        self.unread = False
        """Whether a connector began while the file could not be read, and so without what it holds."""

    def _committed(self, kept: Record) -> None:
        assert kept.id < BLIND_IDS_FROM
        self.committed.add(_number(kept))

    def _lost(self, kept: Record) -> None:
        self.lost.add(_number(kept))

    async def start(self) -> None:
        self.boots += 1
        self.unread |= self.files.unreadable
        self.files.killed = False
        self.journal = MemoryJournal(self.clock)
        self.accounts = Accounts(
            contractual="lns", utc_us=self.clock.utc_us(), monotonic_us=self.clock.monotonic_us()
        )
        self.spool = Spool(
            files=self.files,
            limits=self.limits,
            clock=self.clock,
            boot=self.boots,
            journal=self.journal,
            callbacks=Callbacks(evicted=self._evicted, reload=self._reload),
            thread=LoopExecutor(self._delay_s),
        )
        self.switchboard = self._switchboard()
        await self.switchboard.open()
        self._spooling = asyncio.create_task(self.spool.run())

    def _switchboard(self) -> Switchboard:
        book = AirtimeBook(directory=self.folder, clock=self.clock, later=lambda work: work())
        downlinks = DownlinkScheduler(
            clock=self.clock, antenna=antenna_of(self.configuration.radio), book=book, wake=lambda: None
        )
        return Switchboard(
            eui=EUI,
            boot=self.boots,
            clock=self.clock,
            directory=self.folder,
            plans=PlanOwner(self.folder, self.configuration, restart=lambda _: None),
            configuration=self.configuration,
            spool=self.spool,
            downlinks=downlinks,
            accounts=self.accounts,
            journal=self.journal,
            temperature_c=lambda: None,
            connectors=self._connector,
        )

    def _connector(self, config: ConnectorConfig, host: Host, _: Configuration) -> Connector:
        return MemoryConnector(config, host, self.server if config.contractual else self._other)

    def _round_trip_s(self) -> float:
        return self._random.choice(ROUND_TRIPS_S) if self._random else ROUND_TRIPS_S[0]

    def _delay_s(self) -> float:
        return self._random.choice((0, 0, 0.01, 0.3)) if self._random else 0.0

    def _evicted(self, entries: list[SpoolEntry], reason: str) -> None:
        self.switchboard.evicted(entries, reason)

    async def _reload(self) -> None:
        await self.switchboard.reload()

    async def stop(self, *, kill: bool) -> None:
        """End this start; ``kill``: what is not on disk now never comes there."""
        self.files.killed = kill
        await self.switchboard.close()
        self._spooling.cancel()
        with suppress(asyncio.CancelledError):
            await self._spooling
        self.changes += [change.value for change in self.journal.changes()]
        self.dropped += self.accounts.of("lns").dropped

    def receive(self, count: int = 1) -> None:
        """Receive frames, each address in its turn."""
        for _ in range(count):
            self.frames += 1
            address = ADDRESSES[self.frames % len(ADDRESSES)]
            heard = record(
                self.spool.new_id(),
                data_up(address, self.frames),
                monotonic_us=self.clock.monotonic_us(),
                boot=self.boots,
            )
            self.switchboard.frame_received(heard)
        self.switchboard.forward()

    async def run(self, duration_s: float, *, look_s: float = 0.5) -> None:
        """Let time pass; what must always hold is looked at every so often."""
        until_s = asyncio.get_running_loop().time() + duration_s
        while asyncio.get_running_loop().time() < until_s:
            await asyncio.sleep(look_s)
            self.check()

    # What may happen.

    async def fill(self) -> None:
        self.files.full = not self.files.full

    async def write_protect(self) -> None:
        self.files.read_only = not self.files.read_only

    async def unplug(self) -> None:
        self.files.failing = not self.files.failing

    async def server_away(self) -> None:
        self.server.answer(there=not self.server.there)

    async def kill(self) -> None:
        await self.stop(kill=True)
        await self.start()

    async def restart(self) -> None:
        await self.stop(kill=False)
        await self.start()

    async def damage(self) -> None:
        if self.files.content is not None:
            self.files.content.damaged = True

    async def reconfigure(self) -> None:
        number = CONFIGURATIONS.index(self.configuration) + 1
        self.configuration = CONFIGURATIONS[number % len(CONFIGURATIONS)]
        self.unread |= self.files.unreadable or not self.spool.readable
        await self.switchboard.reconfigure(self.configuration)

    async def burst(self) -> None:
        self.receive(BURST_FRAMES)

    async def swap_card(self) -> None:
        """The card comes from another box: ours is gone for good."""
        await self.stop(kill=True)
        if self.files.content is not None:
            for kept, _ in self.files.content.rows.values():
                self._lost(kept)
            self.files.content = foreign(self.files.content, OTHER_EUI)
        await self.start()

    # What must hold.

    def check(self) -> None:
        """Every frame is accounted for, at this instant."""
        self.switchboard.watch()
        for name in self.switchboard.roster.connectors:
            balance = self.switchboard.roster.balance(name)
            off = balance.missing if self.switchboard.roster.changing else balance.off
            assert off == 0, f"{name}: {balance}\n{self.trace()}"
        assert not any(self.spool.holdings.differences.values()), self.trace()

    async def settle(self) -> None:
        """Let the disk take everything and the server answer: what was committed is there, in its order."""
        self.files.full = self.files.read_only = self.files.failing = False
        self.server.answer(there=True)
        await self.run(SETTLE_S, look_s=5.0)
        balance = self.switchboard.balance()
        assert balance is not None
        assert (balance.reserve, self.spool.accepting) == (0, True), f"{balance}\n{self.trace()}"
        arrived = {_number(frame) for frame in self.server.arrived}
        dropped = self.dropped + Counter(balance.dropped)
        evicted = sum(dropped[reason] for reason in self.evictions)
        gone = self.committed - self.lost - arrived
        assert len(gone) <= evicted, f"{gone}, {evicted} evicted\n{self.trace()}"
        assert set(dropped) <= ALLOWED_LOSSES | self.evictions, self.trace()
        assert dropped["spool_lost"] <= len(self.lost), self.trace()
        for address in ADDRESSES if not self.unread else ():
            numbers = [_number(frame) for frame in self.server.arrived if frame.address == address]
            first = list(dict.fromkeys(numbers))
            assert first == sorted(first), f"{first}\n{self.trace()}"

    def trace(self) -> str:
        return f"{self.changes} {list(self.journal.changes())}"


def _number(frame: Record) -> int:
    return int.from_bytes(frame.payload[6:8], "little")
