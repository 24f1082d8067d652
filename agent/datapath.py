"""The agent's data path: radio thread, spool, connectors and downlinks behind one object.

    concentrator ─ radio thread ─▶ record ─▶ spool (group commit)
                                     └─────▶ every connector ─▶ its LNS ─ acknowledged ─▶ out of the spool
    LNS ─ connector ─▶ downlinks (verdict at once) ─ radio thread ─▶ concentrator

All but the radio thread and the spool's disk thread runs in the event loop.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from agent.clock import Clock
from agent.connectors.dating import dated_record
from agent.connectors.plan_owner import PlanOwner
from agent.connectors.ports import Outcome
from agent.connectors.switchboard import Switchboard
from agent.downlink.airtime_book import AirtimeBook
from agent.downlink.antenna import antenna_of
from agent.downlink.model import Code, Downlink, DownlinkVerdict
from agent.downlink.scheduler import DownlinkScheduler
from agent.evidence.accounts import Accounts
from agent.evidence.ears import ReceivedTestFrame, ReferenceEar, TestEar
from agent.evidence.evidence import Evidence
from agent.journal_port import JournalPort
from agent.observation import ConnectorState, DataPathState, Position
from agent.radio.flights import Sent
from agent.radio.thread import FramesReceived, RadioChanged, RadioEvent, RadioThread, Recovering
from agent.record import Record
from agent.spool.files import SpoolFiles
from agent.spool.ports import Callbacks, SpoolEntry
from agent.spool.spool import Spool
from agent.wire import reasons
from agent.wire.configuration import Configuration
from agent.wire.messages import Change, Radio
from agent.wire.neighbours import NeighbourDeliveries
from hal.packets import Crc, ReceivedFrame
from hal.ports import Concentrator

__all__ = ["ConnectorState", "DataPath", "DataPathState"]

WATCH_INTERVAL_S = 1.0
SESSIONS_A_BOOT = 1 << 16
"""Starts of the radio that one boot can number, so that no two starts ever share a number."""
SESSION_BOOT_BITS = 46
"""The random boot id gives so many bits; with the start's number that is 62, which every codec carries."""
EARLY_FETCHES = 4_096
"""Fetches with frames that wait while the spool is opened: 2 s of processor time for 72 h of backlog, a
minute at most when a damaged one is saved; at 50 frames/s they last longer."""
STOP_TIMEOUT_S = 5.0
"""For the radio thread to stop the concentrator."""


