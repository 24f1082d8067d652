"""Play recorded frames through the virtual chips, each once, and end with a balance of what arrives.

    sent = heard + not heard, by the chip's reason (half duplex, no channel, …)
    heard = delivered + lost; a gateway that delivers nothing for ``STUCK_LIMIT_S`` is waited for no longer

At ``speed`` None the gaps of the file are not waited for: every gateway gets ``BURST_FRAMES`` at once, and
the next burst when all of the last have arrived.  Bursts, not a sliding window: the frames are those of one
device, and an agent that once was late (3 s, on a busy machine) sends a device's frames half a second
apart until none is left behind; a window that is kept full would keep it there.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from demo.frames import RecordedFrame, RefusedLine, read_frames
from demo.lns.core import Lns
from demo.network import receiver_map
from demo.options import Options
from demo.report import GatewayCounts, Report
from demo.rig import Rig
from fleet.lang.format import duration
from fleet.lang.i18n import t
from hal.packets import Lora
from hal.twin.rf_event import ReceptionVerdict, RfEvent

BURST_FRAMES = 16
"""Frames that a gateway may have under way at once."""
FIFO_MARGIN_BYTES = 300
"""The largest packet in the FIFO: 255 + 23 bytes of payload and metadata."""
STUCK_LIMIT_S = 30.0
"""Without any delivery of a gateway its burst is left behind: what is missing is lost, the rest goes on."""
SETTLE_LIMIT_S = 60.0
"""A replay whose last frames do not arrive ends so long after the last arrival."""
TURN_S = 0.005
TOLD_S = 5.0
REFUSED_SHOWN = 20


@dataclass(slots=True)
class Replay:
    """One file on its way."""

    rigs: list[Rig]
    lns: Lns
    options: Options
    say: Callable[[str], None]
    sent: dict[str, list[bytes]] = field(default_factory=dict)
    refused: list[RefusedLine] = field(default_factory=list)
    unheard: dict[str, Counter[ReceptionVerdict]] = field(default_factory=dict)
    """What the chips did not hear, by EUI and reason."""
    left: Counter[str] = field(default_factory=Counter)
    """Heard frames that are waited for no longer, by EUI."""
    lines: int = 0
    stuck_limit_s: float = STUCK_LIMIT_S
    settle_limit_s: float = SETTLE_LIMIT_S
    _began_s: float = 0.0

    async def play(self) -> None:
        """Send every frame, then wait until all have arrived or nothing arrives any more."""
        assert self.options.frames is not None
        self._began_s = time.monotonic()
        queues = self._assign()
        self.sent = {rig.eui: [] for rig in self.rigs}
        self.unheard = {rig.eui: Counter() for rig in self.rigs}
        first_ms = min((frame.at_ms for frames in queues.values() for frame in frames), default=0)
        telling = asyncio.ensure_future(self._tell(sum(map(len, queues.values()))))
        await asyncio.gather(*(self._feed(rig, queues[rig.eui], first_ms) for rig in self.rigs))
        await self._settle()
        telling.cancel()

    async def _tell(self, total: int) -> None:
        """Say every ``TOLD_S`` how far the replay is, how fast, and how long it will take."""
        while True:
            await asyncio.sleep(TOLD_S)
            done = sum(self.lns.deliveries[eui] for eui in self.sent)
            rate = done / (time.monotonic() - self._began_s)
            left_us = int((total - done) / rate * 1e6) if rate else 0
            left = duration("fr", left_us) if rate else "?"
            self.say(t("fr", "demo.progress", done=done, count=total, rate=round(rate), left=left))

    def _assign(self) -> dict[str, list[RecordedFrame]]:
        """Read the file and deal its receivers out to the gateways."""
        assert self.options.frames is not None
        frames: list[RecordedFrame] = []
        newest = 0
        for item in read_frames(self.options.frames, self.options.limit):
            self.lines += item.line != newest
            newest = item.line
            if isinstance(item, RefusedLine):
                self.refused.append(item)
            else:
                frames.append(item)
        most_first = [receiver for receiver, _ in Counter(frame.receiver for frame in frames).most_common()]
        chosen = receiver_map(most_first, [rig.eui for rig in self.rigs])
        queues: dict[str, list[RecordedFrame]] = {rig.eui: [] for rig in self.rigs}
        for frame in frames:
            queues[chosen[frame.receiver]].append(frame)
        return queues

    async def _feed(self, rig: Rig, frames: list[RecordedFrame], first_ms: int) -> None:
        speed = self.options.speed
        for frame in frames:
            if speed is not None:
                due_s = self._began_s + (frame.at_ms - first_ms) / 1000 / speed
                await asyncio.sleep(max(0.0, due_s - time.monotonic()))
            await self._wait_for_room(rig)
            verdict = rig.chip.inject(
                RfEvent(
                    payload=frame.phy,
                    modulation=Lora(sf=frame.sf, bandwidth_hz=frame.bandwidth_hz),
                    frequency_hz=frame.frequency_hz,
                    rssi_dbm=frame.rssi_dbm,
                    snr_db=frame.snr_db,
                )
            )
            self.sent[rig.eui].append(frame.phy)
            if verdict is not ReceptionVerdict.HEARD:
                self.unheard[rig.eui][verdict] += 1

    async def _wait_for_room(self, rig: Rig) -> None:
        """Return when the next frame may be sent; what is stuck is left behind."""
        arrived, since_s = self.lns.deliveries[rig.eui], time.monotonic()
        while not self._room(rig):
            count = self.lns.deliveries[rig.eui]
            if count != arrived:
                arrived, since_s = count, time.monotonic()
            elif time.monotonic() - since_s > self.stuck_limit_s:
                self.left[rig.eui] = self.heard(rig.eui) - count
                return
            await asyncio.sleep(TURN_S)

    def _room(self, rig: Rig) -> bool:
        heard = self.heard(rig.eui)
        arrived = len(self.sent[rig.eui]) % BURST_FRAMES != 0 or self._arrived(rig.eui) >= heard
        return arrived and rig.chip.fifo_free_bytes > FIFO_MARGIN_BYTES

    def _arrived(self, eui: str) -> int:
        return self.lns.deliveries[eui] + self.left[eui]

    def heard(self, eui: str) -> int:
        """Return how many frames that were sent to a chip it has heard."""
        return len(self.sent[eui]) - self.unheard[eui].total()

    async def _settle(self) -> None:
        expected = sum(map(self.heard, self.sent))
        arrived, since_s = -1, time.monotonic()
        while time.monotonic() - since_s < self.settle_limit_s:
            count = sum(map(self._arrived, self.sent))
            if count >= expected:
                return
            if count != arrived:
                arrived, since_s = count, time.monotonic()
            await asyncio.sleep(TURN_S * 10)

    def report(self, agents: dict[str, tuple[int, int]]) -> Report:
        """Return the counts; ``agents`` gives (received, spooled) by EUI, as the agents told them."""
        altered = 0
        for eui, sent in self.sent.items():
            arrived = Counter(phy for gateway, phy in self.lns.delivered if gateway == eui)
            altered += (arrived - Counter(sent)).total()
        return Report(
            file=str(self.options.frames),
            seconds=round(time.monotonic() - self._began_s, 1),
            lines=self.lines,
            refused=[str(refusal) for refusal in self.refused[:REFUSED_SHOWN]],
            refused_lines=len(self.refused),
            altered=altered,
            gateways=[
                GatewayCounts(
                    eui=rig.eui,
                    name=rig.name,
                    sent=len(self.sent[rig.eui]),
                    unheard={str(reason): count for reason, count in sorted(self.unheard[rig.eui].items())},
                    received=agents.get(rig.eui, (0, 0))[0],
                    spooled=agents.get(rig.eui, (0, 0))[1],
                    delivered=self.lns.deliveries[rig.eui],
                )
                for rig in self.rigs
            ],
        )
