"""All connectors of one gateway: who gets which frame, what became of it, and who is up.

record ─▶ spool, with a bit for every connector that wants it
    └──▶ connector ─▶ settled ─▶ bit off; the last one takes the record out of the spool
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from agent.clock import Clock
from agent.connectors.dating import reception_of
from agent.connectors.end_to_end.prober import Prober
from agent.connectors.kinds import OpenConnector, open_connector
from agent.connectors.plan_owner import PlanOwner
from agent.connectors.ports import Connector, Outcome, Tally
from agent.connectors.radio_plan import RadioPlan
from agent.connectors.roster import Roster
from agent.downlink.beacon import gateway_info
from agent.downlink.model import Code, Downlink, DownlinkVerdict
from agent.downlink.scheduler import DownlinkScheduler
from agent.evidence.accounts import Accounts
from agent.evidence.rf import UnsentDownlinks
from agent.journal_port import JournalPort
from agent.observation import Balance, ConnectorState, Position
from agent.record import Record
from agent.spool.ports import SpoolEntry
from agent.spool.spool import Spool
from agent.wire import reasons
from agent.wire.configuration import Configuration
from agent.wire.messages import Change, TimeQuality
from agent.wire.neighbours import NeighbourDeliveries
from agent.wire.reasons import Reason

BEHIND_US = 5_000_000
"""A frame that waits for longer makes a backlog, whose end is reported at once."""


class Switchboard:
    """The ``Host`` of every connector (``agent.connectors.ports``); lives in the event loop."""

    def __init__(
        self,
        *,
        eui: str,
        boot: int,
        clock: Clock,
        directory: Path,
        plans: PlanOwner,
        configuration: Configuration,
        spool: Spool,
        downlinks: DownlinkScheduler,
        accounts: Accounts,
        journal: JournalPort,
        temperature_c: Callable[[], float | None],
        position: Callable[[], Position | None] = lambda: None,
        connectors: OpenConnector = open_connector,
    ) -> None:
        self.clock, self.boot, self.eui, self.directory = clock, boot, eui, directory
        self._configuration = configuration
        self._plans = plans
        self._spool = spool
        self._downlinks = downlinks
        self._accounts = accounts
        self._journal = journal
        self._temperature_c, self._position = temperature_c, position
        self._was_up: dict[str, bool] = {}
        self._outcomes: dict[int, Callable[[Outcome], None]] = {}
        self._lost = UnsentDownlinks()
        self.prober = Prober(
            configuration.end_to_end, directory=directory, clock=clock, boot=boot, journal=journal
        )
        self.roster = Roster(
            self,
            configuration,
            spool=spool,
            accounts=accounts,
            journal=journal,
            open_connector=connectors,
        )

    async def open(self) -> None:
        """Open the spool and start every connector with what waits for it."""
        await self.roster.open()
        await self._reach_back()

    async def reload(self) -> None:
        """Load the spool's file, and let every connector begin anew with what it holds."""
        await self.roster.reload()
        await self._reach_back()

    async def _reach_back(self) -> None:
        oldest_id = self._contractual.oldest_id()
        for record in (await self._spool.read([oldest_id]) or []) if oldest_id is not None else []:
            if record.time_quality != TimeQuality.UNTRUSTED:
                self._accounts.reaches_back(record.received_at_us)

    @property
    def _contractual(self) -> Connector:
        return self.roster.connectors[self._accounts.contractual]

    def balance(self) -> Balance | None:
        """Return where the contractual connector's frames are; None before it begins."""
        name = self._accounts.contractual
        return self.roster.balance(name) if name in self.roster.connectors else None

    async def close(self) -> None:
        """End every connector."""
        await self.roster.close()

    async def reconfigure(self, configuration: Configuration) -> None:
        """Replace the connectors that changed, and only those; before ``open`` they are only noted."""
        if configuration.end_to_end != self._configuration.end_to_end:
            self.prober.reconfigure(configuration.end_to_end)
        self._configuration = configuration
        await self.roster.reconfigure(configuration)
        self._was_up = {name: up for name, up in self._was_up.items() if name in self.roster.connectors}

    def states(self) -> list[ConnectorState]:
        """Return how every connector is, the contractual one first."""
        states = [self._state(connector) for connector in self.roster.connectors.values()]
        return sorted(states, key=lambda state: not state.contractual)

    def _state(self, connector: Connector) -> ConnectorState:
        """Return how a connector is; where ``end_to_end`` decides, its server must process frames."""
        state, why = connector.state(), self.prober.reason()
        if state.contractual and state.up and self.prober.denies and why is not None:
            return replace(state, up=False, reason=why)
        return state

    def _probe(self) -> None:
        """Let the test device speak to the contractual connector, whether the radio runs or not."""
        connector = self.roster.connectors.get(self._accounts.contractual)
        if connector is None:
            return
        record = self.prober.tick(
            up=connector.state().up,
            counter_us=self._downlinks.counter_now(),
            session=max(self._downlinks.session, 0),
        )
        if record is not None:
            connector.probe(record)

    def counters(self) -> dict[str, int]:
        """Return what the connectors and the test device counted, by name."""
        probes = {f"end_to_end.{name}": count for name, count in self.prober.counts.items()}
        return probes | {
            f"{name}.{counter}": count
            for name, connector in self.roster.connectors.items()
            for counter, count in connector.counters().items()
        }

    def frame_received(self, record: Record) -> None:
        """Keep a frame and give it to every connector that wants it; ``forward`` comes after the last."""
        self._downlinks.frame_received(record)
        bits = self._spool.holdings.bits
        self._spool.add(record, sum(1 << bits[name] for name in self.roster.connectors))
        self._accounts.frame_received(self.roster.connectors)
        for name, connector in self.roster.connectors.items():
            if not connector.frame_received(record):
                self.settled(name, [record.id], "filtered")

    def forward(self) -> None:
        """Let every connector send what it was just given."""
        for connector in self.roster.connectors.values():
            connector.forward()

    def damaged(self, record: Record) -> None:
        """Give a frame with a wrong CRC to the connectors that forward such frames; nothing keeps it."""
        for connector in self.roster.connectors.values():
            connector.damaged(record)

    def watch(self) -> None:
        """Report connectors that came up or went down, balances that are off, downlinks that were missed."""
        self._probe()
        for connector in self.roster.connectors.values():
            self._watch(self._state(connector))
        self.roster.check()
        if self._configuration.radio.class_b_beacon:
            verdict = self._downlinks.send_beacons(gateway_info(self.eui))
            if verdict is not None:
                self._accounts.counts[f"beacon.{verdict.code}"] += 1
        for entry in self._downlinks.missed():
            self._accounts.counts["downlink.missed"] += 1
            why = reasons.downlink.missed()
            late = Outcome(sent=False, reason=why, start_us=entry.start_us, code=Code.TOO_LATE)
            self.ended(entry.ticket, late)
        lost = self._lost.due(self.clock.monotonic_us())
        if lost:
            self._journal.note("downlink_lost", lost)

    def _watch(self, state: ConnectorState) -> None:
        if self._was_up.get(state.name, False) == state.up:
            return
        self._was_up[state.name] = state.up
        self._journal.record(
            Change.CONNECTOR,
            state.name,
            "UP" if state.up else "DOWN",
            state.reason,
            since_us=None if state.up else state.last_answer_us,
        )

    async def prove(self) -> None:
        """Report the span of time whose frames are settled, when it is time to."""
        oldest_id = self._contractual.oldest_id()
        now_us = until_us = self.clock.utc_us()
        if oldest_id is not None:
            records = await self._spool.read([oldest_id])
            if not records:
                return
            until_us = reception_of(records[0], self.clock, self.boot).utc_us
        span = self._accounts.span(
            until_us=until_us,
            utc_us=now_us,
            monotonic_us=self.clock.monotonic_us(),
            behind=now_us - until_us > BEHIND_US,
            boot=self.boot,
        )
        if span is not None:
            self._journal.put(span)

    def neighbours_delivered(self, word: NeighbourDeliveries) -> None:
        """Tell every connector what the fleet says that neighbours delivered."""
        for connector in self.roster.connectors.values():
            connector.neighbours_delivered(word)

    def evicted(self, entries: list[SpoolEntry], reason: str) -> None:
        """Take in what the spool had no room for."""
        for name, connector in self.roster.connectors.items():
            bit = 1 << self._spool.holdings.bits[name]
            waited = [(record_id, address) for _, record_id, address, mask in entries if mask & bit]
            if waited:
                connector.evicted(waited)
                self._accounts.settled(name, len(waited), reason)

    def ended(self, ticket: int, outcome: Outcome) -> None:
        """Take in what became of a downlink that was taken."""
        if not outcome.sent:
            self._downlinks.unsent(ticket)
        if outcome.code is Code.LBT and not outcome.sent:
            self._accounts.counts[f"downlink.{Code.LBT}"] += 1
        asked = self._outcomes.pop(ticket, None)
        if asked is not None:
            asked(outcome)

    # What connectors ask for.

    def settled(self, connector: str, ids: Iterable[int], reason: str | None) -> None:
        """Take in that a connector is done with frames: delivered (None) or dropped for a reason."""
        done = list(ids)
        self._spool.settle(done, 1 << self._spool.holdings.bits[connector])
        self._accounts.settled(connector, len(done), reason)

    async def read(self, ids: Sequence[int]) -> list[Record] | None:
        """Return stored records; None when the disk could not be asked."""
        return await self._spool.read(ids)

    def submit(self, downlink: Downlink, outcome: Callable[[Outcome], None] | None = None) -> DownlinkVerdict:
        """Judge a downlink, at once; one for the test device ends here."""
        if self.prober.takes(downlink.payload):
            if outcome is not None:
                taken = Outcome(sent=True, reason=reasons.downlink.sent(), start_us=0, code=Code.OK)
                asyncio.get_running_loop().call_soon(outcome, taken)
            return DownlinkVerdict(code=Code.OK)
        verdict = self._downlinks.submit(downlink)
        self._accounts.counts[f"downlink.{verdict.code}"] += 1
        if verdict.taken and outcome is not None:
            self._outcomes[verdict.ticket] = outcome
        for ticket in verdict.displaced:
            self._accounts.counts["downlink.displaced"] += 1
            why = reasons.downlink.displaced()
            self.ended(ticket, Outcome(sent=False, reason=why, start_us=0, code=Code.COLLISION_PACKET))
        return verdict

    def downlink_lost(self, connector: str, code: Code) -> None:
        """Take in that a downlink which was taken did not leave, after every try."""
        self._accounts.counts["downlink.lost"] += 1
        self._lost.unsent(f"{connector}.{code}")

    def session(self) -> int:
        """Return the number of the radio's present start."""
        return self._downlinks.session

    def monotonic_of(self, counter_us: int) -> int | None:
        """Return the monotonic instant of a counter of the radio's present start."""
        return self._downlinks.monotonic_of(counter_us)

    def stale(self, records: Iterable[Record]) -> None:
        """Take in that these frames go out late."""
        self._downlinks.stale(records)

    def link_changed(self, connector: str) -> None:
        """Take in that a server began or ceased to answer."""
        if connector in self.roster.connectors:
            self._watch(self._state(self.roster.connectors[connector]))

    def radio_plan(self, connector: str, plan: RadioPlan) -> bool:
        """Report what differs from our channels, once a change; obey the plan's owner."""
        report = self._plans.plan_received(connector, plan, self.clock.monotonic_us())
        if report is not None:
            self.record(connector, report.value, report.reason)
        return self._plans.runs(plan)

    def record(self, connector: str, value: str, reason: Reason) -> None:
        """Put a change of a connector's configuration into the journal."""
        self._journal.record(Change.CONFIGURATION, connector, value, reason)

    def tally(self) -> Tally:
        """Return the radio's counters."""
        counts = self._accounts.counts
        return Tally(
            received=counts["received"] + counts["crc_failed"] + counts["crc_absent"],
            received_ok=counts["received"],
            transmitted=counts["transmitted"],
            temperature_c=self._temperature_c(),
            position=self._position(),
            loads=self._downlinks.loads(),
        )
