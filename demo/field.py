"""The sensors in the field, in real time: their frames to every chip in range, the chips' emissions to them.

The shell around ``sensors.sensor.step``.  Instants are the host's monotonic microseconds; a chip's counter is
placed on them when a frame is injected.
"""

import asyncio
import hashlib
import math
import random
import time
from dataclasses import dataclass

from demo.lns.devices import Device
from demo.rig import Rig
from demo.sensors.sensor import Command, Due, Emit, Heard, Identity, Sensor, Sent, WakeAt, step
from hal.airtime import lora_us
from hal.packets import Lora
from hal.twin.clock import TICKS_PER_US
from hal.twin.emission import Emission
from hal.twin.rf_event import RfEvent

JOIN_EUI = "70b3d57ed00d3700"
JOINS_SPREAD_S = 8.0
"""Sensors wake up over this time, so that their joins do not all collide."""
NOISE_FLOOR_DBM = -174 + 10 * math.log10(125_000) + 6
"""Thermal noise in 125 kHz and a receiver's noise figure of 6 dB."""
TX_POWER_DBM = 14
PATH_LOSS_1_KM_DB, PATH_LOSS_EXPONENT = 121.0, 3.1
"""Log-distance model of a rural macro cell at 868 MHz, of the order of Okumura-Hata's."""
SNR_LIMIT_DB = {7: -7.5, 8: -10.0, 9: -12.5, 10: -15.0, 11: -17.5, 12: -20.0}
"""SX1276 datasheet, table 13: SNR needed by spreading factor."""
KM_PER_DEGREE = 111.2


def now_us() -> int:
    """Return the host's monotonic clock."""
    return time.monotonic_ns() // 1000


@dataclass(slots=True)
class _Placed:
    sensor: Sensor
    lat: float
    lon: float
    wake: asyncio.TimerHandle | None = None


def distance_km(here: tuple[float, float], there: tuple[float, float]) -> float:
    """Return the distance of two places; flat earth, good to a percent over a canton."""
    east = (there[1] - here[1]) * math.cos(math.radians(here[0]))
    return KM_PER_DEGREE * math.hypot(there[0] - here[0], east)


def link_budget(km: float) -> tuple[float, float]:
    """Return (RSSI in dBm, SNR in dB) over ``km``."""
    loss = PATH_LOSS_1_KM_DB + 10 * PATH_LOSS_EXPONENT * math.log10(max(km, 0.05))
    rssi = TX_POWER_DBM - loss
    return rssi, min(rssi - NOISE_FLOOR_DBM, 12.0)


