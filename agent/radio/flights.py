"""Transmissions that the chip was given: each is looked at once while it should be on air, then reported.

what the chip says               ->  reported as
emitting, or free again              sent
blocked by listen before talk        not sent, the channel was occupied
scheduled until after its end        not sent, and taken back from the chip
anything else                        not sent
"""

from collections.abc import Callable
from dataclasses import dataclass

from agent.downlink.jit import Entry
from agent.wire import reasons
from agent.wire.reasons import Reason
from hal.packets import TxState
from hal.ports import Concentrator

TX_CHECK_DELAY_US = 5_000
"""The emission is looked at this long after its start, or half-way through a shorter one."""
TX_END_GRACE_US = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What became of a programmed transmission."""

    entry: Entry
    ok: bool
    reason: Reason
    blocked: bool = False
    """Listen before talk found the channel occupied."""


class Flights:
    """Follows them; ``report`` is called in the radio thread."""

    def __init__(self, concentrator: Concentrator, report: Callable[[Sent], None]) -> None:
        self._concentrator = concentrator
        self._report = report
        self._entries: list[Entry] = []

    def add(self, entry: Entry) -> None:
        """Take in what the chip was given."""
        self._entries.append(entry)

    @property
    def under_way(self) -> bool:
        """Whether the chip was given something that is not reported yet."""
        return bool(self._entries)

    def follow(self, counter_us: int) -> None:
        """Look at what is due at this counter."""
        self._entries = [entry for entry in self._entries if not self._ended(entry, counter_us)]

    def next_at_us(self) -> list[int]:
        """Return the counters at which there is something to look at."""
        return [_check_at_us(entry) for entry in self._entries]

    def lose(self, reason: Reason) -> None:
        """Report all as not sent: the radio failed."""
        entries, self._entries = self._entries, []
        for entry in entries:
            self._report(Sent(entry=entry, ok=False, reason=reason))

    def _ended(self, entry: Entry, counter_us: int) -> bool:
        if counter_us < _check_at_us(entry):
            return False
        chain = entry.transmission.rf_chain
        state = self._concentrator.tx_state(chain)
        if state is TxState.SCHEDULED:
            if counter_us < entry.end_us + TX_END_GRACE_US:
                return False
            self._concentrator.abort(chain)
        self._report(_outcome(entry, state))
        return True


def _outcome(entry: Entry, state: TxState) -> Sent:
    if state in {TxState.EMITTING, TxState.FREE}:
        return Sent(entry=entry, ok=True, reason=reasons.downlink.sent())
    if state is TxState.BLOCKED:
        return Sent(entry=entry, ok=False, reason=reasons.downlink.channel_occupied(), blocked=True)
    return Sent(entry=entry, ok=False, reason=reasons.downlink.not_on_air(tx_state=state.value))


def _check_at_us(entry: Entry) -> int:
    return entry.start_us + min(TX_CHECK_DELAY_US, entry.airtime_us // 2)
