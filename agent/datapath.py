"""The agent's data path: radio thread, spool, connectors and downlinks behind one object.

    concentrator ─ radio thread ─▶ record ─▶ spool (group commit)
                                     └─────▶ every connector ─▶ its LNS ─ acknowledged ─▶ out of the spool
    LNS ─ connector ─▶ downlinks (verdict at once) ─ radio thread ─▶ concentrator

All but the radio thread and the spool's disk thread runs in the event loop.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from agent.clock import Clock
from agent.connectors.kinds import open_connector
from agent.connectors.ports import Connector, Outcome, Tally
from agent.downlink.airtime_book import AirtimeBook
from agent.downlink.antenna import antenna_of
from agent.downlink.jit import Entry
from agent.downlink.model import Downlink, Verdict
from agent.downlink.scheduler import DownlinkScheduler
from agent.evidence.accounts import Accounts
from agent.evidence.observation import ConnectorState, DataPathState, Observation, Observed
from agent.radio.thread import Heard, RadioChanged, RadioEvent, RadioThread, Recovering, Sent
from agent.spool.disk import Waiting
from agent.spool.record import Record, record_of
from agent.spool.spool import Place, Spool
from agent.wire.configuration import Configuration, ConnectorConfig
from agent.wire.messages import Change, Radio
from hal.packets import Crc, ReceivedFrame
from hal.ports import Concentrator

__all__ = ["ConnectorState", "DataPath", "DataPathState", "Observation", "Observed"]

WATCH_INTERVAL_S = 1.0
BEHIND_US = 5_000_000
"""A frame that waits for longer makes a backlog, whose end is reported at once."""
STOP_TIMEOUT_S = 5.0
"""For the radio thread to stop the concentrator."""


class DataPath:
    """Owns the concentrator from ``run`` until it is cancelled; the ``Host`` of its connectors."""

    def __init__(
        self,
        *,
        concentrator: Concentrator,
        configuration: Configuration,
        eui: str,
        state_dir: Path,
        clock: Clock,
        boot: int,
        observe: Callable[[Observed], None],
    ) -> None:
        self.clock, self.boot, self.eui = clock, boot, eui
        self._configuration = configuration
        self._concentrator = concentrator
        self._observe = observe
        self._directory = state_dir
        self._spool = Spool(
            directory=state_dir,
            limits=configuration.limits,
            clock=clock,
            boot=boot,
            observe=observe,
            evicted=self._evicted,
        )
        self._radio_state = RadioChanged(
            radio=Radio.OFF, reason="not started yet", since_us=clock.monotonic_us()
        )
        self._book = AirtimeBook(directory=state_dir, clock=clock, later=self._later)
        self._downlinks = DownlinkScheduler(
            clock=clock, antenna=antenna_of(configuration.radio), book=self._book, wake=self._wake_radio
        )
        self._outcomes: dict[int, Callable[[Outcome], None]] = {}
        self._thread = RadioThread(
            concentrator=concentrator, clock=clock, transmissions=self._downlinks, report=self._report
        )
        self._connectors: dict[str, Connector] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._bits: dict[str, int] = {}
        self._was_up: dict[str, bool] = {}
        self._accounts = Accounts(
            contractual=contractual_of(configuration),
            utc_us=clock.utc_us(),
            monotonic_us=clock.monotonic_us(),
        )
        self._counts = self._accounts.counts
        self._chip_eui = ""
        self._loop: asyncio.AbstractEventLoop | None = None

    async def run(self) -> None:
        """Receive, store, deliver and transmit until cancelled; never raises for a peer's fault."""
        self._loop = asyncio.get_running_loop()
        self._directory.mkdir(parents=True, exist_ok=True)
        self._book.load()
        await self._open_spool()
        self._thread.start()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._spool.run())
                group.create_task(self._watch())
        finally:
            self._thread.stop()
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)
            await asyncio.shield(self._loop.run_in_executor(None, self._thread.join, STOP_TIMEOUT_S))

    async def _open_spool(self) -> None:
        wanted = self._configuration.connectors
        self._bits = await self._spool.open([config.name for config in wanted])
        await self._replace_connectors(wanted)

    async def _replace_connectors(self, wanted: Iterable[ConnectorConfig]) -> None:
        """Start connectors, and hand each what the spool holds for it."""
        new = {config.name: open_connector(config, self, self._configuration) for config in wanted}

        def take(places: list[Waiting]) -> None:
            for name, connector in new.items():
                mask = 1 << self._bits[name]
                connector.restore((place[0], place[1], place[2]) for place in places if place[3] & mask)

        await self._spool.restore(take)
        self._connectors |= new
        for name, connector in new.items():
            self._tasks[name] = asyncio.create_task(connector.run(), name=f"connector {name}")

    def snapshot(self) -> DataPathState:
        """Return the state at this instant."""
        states = [connector.state() for connector in self._connectors.values()]
        states.sort(key=lambda state: not state.contractual)
        return DataPathState(
            radio=self._radio_state.radio,
            radio_reason=self._radio_state.reason,
            radio_since_us=self._radio_state.since_us,
            connectors=tuple(states),
            spool_records=self._spool.records,
            spool_accepting=self._spool.accepting,
            received=self._counts["received"],
            delivered=self._counts["delivered"],
            dropped=dict(self._accounts.dropped),
            crc_failed=self._counts["crc_failed"],
            transmitted=self._counts["transmitted"],
            temperature_c=self._thread.temperature_c,
            eui=self._chip_eui,
            counters=self._all_counts(),
        )

    def _all_counts(self) -> dict[str, int]:
        counts = dict(self._counts)
        counts |= {f"spool.{name}": count for name, count in self._spool.counts.items()}
        for connector in self._connectors.values():
            counts |= {f"{connector.name}.{name}": n for name, n in connector.counters().items()}
        return counts

    async def reconfigure(self, configuration: Configuration) -> None:
        """Apply what changed, and only that; the radio goes on receiving.

        Board, region and sync word are built into the concentrator: for those the caller makes a new one.
        """
        before, self._configuration = self._configuration, configuration
        self._accounts.contractual = contractual_of(configuration)
        self._downlinks.antenna = antenna_of(configuration.radio)
        self._spool.limit(configuration.limits)
        keeps_stat = before.intervals.stat_s == configuration.intervals.stat_s
        same = set(before.connectors) & set(configuration.connectors) if keeps_stat else set()
        for name in {config.name for config in before.connectors if config not in same}:
            await self._end_connector(name)
        self._bits = await self._spool.keep([config.name for config in configuration.connectors])
        self._connectors = {name: old for name, old in self._connectors.items() if name in self._bits}
        await self._replace_connectors(config for config in configuration.connectors if config not in same)

    async def _end_connector(self, name: str) -> None:
        task = self._tasks.pop(name)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    # What the radio thread says.

    def _report(self, event: RadioEvent) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._on_radio, event)

    def _later(self, work: Callable[[], None]) -> None:
        if self._loop is not None:
            self._loop.run_in_executor(None, work)

    def _wake_radio(self) -> None:
        self._thread.wake()

    def _on_radio(self, event: RadioEvent) -> None:
        match event:
            case Heard():
                for frame, monotonic_us in event.frames:
                    self._heard(frame, monotonic_us, event.session)
            case RadioChanged():
                self._radio_state = event
                self._chip_eui = self._chip_eui or (
                    self._concentrator.eui if event.radio is Radio.RECEIVING else ""
                )
                self._tell(Change.RADIO, "radio", event.radio.name, event.reason, event.since_us)
            case Recovering():
                self._counts[f"radio.{event.step.lower()}"] += 1
                self._tell(Change.RECOVERY, "radio", event.step, event.reason)
            case Sent():
                self._counts["transmitted" if event.ok else "transmit_failed"] += 1
                self._ended(event.entry, sent=event.ok, reason=event.reason)

    def _tell(
        self, change: Change, subject: str, value: str, reason: str, since_us: int | None = None
    ) -> None:
        self._observe(
            Observation(change=change, subject=subject, value=value, reason=reason, since_us=since_us)
        )

    def _heard(self, frame: ReceivedFrame, monotonic_us: int, session: int) -> None:
        if frame.crc is not Crc.OK:
            self._counts["crc_failed" if frame.crc is Crc.BAD else "crc_absent"] += 1
            return
        self._counts["received"] += 1
        record = record_of(
            frame,
            record_id=self._spool.new_id(),
            received_at_us=self.clock.utc_us() - (self.clock.monotonic_us() - monotonic_us),
            time_quality=self.clock.quality(),
            boot=self.boot,
            monotonic_us=monotonic_us,
            session=session,
        )
        mask = sum(1 << self._bits[name] for name in self._connectors)
        self._spool.add(record, mask)
        for name, connector in self._connectors.items():
            if not connector.heard(record):
                self.settled(name, [record.id], "filtered")

    # What connectors ask for (``agent.connectors.ports.Host``).

    def settled(self, connector: str, ids: Iterable[int], reason: str | None) -> None:
        """Take in that a connector is done with frames: delivered (None) or dropped for a reason."""
        done = list(ids)
        self._spool.settle(done, 1 << self._bits[connector])
        self._accounts.settled(connector, len(done), reason)

    async def read(self, ids: Sequence[int]) -> list[Record]:
        """Return stored records."""
        return await self._spool.read(ids)

    def submit(self, downlink: Downlink, outcome: Callable[[Outcome], None] | None = None) -> Verdict:
        """Judge a downlink, at once."""
        verdict = self._downlinks.submit(downlink)
        self._counts[f"downlink.{verdict.code}"] += 1
        if verdict.taken and outcome is not None:
            self._outcomes[verdict.ticket] = outcome
        return verdict

    def _ended(self, entry: Entry, *, sent: bool, reason: str) -> None:
        if not sent:
            self._downlinks.unsent(entry.ticket)
        outcome = self._outcomes.pop(entry.ticket, None)
        if outcome is not None:
            outcome(Outcome(sent=sent, reason=reason, start_us=entry.start_us))

    def stale(self, records: Iterable[Record]) -> None:
        """Take in that these frames go out late."""
        self._downlinks.stale(records)

    def link_changed(self, connector: str) -> None:
        """Take in that a server began or ceased to answer."""
        if connector in self._connectors:
            self._watch_connector(self._connectors[connector].state())

    def tally(self) -> Tally:
        """Return the radio's counters."""
        received = self._counts["received"]
        failed = self._counts["crc_failed"] + self._counts["crc_absent"]
        return Tally(
            received=received + failed,
            received_ok=received,
            transmitted=self._counts["transmitted"],
            temperature_c=self._thread.temperature_c,
        )

    def _evicted(self, places: list[Place], reason: str) -> None:
        for name, connector in self._connectors.items():
            connector.evicted((record_id, address) for _, record_id, address in places)
            self.settled(name, [record_id for _, record_id, _ in places], reason)

    # Once a second.

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(WATCH_INTERVAL_S)
            for connector in self._connectors.values():
                self._watch_connector(connector.state())
            for entry in self._downlinks.missed():
                self._counts["downlink.missed"] += 1
                self._ended(entry, sent=False, reason="its instant passed before the radio had it")
            await self._report_span()

    def _watch_connector(self, state: ConnectorState) -> None:
        if self._was_up.get(state.name) == state.up:
            return
        first = state.name not in self._was_up
        self._was_up[state.name] = state.up
        if first and not state.up:
            return
        since_us = None if state.up else state.last_answer_us
        self._tell(Change.CONNECTOR, state.name, "UP" if state.up else "DOWN", state.reason, since_us)

    async def _report_span(self) -> None:
        oldest_id = self._connectors[self._accounts.contractual].oldest_id()
        now_us = until_us = self.clock.utc_us()
        if oldest_id is not None:
            records = await self._spool.read([oldest_id])
            if not records:
                return
            until_us = records[0].received_at_us
        span = self._accounts.span(
            until_us=until_us,
            utc_us=now_us,
            monotonic_us=self.clock.monotonic_us(),
            behind=now_us - until_us > BEHIND_US,
            boot=self.boot,
        )
        if span is not None:
            self._observe(span)


def contractual_of(configuration: Configuration) -> str:
    """Return the name of the connector that counts for availability."""
    return next(config.name for config in configuration.connectors if config.contractual)