class Field:
    """Virtual sensors around the gateways; ``devices`` are what the network server must know of them."""

    def __init__(self, rigs: list[Rig], *, sensors: int, seed: int) -> None:
        self._rigs = rigs
        self._loop = asyncio.get_running_loop()
        self._placed = [_place(index, rigs[index % len(rigs)], seed) for index in range(sensors)]
        self._random = random.Random(seed)  # noqa: S311 - where and when, no secret

    def devices(self) -> dict[str, Device]:
        """Return the keys of every sensor, as a network server is given them."""
        identities = [placed.sensor.identity for placed in self._placed]
        return {
            identity.dev_eui: Device(
                dev_eui=identity.dev_eui, join_eui=identity.join_eui, app_key=identity.app_key
            )
            for identity in identities
        }

    def tallies(self) -> dict[str, int]:
        """Return what the sensors lived through, in sum."""
        tallies = [placed.sensor.tally for placed in self._placed]
        return {
            "sensors": len(tallies),
            "joined": sum(tally.joined > 0 for tally in tallies),
            "sent": sum(tally.sent for tally in tallies),
            "acknowledgements_asked": sum(tally.acknowledgements_asked for tally in tallies),
            "acknowledged": sum(tally.acknowledged for tally in tallies),
            "outside_window": sum(tally.outside_window for tally in tallies),
        }

    def open(self) -> None:
        """Let the sensors live, and the chips' emissions reach them."""
        for rig in self._rigs:
            rig.chip.on_emission = self._emitted
        for placed in self._placed:
            self._wake(placed, now_us() + int(self._random.uniform(0, JOINS_SPREAD_S) * 1e6))

    def close(self) -> None:
        """Let the sensors fall asleep."""
        for placed in self._placed:
            if placed.wake is not None:
                placed.wake.cancel()

    def _wake(self, placed: _Placed, at_us: int) -> None:
        if placed.wake is not None:
            placed.wake.cancel()
        delay_s = max(0.0, (at_us - now_us()) / 1e6)
        placed.wake = self._loop.call_later(delay_s, self._due, placed)

    def _due(self, placed: _Placed) -> None:
        placed.sensor, commands = step(placed.sensor, Due(), now_us())
        self._carry_out(placed, commands)

    def _carry_out(self, placed: _Placed, commands: tuple[Command, ...]) -> None:
        for command in commands:
            match command:
                case Emit():
                    self._emit(placed, command)
                case WakeAt():
                    spread_us = int(self._random.uniform(0, 3e6))
                    self._wake(placed, command.at_us + spread_us)

    def _emit(self, placed: _Placed, emit: Emit) -> None:
        air_us = lora_us(Lora(sf=emit.sf), len(emit.phy))
        ended_at_us = now_us() + air_us
        for rig in self._rigs:
            rssi, snr = link_budget(distance_km((placed.lat, placed.lon), (rig.plan.lat, rig.plan.lon)))
            if rig.powered and snr >= SNR_LIMIT_DB[emit.sf]:
                rig.chip.inject(
                    RfEvent(
                        payload=emit.phy,
                        modulation=Lora(sf=emit.sf),
                        frequency_hz=emit.frequency_hz,
                        rssi_dbm=rssi,
                        snr_db=snr,
                        ends_at_ticks=rig.chip.now_ticks() + (ended_at_us - now_us()) * TICKS_PER_US,
                    )
                )
        sent = Sent(ended_at_us=ended_at_us, frequency_hz=emit.frequency_hz, sf=emit.sf)
        placed.sensor, _ = step(placed.sensor, sent, now_us())

    def _emitted(self, emission: Emission) -> None:
        """A chip has sent; called in whatever thread noticed."""
        if emission.inverted and isinstance(emission.modulation, Lora) and not emission.aborted:
            self._loop.call_soon_threadsafe(self._hear, emission, emission.modulation.sf)

    def _hear(self, emission: Emission, sf: int) -> None:
        heard = Heard(
            started_at_us=emission.started_at_us,
            frequency_hz=emission.frequency_hz,
            sf=sf,
            phy=emission.payload,
        )
        for placed in self._placed:
            placed.sensor, commands = step(placed.sensor, heard, now_us())
            self._carry_out(placed, commands)


def _place(index: int, near: Rig, seed: int) -> _Placed:
    """Return one sensor within about 3 km of a gateway; its key from the seed, for a demo only."""
    draw = random.Random(seed * 1000 + index)  # noqa: S311 - where and when, no secret
    angle, km = draw.uniform(0, 2 * math.pi), draw.uniform(0.2, 3.0)
    lat = near.plan.lat + km * math.sin(angle) / KM_PER_DEGREE
    lon = near.plan.lon + km * math.cos(angle) / (KM_PER_DEGREE * math.cos(math.radians(lat)))
    identity = Identity(
        dev_eui=f"70b3d57ed037{index:04x}",
        join_eui=JOIN_EUI,
        app_key=hashlib.sha256(f"demo sensor {seed} {index}".encode()).digest()[:16],
        sf=draw.choice((7, 7, 7, 8, 9)),
        interval_us=draw.randrange(20, 40) * 1_000_000,
    )
    return _Placed(sensor=Sensor(identity=identity), lat=lat, lon=lon)
