"""What silicon would not forgive, as named complaints that tests can read.

A complaint never changes what the virtual chip answers beyond what silicon does; it says that a program
which works here by luck would not work on a mast.

Sources: FACTS §13 ("useful checks in a simulator"), §6, §10.
"""

import logging
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

COMPLAINTS_KEPT = 1000
"""Older complaints are forgotten; the counts are not."""

log = logging.getLogger("hal.twin")


class Fault(StrEnum):
    """The name of a complaint."""

    RAM_WITHOUT_HOST_PROG = "ram_without_host_prog"
    RAM_ON_WRONG_PAGE = "ram_on_wrong_page"
    RAM_OVERRUN = "ram_overrun"
    RAM_READ_WITHOUT_HOST_PROG = "ram_read_without_host_prog"
    TX_BUFFER_WITHOUT_WRITE_BUFFER = "tx_buffer_without_write_buffer"
    RADIO_NOT_POWERED = "radio_not_powered"
    RADIO_OWNED_BY_MCU = "radio_owned_by_mcu"
    RADIO_COMMAND_UNKNOWN = "radio_command_unknown"
    RADIO_COMMAND_IN_WRONG_MODE = "radio_command_in_wrong_mode"
    TRIGGER_LATE = "trigger_late"
    TRIGGER_WHILE_BUSY = "trigger_while_busy"
    TRIGGER_BEFORE_START = "trigger_before_start"
    TRIGGER_WITHOUT_PPS = "trigger_without_pps"
    TRIGGER_WITHOUT_LBT = "trigger_without_lbt"
    TX_OUT_OF_RANGE = "tx_out_of_range"
    WRITE_TO_READ_ONLY = "write_to_read_only"
    WRITE_TO_NOTHING = "write_to_nothing"
    MCU_WITHOUT_PROGRAM = "mcu_without_program"
    MCU_UNKNOWN_PROGRAM = "mcu_unknown_program"
    MCU_PARITY = "mcu_parity"
    MCU_STARTED_WHILE_PROGRAMMED = "mcu_started_while_programmed"
    HANDSHAKE_OUT_OF_ORDER = "handshake_out_of_order"
    FIFO_READ_EMPTY = "fifo_read_empty"
    MUX_UNKNOWN = "mux_unknown"
    SHORT_TRANSACTION = "short_transaction"
    SX1261_COMMAND_UNKNOWN = "sx1261_command_unknown"
    SX1261_PATCH_INCOMPLETE = "sx1261_patch_incomplete"
    SX1261_SCAN_UNPATCHED = "sx1261_scan_unpatched"


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """One thing that silicon would not forgive, with the counter at which it happened."""

    fault: Fault
    detail: str
    at_ticks: int


class ComplaintBook:
    """Complaints in order, bounded, with counts that are not."""

    def __init__(self, ticks: Callable[[], int], *, name: str = "") -> None:
        self._ticks = ticks
        self._name = name
        self._kept: deque[Complaint] = deque(maxlen=COMPLAINTS_KEPT)
        self.counts: Counter[Fault] = Counter()

    def add(self, fault: Fault, detail: str) -> None:
        """Note a complaint and log it; the same one is logged at its 1st, 10th, 100th… time."""
        self.counts[fault] += 1
        times = self.counts[fault]
        self._kept.append(Complaint(fault=fault, detail=detail, at_ticks=self._ticks()))
        if str(times).strip("0") == "1":
            log.warning("%s %s: %s (seen %d)", self._name, fault, detail, times)

    def __iter__(self) -> Iterator[Complaint]:
        return iter(list(self._kept))

    def __len__(self) -> int:
        return len(self._kept)

    def __bool__(self) -> bool:
        return True

    def clear(self) -> None:
        """Forget complaints and counts."""
        self._kept.clear()
        self.counts.clear()
