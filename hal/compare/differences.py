"""Where two sides differ, field by field, and which differences are known, each with its reason."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from hal.compare.run import Observed
from hal.compare.scenario import Scenario, Sending
from hal.packets import Fsk

NEAR = {"rssic": 0.011, "rssis": 0.011, "snr": 0.011}
"""The reference computes in single precision and both print hundredths."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One field that is not the same."""

    where: str
    ours: object
    reference: object
    reason: str = ""
    """Why it may differ; empty: nobody knows."""

    def __str__(self) -> str:
        known = f" ({self.reason})" if self.reason else ""
        return f"{self.where}: {self.ours}, reference: {self.reference}{known}"


def differences(ours: Observed, reference: Observed, scenario: Scenario) -> list[Difference]:
    """Return every difference, known ones with their reason."""
    sent = [each.transmission for each in scenario.phases if isinstance(each, Sending)]
    chains = frozenset(each.rf_chain for each in sent if isinstance(each.modulation, Fsk))
    found = _compare("", asdict(ours), asdict(reference))
    return [replace(each, reason=_reason(each, reference, chains)) for each in found]


def _compare(where: str, mine: Any, theirs: Any) -> Iterator[Difference]:
    if isinstance(mine, Mapping) and isinstance(theirs, Mapping):
        for key in [*mine, *(key for key in theirs if key not in mine)]:
            yield from _compare(f"{where}.{key}".lstrip("."), mine.get(key), theirs.get(key))
    elif _rows(mine) and _rows(theirs):
        for index in range(max(len(mine), len(theirs))):
            row, other = (each[index] if index < len(each) else None for each in (mine, theirs))
            yield from _compare(f"{where}[{index}]", row, other)
    elif not _same(where, mine, theirs):
        yield Difference(where=where, ours=mine, reference=theirs)


def _rows(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _same(where: str, mine: Any, theirs: Any) -> bool:
    tolerance = NEAR.get(where.rpartition(".")[2])
    if tolerance is None or mine is None or theirs is None:
        return bool(mine == theirs)
    return abs(float(mine) - float(theirs)) <= tolerance


FSK_START = (
    "FSK start delay: stock 2.1.0 brings FSK forward by 0 and leaves TX_START_DELAY as it was; "
    "see hal/sx1302/tx/start_delay.py"
)
OTP_INDEX = "index into the OTP, which ours reads at the start for the EUI"
OTP_INDEX_AT = "6180"
TIMER_AND_DELAY = [frozenset(f"{base + at:04x}" for at in range(1, 7)) for base in (0x5200, 0x5400)]
"""The timer and TX_START_DELAY, of each RF chain."""


def _reason(found: Difference, reference: Observed, fsk_chains: frozenset[int]) -> str:
    """Return why a difference may be, where it is one of the short list."""
    group, _, last = found.where.partition(".")
    if last == OTP_INDEX_AT:
        return OTP_INDEX
    if group == "left" and any(last in TIMER_AND_DELAY[chain] for chain in fsk_chains):
        return FSK_START
    if group.startswith("emissions[") and last == "started_at_ticks":
        place = int(group[len("emissions[") : -1])
        sent = reference.emissions[place : place + 1]
        return FSK_START if sent and str(sent[0]["modulation"]).startswith("FSK") else ""
    return ""
