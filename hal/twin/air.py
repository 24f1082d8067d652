"""The air between many virtual gateways and sensors: who hears whom, decided at the end of each frame.

    a sensor speaks      ->  on air until its end; then each gateway's chip gets it, or not, by ``survives``
    a gateway's emission ->  each sensor that did not speak meanwhile gets it, or not; other gateways too
    ``advance``          ->  decides what has ended; whoever owns time calls it

Half duplex: a gateway that sends hears nothing (the chip itself sees to that); a sensor likewise.  Time is
the host's microseconds as the chips' clocks tell it; with one shared ``VirtualClock`` a run is reproducible.
"""

import heapq
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from hal.packets import Crc, Fsk, Lora
from hal.twin.chip import VirtualChip
from hal.twin.emission import Emission
from hal.twin.propagation import PathLoss, Position, Signal, level_dbm, survives
from hal.twin.rf_event import ReceptionVerdict, RfEvent
from hal.twin.symbols import air_time_us

MEMORY_US = 5_000_000
"""Ended signals are remembered so long, for what overlapped them; no LoRaWAN frame is longer than 3 s."""
ON_AIR_LIMIT = 10_000
"""Frames on air at once; beyond it they are lost and counted."""


class Fate(StrEnum):
    """What became of one frame at one receiver."""

    DELIVERED = "delivered"
    TOO_WEAK_OR_COLLIDED = "too_weak_or_collided"
    RECEIVER_SENT = "receiver_sent"
    NOT_HEARD = "not_heard"
    AIR_FULL = "air_full"


@dataclass(frozen=True, slots=True, kw_only=True)
class Uplink:
    """What a sensor sends."""

    payload: bytes
    modulation: Lora | Fsk
    frequency_hz: int
    power_dbm: float = 14.0
    frequency_error_hz: int = 0
    public: bool = True
    crc: Crc = Crc.OK
    preamble_symbols: int = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A gateway's emission as one sensor hears it."""

    emission: Emission
    rssi_dbm: float
    snr_db: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _OnAir:
    name: str
    position: Position
    uplink: Uplink
    began_us: int
    ended_us: int


@dataclass(slots=True, kw_only=True)
class _Sensor:
    position: Position
    hear: Callable[[Heard], None]
    sent: tuple[int, int] = (0, 0)


