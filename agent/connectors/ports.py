"""What a connector needs of the data path, and what the data path needs of a connector."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from agent.clock import Clock
from agent.connectors.radio_plan import RadioPlan
from agent.downlink.model import BandLoad, Code, Downlink, DownlinkVerdict
from agent.observation import ConnectorState, Position
from agent.record import Record
from agent.wire.neighbours import NeighbourDeliveries
from agent.wire.reasons import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What the radio counted since its start."""

    received: int
    received_ok: int
    transmitted: int
    temperature_c: float | None
    position: Position | None = None
    """None without a GNSS fix."""
    loads: tuple[BandLoad, ...] = ()
    """Duty cycles of the sub-bands that may be sent in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a downlink that was taken."""

    sent: bool
    reason: Reason
    start_us: int
    """On the 64-bit timeline."""
    code: Code = Code.INTERNAL
    """The cause of one that was not sent: LBT, TOO_LATE (missed), COLLISION_PACKET (displaced)."""


class Host(Protocol):
    """The data path, as one connector sees it.  All calls are made in the event loop's thread."""

    clock: Clock
    boot: int
    eui: str
    directory: Path
    """This gateway keeps its state in this folder."""

    def settled(self, connector: str, ids: Iterable[int], reason: str | None) -> None:
        """Take in that a connector is done with frames: delivered (None) or dropped for a reason."""
        ...

    async def read(self, ids: Sequence[int]) -> list[Record] | None:
        """Return stored records; None when the disk could not be asked."""
        ...

    def submit(self, downlink: Downlink, outcome: Callable[[Outcome], None] | None = None) -> DownlinkVerdict:
        """Judge a downlink, at once; ``outcome`` is called once for a taken one, when the radio is done."""
        ...

    def downlink_lost(self, connector: str, code: Code) -> None:
        """Take in that a downlink which was taken did not leave, after every try."""
        ...

    def session(self) -> int:
        """Return the number of the radio's present start."""
        ...

    def monotonic_of(self, counter_us: int) -> int | None:
        """Return the monotonic instant of a counter of the radio's present start; None while it is off."""
        ...

    def stale(self, records: Iterable[Record]) -> None:
        """Take in that these frames go out late: no downlink may be timed by them."""
        ...

    def link_changed(self, connector: str) -> None:
        """Take in that a server began or ceased to answer."""
        ...

    def radio_plan(self, connector: str, plan: RadioPlan) -> bool:
        """Take in the channels that a server asks for; return whether they are those that run."""
        ...

    def record(self, connector: str, value: str, reason: Reason) -> None:
        """Put a change of a connector into the journal."""
        ...

    def tally(self) -> Tally:
        """Return the radio's counters."""
        ...


class Connector(Protocol):
    """One LNS."""

    name: str

    def restore(self, entries: Iterable[tuple[int, int, int]]) -> None:
        """Take in (id, address, kind) that an earlier run left in the spool."""
        ...

    def resume(self, record: Record) -> None:
        """Take in a frame of this boot that the connector before this one had."""
        ...

    def close(self) -> None:
        """Settle nothing from here on: another connector takes what waits."""
        ...

    def frame_received(self, record: Record) -> bool:
        """Take in a frame; False when a filter keeps it from this server."""
        ...

    def forward(self) -> None:
        """Send the frames of one fetch, which share a datagram where the protocol has any."""
        ...

    def damaged(self, record: Record) -> None:
        """Take in a frame whose CRC is wrong: forwarded once where that is wanted, never stored."""
        ...

    def probe(self, record: Record) -> None:
        """Send a frame of the test device, once: it is neither stored nor counted as delivered."""
        ...

    def neighbours_delivered(self, word: NeighbourDeliveries) -> None:
        """Take in what the server has through neighbours."""
        ...

    def evicted(self, entries: Iterable[tuple[int, int]]) -> None:
        """Take in that the spool had no room for (id, address)."""
        ...

    def slow_backlog(self, slow: bool) -> None:
        """Let stored frames leave at one a second, or as configured again."""
        ...

    def tell_every(self, stat_s: int) -> None:
        """Take in how often statistics go to the server, where its protocol has any."""
        ...

    def state(self) -> ConnectorState: ...

    def counters(self) -> dict[str, int]: ...

    def oldest_id(self) -> int | None: ...

    async def run(self) -> None:
        """Serve until cancelled."""
        ...
