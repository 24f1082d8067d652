"""The test device at work: its frames to the contractual connector, and the acknowledgements from there.

Frame counters are reserved on disk in blocks, so that a power cut repeats none: the server would refuse it.
"""

from collections import Counter
from pathlib import Path

import msgspec

from agent.clock import Clock
from agent.connectors.end_to_end.device import (
    Probing,
    Proof,
    TestDevice,
    acknowledged,
    acknowledgement,
    addressed,
    confirmed_uplink,
    tick,
)
from agent.durable import write_if_possible
from agent.journal_port import JournalPort
from agent.record import Record, record_of
from agent.wire import reasons
from agent.wire.configuration import EndToEndConfig
from agent.wire.messages import END_TO_END, Change
from agent.wire.reasons import Reason
from hal.packets import Crc, Lora, ReceivedFrame
from hal.units import Dbm, Hz, Micros

FILE_NAME = "end-to-end.json"
RESERVED_FRAMES = 64
"""Counters reserved at a time: a write every five hours at one frame in five minutes."""
FREQUENCY_HZ = 868_100_000
"""The first channel that every EU868 network has (RP002-1.0.4 §2.4.2)."""
NOTE_INTERVAL_US = 3_600_000_000


class _Kept(msgspec.Struct, frozen=True, kw_only=True):
    dev_addr: str
    next_up: int


class Prober:
    """One gateway's test device; without an address in the configuration there is none."""

    def __init__(
        self, config: EndToEndConfig, *, directory: Path, clock: Clock, boot: int, journal: JournalPort
    ) -> None:
        self._path = directory / FILE_NAME
        self._clock, self._boot, self._journal = clock, boot, journal
        self.counts: Counter[str] = Counter()
        self._noted_us = clock.monotonic_us()
        self._noted: Counter[str] = Counter()
        self.probing = Probing()
        self.reconfigure(config)

    def reconfigure(self, config: EndToEndConfig) -> None:
        """Take in another device or pace; what was proved of another is forgotten."""
        if self.probing.proof is not Proof.UNKNOWN:
            self._journal.record(Change.CONNECTOR, END_TO_END, Proof.UNKNOWN)
        self.config = config
        self.probing = Probing(due_us=self._clock.monotonic_us())
        self._reserved = 0
        self._device: TestDevice | None = None
        if config.dev_addr:
            key = bytes.fromhex(config.network_key)
            self._device = TestDevice(address=int(config.dev_addr, 16), network_key=key, next_up=self._kept())

    def _kept(self) -> int:
        try:
            kept = msgspec.json.decode(self._path.read_bytes(), type=_Kept)
        except (OSError, msgspec.DecodeError, msgspec.ValidationError):
            return 0
        return kept.next_up if kept.dev_addr == self.config.dev_addr else 0

    def tick(self, *, up: bool, counter_us: int, session: int) -> Record | None:
        """Return the frame that is to leave now; ``counter_us`` is the radio's, of its start ``session``."""
        if self._device is None:
            return None
        now_us, before = self._clock.monotonic_us(), self.probing
        self.probing, due = tick(before, now_us, period_us=self.config.period_s * 1_000_000, up=up)
        self.counts["missed"] += self.probing.missed > before.missed
        self._tell(before.proof, now_us)
        if not due or not self._reserve(self._device):
            return None
        self._device, payload = confirmed_uplink(self._device)
        self.counts["sent"] += 1
        return self._record(payload, now_us, counter_us, session)

    def takes(self, payload: bytes) -> bool:
        """Whether a downlink is for the test device: it is taken here, and never put on air."""
        frame = None if self._device is None else addressed(self._device, payload)
        if self._device is None or frame is None:
            return False
        after = acknowledgement(self._device, frame)
        if after is None:
            self.counts["not_an_answer"] += 1
            return True
        now_us, before = self._clock.monotonic_us(), self.probing
        self._device, self.probing = after, acknowledged(before, now_us)
        self.counts["answered"] += 1
        self._tell(before.proof, now_us)
        return True

    def reason(self) -> Reason | None:
        """Return what was proved last; None without a test device, or before the first proof."""
        probing = self.probing
        if probing.proof is Proof.UNANSWERED:
            return reasons.lns.not_processed(missed_frames=probing.missed, period_s=self.config.period_s)
        if probing.proof is Proof.PROCESSED and probing.latency_us is not None:
            return reasons.lns.processed(latency_ms=probing.latency_us // 1000)
        return None

    @property
    def denies(self) -> bool:
        """Whether the server counts as down because it does not process frames."""
        return self.config.decides and self.probing.proof is Proof.UNANSWERED

    def _reserve(self, device: TestDevice) -> bool:
        """Whether the next counter is reserved on disk; without it no frame leaves."""
        if device.next_up < self._reserved:
            return True
        reserved = device.next_up + RESERVED_FRAMES
        kept = _Kept(dev_addr=self.config.dev_addr, next_up=reserved)
        if not write_if_possible(self._path, msgspec.json.encode(kept)):
            self.counts["not_reserved"] += 1
            return False
        self._reserved = reserved
        return True

    def _record(self, payload: bytes, now_us: int, counter_us: int, session: int) -> Record:
        frame = ReceivedFrame(
            payload=payload,
            modulation=Lora(sf=7),
            frequency_hz=Hz(FREQUENCY_HZ),
            counter_us=Micros(counter_us),
            rf_chain=0,
            if_channel=0,
            crc=Crc.OK,
            rssi_channel_dbm=Dbm(-60),
            rssi_signal_dbm=Dbm(-60),
            snr_db=10.0,
        )
        return record_of(
            frame,
            record_id=0,
            received_at_us=self._clock.utc_us(),
            time_quality=self._clock.quality(),
            boot=self._boot,
            monotonic_us=now_us,
            session=session,
        )

    def _tell(self, before: Proof, now_us: int) -> None:
        """Put each change of the proof into the journal, and what the test device did, once an hour too.

        What is not processed is dated back to the last acknowledgement, as silence is to the last proof.
        """
        changed = self.probing.proof is not before
        if changed:
            since_us = self.probing.answered_us if self.probing.proof is Proof.UNANSWERED else None
            self._journal.record(
                Change.CONNECTOR, END_TO_END, self.probing.proof, self.reason(), since_us=since_us
            )
        if not changed and now_us - self._noted_us < NOTE_INTERVAL_US:
            return
        fresh = self.counts - self._noted
        self._noted, self._noted_us = Counter(self.counts), now_us
        fields: dict[str, str | int | float] = {"proof": str(self.probing.proof), **fresh}
        if self.probing.latency_us is not None:
            fields["latency_ms"] = self.probing.latency_us // 1000
        self._journal.note("end_to_end", fields)