class Air:
    """Joins chips and sensors; every call may come from any thread."""

    def __init__(self, *, path_loss: PathLoss | None = None, gateway_gain_db: float = 2.15) -> None:
        self._loss = path_loss if path_loss is not None else PathLoss()
        self._gain_db = gateway_gain_db
        self._gateways: dict[str, tuple[VirtualChip, Position]] = {}
        self._sensors: dict[str, _Sensor] = {}
        self._ending: list[tuple[int, int, _OnAir]] = []
        self._remembered: list[_OnAir] = []
        self._emitted: list[tuple[str, Emission]] = []
        self._losses: dict[tuple[tuple[str, Position], tuple[str, Position]], float] = {}
        self._sequence = 0
        self._lock = threading.Lock()
        self.fates: Counter[Fate] = Counter()

    def add_gateway(self, name: str, chip: VirtualChip, position: Position) -> None:
        """Put a chip's antenna at ``position``; its emissions and its SX1261's ear are in this air."""
        with self._lock:
            self._gateways[name] = (chip, position)
        chip.on_emission = lambda emission: self._sent(name, emission)
        chip.sx1261.noise_dbm = lambda frequency_hz: self.level_dbm(name, frequency_hz)

    def add_sensor(self, name: str, position: Position, hear: Callable[[Heard], None]) -> None:
        """Put a sensor at ``position``; ``hear`` gets every emission that reaches it."""
        with self._lock:
            self._sensors[name] = _Sensor(position=position, hear=hear)

    def speak(self, name: str, uplink: Uplink, *, began_us: int) -> int:
        """Let a sensor send; return when the frame ends."""
        duration = air_time_us(uplink.modulation, len(uplink.payload), preamble=uplink.preamble_symbols)
        ended_us = began_us + duration
        with self._lock:
            sensor = self._sensors[name]
            sensor.sent = (began_us, ended_us)
            if len(self._ending) >= ON_AIR_LIMIT:
                self.fates[Fate.AIR_FULL] += 1
                return ended_us
            frame = _OnAir(
                name=name, position=sensor.position, uplink=uplink, began_us=began_us, ended_us=ended_us
            )
            self._sequence += 1
            heapq.heappush(self._ending, (ended_us, self._sequence, frame))
        return ended_us

    def level_dbm(self, gateway: str, frequency_hz: int) -> float:
        """Return what an SX1261 beside ``gateway`` measures now in 125 kHz around ``frequency_hz``."""
        chip, position = self._gateways[gateway]
        now_us = chip.clock.host_us(chip.now_ticks())
        with self._lock:
            frames = [frame for _, _, frame in self._ending if frame.began_us <= now_us < frame.ended_us]
            emissions = self._still_emitting(gateway)
        signals = [self._uplink_signal(frame, gateway, position) for frame in frames]
        signals += [self._emission_signal(*one, (gateway, position)) for one in emissions]
        return level_dbm(signals, frequency_hz)

    def next_at_us(self) -> int | None:
        """Return when the next frame ends, for whoever moves time."""
        with self._lock:
            return self._ending[0][0] if self._ending else None

    def advance(self, now_us: int) -> None:
        """Decide every frame that has ended by ``now_us``, and let the chips notice the time."""
        with self._lock:
            chips = [chip for chip, _ in self._gateways.values()]
        for chip in chips:
            chip.advance()
        while (frame := self._take(now_us)) is not None:
            self._deliver(frame)

    def _take(self, now_us: int) -> _OnAir | None:
        with self._lock:
            if not self._ending or self._ending[0][0] > now_us:
                return None
            frame = heapq.heappop(self._ending)[2]
            self._remembered = [one for one in self._remembered if one.ended_us > frame.ended_us - MEMORY_US]
            self._remembered.append(frame)
            return frame

    def _deliver(self, frame: _OnAir) -> None:
        with self._lock:
            gateways = list(self._gateways.items())
            others = [one for one in self._remembered if one is not frame]
            others += [one for _, _, one in self._ending]
        rivals = [one for one in others if one.began_us < frame.ended_us and frame.began_us < one.ended_us]
        for name, (chip, position) in gateways:
            wanted = self._uplink_signal(frame, name, position)
            if survives(wanted, [self._uplink_signal(one, name, position) for one in rivals]):
                self._count(_fate(chip.inject(_event(frame, wanted, chip))))
            else:
                self._count(Fate.TOO_WEAK_OR_COLLIDED)

    def _uplink_signal(self, frame: _OnAir, gateway: str, position: Position) -> Signal:
        loss = self._loss_between((frame.name, frame.position), (gateway, position))
        return Signal(
            modulation=frame.uplink.modulation,
            frequency_hz=frame.uplink.frequency_hz + frame.uplink.frequency_error_hz,
            rssi_dbm=frame.uplink.power_dbm + self._gain_db - loss,
            began_us=frame.began_us,
            ended_us=frame.ended_us,
        )

    def _loss_between(self, one: tuple[str, Position], other: tuple[str, Position]) -> float:
        """Return the loss, computed once for two ends that stay where they are."""
        key = (one, other)
        loss = self._losses.get(key)
        if loss is None:
            loss = self._losses[key] = self._loss.between(one, other)
        return loss

    def _sent(self, gateway: str, emission: Emission) -> None:
        ended_us = emission.started_at_us + emission.air_time_us
        with self._lock:
            recent = [one for one in self._emitted if _ended_us(one[1]) > ended_us - MEMORY_US]
            rivals = recent + self._still_emitting(gateway)
            self._emitted = [*recent, (gateway, emission)]
            sensors, gateways = list(self._sensors.items()), list(self._gateways.items())
        if emission.aborted:
            return
        for name, sensor in sensors:
            self._hear(name, sensor, gateway, emission, rivals)
        if isinstance(emission.modulation, Lora | Fsk) and not emission.inverted:
            for name, (chip, position) in gateways:
                if name != gateway:
                    self._overhear((name, position), chip, gateway, emission)

    def _still_emitting(self, gateway: str) -> list[tuple[str, Emission]]:
        """Return what other gateways have on air at this moment."""
        found = []
        for name, (chip, _) in self._gateways.items():
            for transmitter in chip.transmitters:
                current = transmitter.on_air
                if name != gateway and current is not None:
                    started_us = chip.clock.host_us(current.started_at_ticks)
                    found.append((name, replace(current, started_at_us=started_us)))
        return found

    def _emission_signal(self, gateway: str, emission: Emission, at: tuple[str, Position]) -> Signal:
        loss = self._loss_between(at, (gateway, self._gateways[gateway][1]))
        return Signal(
            modulation=emission.modulation,
            frequency_hz=emission.frequency_hz,
            rssi_dbm=emission.power_dbm + self._gain_db - loss,
            began_us=emission.started_at_us,
            ended_us=_ended_us(emission),
        )

    def _hear(
        self, name: str, sensor: _Sensor, gateway: str, emission: Emission, rivals: list[tuple[str, Emission]]
    ) -> None:
        wanted = self._emission_signal(gateway, emission, (name, sensor.position))
        others = [self._emission_signal(*rival, (name, sensor.position)) for rival in rivals]
        if sensor.sent[0] < wanted.ended_us and wanted.began_us < sensor.sent[1]:
            self._count(Fate.RECEIVER_SENT)
        elif not survives(wanted, others):
            self._count(Fate.TOO_WEAK_OR_COLLIDED)
        else:
            self._count(Fate.DELIVERED)
            sensor.hear(Heard(emission=emission, rssi_dbm=wanted.rssi_dbm, snr_db=wanted.snr_db))

    def _overhear(
        self, at: tuple[str, Position], chip: VirtualChip, gateway: str, emission: Emission
    ) -> None:
        """Let another gateway hear an emission that is not inverted, such as a test or a beacon."""
        wanted = self._emission_signal(gateway, emission, at)
        if not survives(wanted, []) or not isinstance(emission.modulation, Lora | Fsk):
            return
        event = RfEvent(
            payload=emission.payload,
            modulation=emission.modulation,
            frequency_hz=emission.frequency_hz,
            rssi_dbm=wanted.rssi_dbm,
            snr_db=wanted.snr_db,
            crc=Crc.OK if emission.with_crc else Crc.ABSENT,
            public=emission.public,
            implicit_header=emission.implicit_header,
            low_data_rate=emission.low_data_rate,
            ends_at_ticks=chip.clock.ticks_at(wanted.ended_us),
        )
        self._count(_fate(chip.inject(event)))

    def _count(self, fate: Fate) -> None:
        with self._lock:
            self.fates[fate] += 1


def _ended_us(emission: Emission) -> int:
    return emission.started_at_us + emission.air_time_us


def _fate(verdict: ReceptionVerdict) -> Fate:
    if verdict in {ReceptionVerdict.HEARD, ReceptionVerdict.PENDING}:
        return Fate.DELIVERED
    return Fate.RECEIVER_SENT if verdict is ReceptionVerdict.HALF_DUPLEX else Fate.NOT_HEARD


def _event(frame: _OnAir, signal: Signal, chip: VirtualChip) -> RfEvent:
    uplink = frame.uplink
    return RfEvent(
        payload=uplink.payload,
        modulation=uplink.modulation,
        frequency_hz=uplink.frequency_hz,
        frequency_error_hz=uplink.frequency_error_hz,
        rssi_dbm=signal.rssi_dbm,
        snr_db=signal.snr_db,
        crc=uplink.crc,
        public=uplink.public,
        preamble_symbols=uplink.preamble_symbols,
        ends_at_ticks=chip.clock.ticks_at(frame.ended_us),
    )
