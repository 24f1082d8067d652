"""What every connector is, whatever its protocol: a name, a filter, an outlet, counters and a state."""

import asyncio
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from agent.connectors.attempts import Attempts, Done
from agent.connectors.filters import filter_of
from agent.connectors.outlet import Outlet
from agent.connectors.ports import Host, Outcome
from agent.connectors.rules import DeliveryRules
from agent.downlink.model import Code, Downlink, DownlinkVerdict
from agent.libraries import structlog
from agent.observation import ConnectorState
from agent.record import Record
from agent.wire import reasons
from agent.wire.configuration import ConnectorConfig
from agent.wire.neighbours import NeighbourDeliveries

SERVER_PRIORITIES = 256
"""Priorities that a server may tell apart among its own downlinks."""
SAY_EVERY_US = 10_000_000
WHY_CHARACTERS = 200
SHORTEST_S = 0.0005
"""No timer is shorter: a rule that is due twice a millisecond would spin."""

_log = structlog.get_logger("agent")


class BaseConnector(ABC):
    """See ``agent.connectors.ports.Connector``; a protocol adds ``_serve_always`` and ``_pump``."""

    def __init__(self, config: ConnectorConfig, host: Host) -> None:
        self.name = config.name
        self._config = config
        self._host = host
        rules = DeliveryRules(
            replay=config.replay,
            spare_delivered=config.spare_delivered,
            neighbours_wait_us=config.neighbours_wait_s * 1_000_000,
            drain_frames_per_s=config.drain_frames_per_s,
        )
        self._outlet = Outlet(config.name, rules, host, self._soon)
        self._filter = filter_of(config.filters)
        self._reason = reasons.lns.not_connected_yet()
        self._serving = False
        self._say_after_us = 0
        self._pumping = self._fresh = False
        self._timer: asyncio.TimerHandle | None = None
        self._broken: asyncio.Future[None] | None = None
        self.counts: Counter[str] = Counter()

    def slow_backlog(self, slow: bool) -> None:
        """Let stored frames leave at one a second, or as configured again."""
        self._outlet.delivery.backlog.slow = slow
        self._soon()

    async def run(self) -> None:
        """Serve until cancelled; raises what broke the pump, which is our own mistake."""
        loop = asyncio.get_running_loop()
        self._serving, self._broken = True, loop.create_future()
        serving = loop.create_task(self._serve_always())
        try:
            await asyncio.wait({serving, self._broken}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._serving = False
            self._wake_in(None)
            serving.cancel()
            ended = await asyncio.gather(serving, return_exceptions=True)
        if self._broken.done():
            self._broken.result()
        for error in ended:
            if isinstance(error, Exception):
                raise error

    def _soon(self) -> None:
        """Pump once after all that happens at this instant."""
        if not self._pumping:
            self._pumping = True
            asyncio.get_running_loop().call_soon(self._pump_once)

    def _pump_once(self) -> None:
        self._pumping = False
        try:
            self._pump()
        except Exception as error:  # noqa: BLE001  # handed to ``run``, which the supervisor restarts
            if self._broken is not None and not self._broken.done():
                self._broken.set_exception(error)

    def _wake_in(self, delay_s: float | None) -> None:
        """Pump again after a while, instead of whenever it was due; None: not at all."""
        if self._timer is not None:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        awake = delay_s is not None and self._serving
        self._timer = loop.call_later(max(delay_s or 0, SHORTEST_S), self._pump_once) if awake else None

    @abstractmethod
    async def _serve_always(self) -> None:
        """Connect and serve, again and again."""

    @abstractmethod
    def _pump(self) -> None:
        """Send what is due and sleep until the next thing is."""

    @abstractmethod
    def _is_up(self, now_us: int) -> bool:
        """Whether LNS_UP holds."""

    @abstractmethod
    def _last_answer_us(self) -> int | None:
        """Return the monotonic instant of the last positive answer."""

    def _submit(
        self, downlink: Downlink, outcome: Callable[[Outcome], None] | None = None
    ) -> DownlinkVerdict:
        """Have a downlink judged, with this connector's priority before the server's own."""
        ranked = replace(downlink, priority=self._config.priority * SERVER_PRIORITIES + downlink.priority)
        return self._host.submit(ranked, outcome)

    def _attempt(
        self, downlinks: Sequence[Downlink], done: Done, *, wait_limit_us: int | None = None
    ) -> DownlinkVerdict | None:
        """Work through the alternatives of one downlink; return the verdict on the last one tried at once."""

        def lost(code: Code) -> None:
            self.counts["downlink_lost"] += 1
            self._host.downlink_lost(self.name, code)

        attempts = Attempts(downlinks, self._submit, done, lost=lost, wait_limit_us=wait_limit_us)
        return attempts.start()

    def _refused(self, counter: str, error: Exception) -> None:
        """Count what a server sent wrongly, and say what was wrong, one line in ten seconds at most."""
        self.counts[counter] += 1
        now_us = self._host.clock.monotonic_us()
        if now_us >= self._say_after_us:
            self._say_after_us = now_us + SAY_EVERY_US
            _log.warning("refused", connector=self.name, what=counter, why=str(error)[:WHY_CHARACTERS])

    def restore(self, entries: Iterable[tuple[int, int, int]]) -> None:
        """Take in what an earlier run left in the spool."""
        self._outlet.restore(entries)

    def resume(self, record: Record) -> None:
        """Take in a frame that the connector before this one had."""
        self._outlet.resume(record)

    def close(self) -> None:
        """Settle nothing from here on: another connector takes what waits."""
        self._outlet.close()

    def frame_received(self, record: Record) -> bool:
        """Take in a frame; False when the filter keeps it away."""
        if not self._filter.passes(record):
            return False
        self._outlet.frame_received(record)
        self._fresh = True
        return True

    def forward(self) -> None:
        """Send the frames that were just taken in: at once, for another turn of the event loop costs."""
        if self._fresh:
            self._fresh = False
            self._pump_once()

    def damaged(self, record: Record) -> None:
        """Forward a frame with a wrong CRC, once, where that is wanted and the server answers."""
        if not self._config.forward_bad_crc:
            return
        if not self._filter.passes(record):
            self.counts["bad_crc_filtered"] += 1
        elif not self._outlet.delivery.reachable:
            self.counts["bad_crc_dropped"] += 1
        else:
            self.counts["bad_crc_forwarded"] += 1
            self._send_once(record, damaged=True)

    def probe(self, record: Record) -> None:
        """Send a frame of the test device, once: it is neither stored nor counted as delivered."""
        self.counts["probes"] += 1
        self._send_once(record, damaged=False)

    @abstractmethod
    def _send_once(self, record: Record, *, damaged: bool) -> None:
        """Send a frame that nothing keeps, marked where it is damaged."""

    def neighbours_delivered(self, word: NeighbourDeliveries) -> None:
        """Take in what the server has through neighbours."""
        self._outlet.neighbours_delivered(word)

    def evicted(self, entries: Iterable[tuple[int, int]]) -> None:
        """Take in what the spool had no room for."""
        self._outlet.evicted(entries)

    def tell_every(self, stat_s: int) -> None:
        """Take in how often statistics go to the server, where its protocol has any."""
        self._stat_us = stat_s * 1_000_000

    def state(self) -> ConnectorState:
        """Return how this connector is."""
        up = self._is_up(self._host.clock.monotonic_us())
        return ConnectorState(
            name=self.name,
            contractual=self._config.contractual,
            up=up,
            reason=reasons.lns.answers() if up else self._reason,
            last_answer_us=self._last_answer_us(),
            queued=self._outlet.delivery.queued,
            kind=self._config.kind,
        )

    def counters(self) -> dict[str, int]:
        """Return everything counted."""
        return dict(self.counts + self._outlet.delivery.counts)

    def oldest_id(self) -> int | None:
        """Return the oldest frame that is not acknowledged."""
        return self._outlet.delivery.oldest_id()
