"""Air time per sub-band in any hour: the ledger of EN 300 220's duty cycle, pure.

Source: ETSI EN 300 220-1 V3.1.1 §5.4: the ratio is observed over any period of one hour.  An entry counts in
full until an hour after its end, and what is queued counts from the moment it is accepted, so that no window
of an hour ever holds more than its limit.
"""

import heapq
from dataclasses import dataclass, field

from agent.downlink.plan import HOUR_US, Band
from agent.timing.choice import OWN_TIME
from agent.wire.messages import TimeQuality

ENTRIES_LIMIT = 20_000
"""A band keeps so many; beyond it the oldest is merged into the newest: the ledger only gets stricter."""


@dataclass(slots=True)
class _Account:
    entries: list[tuple[int, int, int]] = field(default_factory=list)
    """Heap of (end on the monotonic clock, air time, ticket)."""
    total_us: int = 0


class Ledger:
    """What was sent and what will be, by the name of the band."""

    def __init__(self) -> None:
        self._accounts: dict[str, _Account] = {}

    def used_us(self, band: str, now_us: int) -> int:
        """Return the air time of the hour before ``now_us``, queued air time included."""
        account = self._accounts.setdefault(band, _Account())
        while account.entries and account.entries[0][0] <= now_us - HOUR_US:
            account.total_us -= heapq.heappop(account.entries)[1]
        return account.total_us

    def room_us(self, band: Band, now_us: int) -> int:
        """Return the air time that is left in this hour."""
        return band.airtime_limit_us - self.used_us(band.name, now_us)

    def charge(self, band: str, *, end_us: int, airtime_us: int, ticket: int) -> None:
        """Enter a transmission."""
        account = self._accounts.setdefault(band, _Account())
        account.total_us += airtime_us
        if len(account.entries) >= ENTRIES_LIMIT:
            _, merged_us, _ = heapq.heappop(account.entries)
            airtime_us += merged_us
        heapq.heappush(account.entries, (end_us, airtime_us, ticket))

    def release(self, ticket: int) -> None:
        """Take back a transmission that did not leave."""
        for account in self._accounts.values():
            gone = [entry for entry in account.entries if entry[2] == ticket]
            if gone:
                account.entries = [entry for entry in account.entries if entry[2] != ticket]
                heapq.heapify(account.entries)
                account.total_us -= sum(airtime_us for _, airtime_us, _ in gone)


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """One transmission as it was written to disk."""

    band: str
    airtime_us: int
    kernel_boot: str
    """Which start of the machine ``monotonic_us`` belongs to."""
    monotonic_us: int
    """End of the transmission."""
    utc_us: int
    quality: TimeQuality


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """What the clocks say where the past is judged."""

    kernel_boot: str
    monotonic_us: int
    utc_us: int
    quality: TimeQuality


def end_of(past: Past, present: Present) -> int | None:
    """Return when an earlier run's transmission ended, on this run's monotonic clock; None after an hour.

    Without our own trusted time on both sides it counts as just sent; time that runs backwards as well.
    The word of an LNS is not our own: a server that is years ahead would clear the hour.
    """
    if past.kernel_boot == present.kernel_boot and past.monotonic_us <= present.monotonic_us:
        age_us = present.monotonic_us - past.monotonic_us
    elif not {past.quality, present.quality} <= OWN_TIME:
        age_us = 0
    else:
        age_us = max(present.utc_us - past.utc_us, 0)
    return None if age_us >= HOUR_US else present.monotonic_us - age_us


def dated(past: Past, present: Present) -> bool:
    """Whether the age of a transmission is known; when not, it is judged again once time is trusted."""
    same_boot = past.kernel_boot == present.kernel_boot and past.monotonic_us <= present.monotonic_us
    return same_boot or {past.quality, present.quality} <= OWN_TIME