class DataPath:
    """Owns the concentrator from ``run`` until it is cancelled."""

    def __init__(
        self,
        *,
        concentrator: Concentrator,
        configuration: Configuration,
        eui: str,
        state_dir: Path,
        clock: Clock,
        boot: int,
        journal: JournalPort,
        plans: PlanOwner | None = None,
        position: Callable[[], Position | None] = lambda: None,
    ) -> None:
        self._clock, self._boot, self._directory, self._eui = clock, boot, state_dir, eui
        self._concentrator = concentrator
        self._journal, self._position = journal, position
        self._plans = plans or PlanOwner(state_dir, configuration, restart=lambda _: None)
        self._accounts = Accounts(
            contractual=contractual_of(configuration),
            utc_us=clock.utc_us(),
            monotonic_us=clock.monotonic_us(),
        )
        self._counts = self._accounts.counts
        self._spool = Spool(
            files=SpoolFiles(state_dir, eui),
            limits=configuration.limits,
            clock=clock,
            boot=boot,
            journal=journal,
            callbacks=Callbacks(evicted=self._evicted, reload=self._reload),
        )
        self._ledger_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ledger")
        self._book = AirtimeBook(directory=state_dir, clock=clock, later=self._later)
        antenna = antenna_of(configuration.radio)
        self._downlinks = DownlinkScheduler(
            clock=clock, antenna=antenna, book=self._book, wake=self._wake_radio
        )
        self._thread = self._radio_thread()
        self._switchboard = self._connections(eui, configuration)
        self._evidence = Evidence(directory=state_dir, clock=clock, journal=journal, state=self.snapshot)
        self._test_ear = TestEar()
        self._reference_ear = ReferenceEar(configuration.reference)
        self._metrics_port = configuration.metrics_port
        self._radio_state = RadioChanged(
            radio=Radio.OFF, reason=reasons.radio.not_started_yet(), since_us=clock.monotonic_us()
        )
        self._early: list[FramesReceived] | None = []
        self._loop: asyncio.AbstractEventLoop | None = None

    def _radio_thread(self) -> RadioThread:
        return RadioThread(
            concentrator=self._concentrator,
            clock=self._clock,
            transmissions=self._downlinks,
            report=self._report,
            sessions_from=self._boot % (1 << SESSION_BOOT_BITS) * SESSIONS_A_BOOT,
            eui=self._eui,
        )

    def _connections(self, eui: str, configuration: Configuration) -> Switchboard:
        return Switchboard(
            eui=eui,
            boot=self._boot,
            clock=self._clock,
            directory=self._directory,
            plans=self._plans,
            configuration=configuration,
            spool=self._spool,
            downlinks=self._downlinks,
            accounts=self._accounts,
            journal=self._journal,
            temperature_c=lambda: self._thread.temperature_c,
            position=self._position,
        )

    async def run(self) -> None:
        """Receive, store, deliver and transmit until cancelled; never raises for a peer's fault."""
        self._loop = asyncio.get_running_loop()
        self._directory.mkdir(parents=True, exist_ok=True)
        self._book.load()
        self._evidence.load()
        await self._evidence.serve(self._metrics_port)
        self._thread.start()
        async with asyncio.TaskGroup() as group:
            try:
                await self._switchboard.open()
                group.create_task(self._spool.run())
                self._take_early()
                await self._watch()
            finally:
                self._thread.stop()
                await asyncio.shield(self._loop.run_in_executor(None, self._thread.join, STOP_TIMEOUT_S))
                await self._switchboard.close()
                self._evidence.close()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(WATCH_INTERVAL_S)
            self._switchboard.watch()
            self._evidence.tick()
            await self._switchboard.prove()

    def snapshot(self) -> DataPathState:
        """Return the state at this instant."""
        spooled = {f"spool.{name}": count for name, count in self._spool.counts.items()}
        noise_dbm, noise_samples = self._evidence.noise_floor()
        return DataPathState(
            radio=self._radio_state.radio,
            radio_reason=self._radio_state.reason,
            radio_since_us=self._radio_state.since_us,
            connectors=tuple(self._switchboard.states()),
            spool_records=self._spool.holdings.frames,
            spool_accepting=self._spool.accepting,
            received=self._counts["received"],
            delivered=self._counts["delivered"],
            dropped=dict(self._accounts.dropped),
            balance=self._switchboard.balance(),
            crc_failed=self._counts["crc_failed"],
            transmitted=self._counts["transmitted"],
            temperature_c=self._thread.temperature_c,
            chip=self._thread.status,
            chip_at_us=self._thread.status_at_us,
            airtime={
                band.name: (self._book.used_us(band), band.airtime_limit_us)
                for band in self._downlinks.antenna.plan.bands
            },
            reference=self._reference_ear.state(),
            noise_dbm=noise_dbm,
            noise_samples=noise_samples,
            eui=self._thread.chip_eui,
            end_to_end=self._switchboard.prober.reason(),
            counters=dict(self._counts)
            | {"radio.overruled": self._thread.suspicion.overruled}
            | spooled
            | self._switchboard.counters(),
        )

    async def reconfigure(self, configuration: Configuration) -> None:
        """Apply what changed, and only that; the radio goes on receiving.

        Board, region and sync word are built into the concentrator: for those the caller restarts it.
        """
        self._accounts.contractual = contractual_of(configuration)
        self._reference_ear.reconfigure(configuration.reference)
        self._downlinks.antenna = antenna_of(configuration.radio)
        self._spool.limit(configuration.limits)
        if configuration.metrics_port != self._metrics_port:
            self._metrics_port = configuration.metrics_port
            await self._evidence.serve(self._metrics_port)
        self._plans.reconfigure(configuration)
        await self._switchboard.reconfigure(configuration)

    def noise_measured(self, frequency_hz: int, floor_dbm: float) -> None:
        """Take in what an SX1261 measured on one frequency."""
        self._evidence.noise_measured(frequency_hz, floor_dbm)

    def slow_backlog(self, slow: bool) -> None:
        """Let stored frames leave at one a second and connector, or as configured again."""
        self._switchboard.roster.slow_backlog(slow)

    def neighbours_delivered(self, word: NeighbourDeliveries) -> None:
        """Take in what servers have through neighbours."""
        self._switchboard.neighbours_delivered(word)

    def submit(self, downlink: Downlink, outcome: Callable[[Outcome], None]) -> DownlinkVerdict:
        """Judge a transmission of our own like any downlink; ``outcome`` is called with what became of it."""
        return self._switchboard.submit(downlink, outcome)

    async def listen(self, nonce: str, limit_s: float) -> tuple[ReceivedTestFrame, ...]:
        """Return the test frames of ``nonce`` that are heard within ``limit_s``."""
        return await self._test_ear.listen(nonce, limit_s)

    def _evicted(self, entries: list[SpoolEntry], reason: str) -> None:
        self._switchboard.evicted(entries, reason)

    async def _reload(self) -> None:
        await self._switchboard.reload()

    def _wake_radio(self) -> None:
        self._thread.wake()

    def _later(self, work: Callable[[], None]) -> None:
        if self._loop is not None:
            self._loop.run_in_executor(self._ledger_thread, work)

    def _report(self, event: RadioEvent) -> None:
        """Take over an event from the radio thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._on_radio, event)

    def _on_radio(self, event: RadioEvent) -> None:
        match event:
            case FramesReceived():
                self._take(event)
            case RadioChanged():
                self._radio_state = event
                self._journal.record(
                    Change.RADIO, "radio", event.radio.name, event.reason, since_us=event.since_us
                )
            case Recovering():
                self._counts[f"radio.{event.step.lower()}"] += 1
                self._journal.record(Change.RECOVERY, "radio", event.step, event.reason)
            case Sent():
                self._take_sent(event)

    def _take_sent(self, sent: Sent) -> None:
        self._counts["transmitted" if sent.ok else "transmit_failed"] += 1
        if sent.blocked:
            self._evidence.blocked(sent.entry.transmission.frequency_hz)
        code = Code.OK if sent.ok else Code.LBT if sent.blocked else Code.INTERNAL
        outcome = Outcome(sent=sent.ok, reason=sent.reason, start_us=sent.entry.start_us, code=code)
        self._switchboard.ended(sent.entry.ticket, outcome)

    def _take(self, event: FramesReceived) -> None:
        """Take in frames; those that come while the spool is being opened wait for it."""
        if self._early is not None:
            if len(self._early) < EARLY_FETCHES:
                self._early.append(event)
            else:
                self._accounts.not_ready(sum(frame.crc is Crc.OK for frame, _ in event.frames))
            return
        for frame, monotonic_us in event.frames:
            self._frame_received(frame, monotonic_us, event)
        self._switchboard.forward()

    def _take_early(self) -> None:
        early, self._early = self._early or [], None
        for event in early:
            self._take(event)

    def _frame_received(self, frame: ReceivedFrame, monotonic_us: int, fetched: FramesReceived) -> None:
        self._evidence.on_air(frame)
        if frame.crc is not Crc.OK:
            self._counts["crc_failed" if frame.crc is Crc.BAD else "crc_absent"] += 1
            if frame.crc is Crc.BAD:
                self._switchboard.damaged(self._record(frame, 0, monotonic_us, fetched))
            return
        self._counts["received"] += 1
        self._test_ear.on_air(frame)
        record = self._record(frame, self._spool.new_id(), monotonic_us, fetched)
        self._reference_ear.frame_received(record.address, monotonic_us)
        self._switchboard.frame_received(record)
        self._evidence.frame_received(record)

    def _record(self, frame: ReceivedFrame, number: int, at_us: int, fetched: FramesReceived) -> Record:
        return dated_record(
            frame,
            self._clock,
            record_id=number,
            boot=self._boot,
            monotonic_us=at_us,
            session=fetched.session,
            gps_us=fetched.gps_us(frame),
        )


def contractual_of(configuration: Configuration) -> str:
    """Return the name of the connector that counts for availability."""
    return next(config.name for config in configuration.connectors if config.contractual)
