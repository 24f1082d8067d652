"""The sensors in the field, in real time: through the air to the chips, and the chips' answers back to them.

The shell around ``sensors.sensor.step``; ``hal.twin.air`` decides who hears whom.  Instants are the host's
monotonic microseconds.
"""

import asyncio
import hashlib
import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from demo.lns.devices import Device
from demo.rig import Rig
from demo.sensors.sensor import Command, Due, Emit, Heard, Identity, Sensor, Sent, WakeAt, step
from hal.packets import Lora
from hal.twin import air
from hal.twin.propagation import PathLoss, Position, noise_dbm, snr_limit_db

JOIN_EUI = "70b3d57ed00d3700"
JOINS_SPREAD_S = 10.0
"""Sensors wake up over this time, so that their joins do not all collide."""
REPORTS_SPREAD_S = 3.0
POWER_DBM = 14.0
"""EN 300 220: 25 mW e.r.p. in 868.0-868.6 MHz."""
MARGIN_DB = 6.0
"""Kept above the limit of the spreading factor, as an ADR keeps it."""
NEAREST_KM, FARTHEST_KM = 0.2, 2.5
KM_PER_DEGREE = 111.2
STEP_S = 0.01
"""Longest wait between two looks at what has ended on air."""


def now_us() -> int:
    """Return the host's monotonic clock."""
    return time.monotonic_ns() // 1000


@dataclass(slots=True)
class _Placed:
    sensor: Sensor
    position: Position
    wake: asyncio.TimerHandle | None = None

    @property
    def name(self) -> str:
        return self.sensor.identity.dev_eui


class Field:
    """Virtual sensors around the gateways; ``devices`` are what the network server must know of them."""

    def __init__(self, rigs: list[Rig], *, sensors: int, seed: int) -> None:
        loss = PathLoss(seed=seed)
        self._air = air.Air(path_loss=loss)
        self._loop = asyncio.get_running_loop()
        self._random = random.Random(seed)  # noqa: S311 - where and when, no secret
        self._placed = [_near(index, rigs[index % len(rigs)], seed, loss) for index in range(sensors)]
        self._advancing: asyncio.Task[None] | None = None
        for rig in rigs:
            self._air.add_gateway(rig.eui, rig.chip, _position(rig))

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
        """Let the sensors live, and what is on air arrive."""
        for placed in self._placed:
            self._air.add_sensor(placed.name, placed.position, self._listener(placed))
            self._wake(placed, now_us() + int(self._random.uniform(0, JOINS_SPREAD_S) * 1e6))
        self._advancing = asyncio.ensure_future(self._advance())

    def close(self) -> None:
        """Let the sensors fall asleep."""
        if self._advancing is not None:
            self._advancing.cancel()
        for placed in self._placed:
            if placed.wake is not None:
                placed.wake.cancel()

    async def _advance(self) -> None:
        while True:
            self._air.advance(now_us())
            next_us = self._air.next_at_us()
            wait_s = STEP_S if next_us is None else (next_us - now_us()) / 1e6
            await asyncio.sleep(min(max(wait_s, 0.0), STEP_S))

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
                    spread_us = int(self._random.uniform(0, REPORTS_SPREAD_S) * 1e6)
                    self._wake(placed, command.at_us + spread_us)

    def _emit(self, placed: _Placed, emit: Emit) -> None:
        uplink = air.Uplink(
            payload=emit.phy,
            modulation=Lora(sf=emit.sf),
            frequency_hz=emit.frequency_hz,
            power_dbm=POWER_DBM,
        )
        ended_at_us = self._air.speak(placed.name, uplink, began_us=now_us())
        sent = Sent(ended_at_us=ended_at_us, frequency_hz=emit.frequency_hz, sf=emit.sf)
        placed.sensor, _ = step(placed.sensor, sent, now_us())

    def _listener(self, placed: _Placed) -> Callable[[air.Heard], None]:
        """Return what takes the air's news, in whatever thread, to the loop of the field."""

        def listen(heard: air.Heard) -> None:
            emission = heard.emission
            if emission.inverted and isinstance(emission.modulation, Lora):
                event = Heard(
                    started_at_us=emission.started_at_us,
                    frequency_hz=emission.frequency_hz,
                    sf=emission.modulation.sf,
                    phy=emission.payload,
                )
                self._loop.call_soon_threadsafe(self._hear, placed, event)

        return listen

    def _hear(self, placed: _Placed, heard: Heard) -> None:
        placed.sensor, commands = step(placed.sensor, heard, now_us())
        self._carry_out(placed, commands)


def _position(rig: Rig) -> Position:
    return Position(lat=rig.plan.lat, lon=rig.plan.lon)


def _near(index: int, near: Rig, seed: int, loss: PathLoss) -> _Placed:
    """Return one sensor near a gateway; its key from the seed, for a demo only."""
    draw = random.Random(seed * 1000 + index)  # noqa: S311 - where and when, no secret
    angle, km = draw.uniform(0, 2 * math.pi), draw.uniform(NEAREST_KM, FARTHEST_KM)
    lat = near.plan.lat + km * math.sin(angle) / KM_PER_DEGREE
    lon = near.plan.lon + km * math.cos(angle) / (KM_PER_DEGREE * math.cos(math.radians(lat)))
    dev_eui, position = f"70b3d57ed037{index:04x}", Position(lat=lat, lon=lon)
    level_dbm = POWER_DBM - loss.between((dev_eui, position), (near.eui, _position(near)))
    identity = Identity(
        dev_eui=dev_eui,
        join_eui=JOIN_EUI,
        app_key=hashlib.sha256(f"demo sensor {seed} {index}".encode()).digest()[:16],
        sf=spreading_factor(level_dbm),
        interval_us=draw.randrange(20, 40) * 1_000_000,
    )
    return _Placed(sensor=Sensor(identity=identity), position=position)


def spreading_factor(level_dbm: float) -> int:
    """Return the fastest spreading factor that is heard at ``level_dbm`` with ``MARGIN_DB`` to spare.

    >>> spreading_factor(-100.0), spreading_factor(-125.0), spreading_factor(-150.0)
    (7, 10, 12)
    """
    for sf in range(7, 12):
        if level_dbm - noise_dbm(Lora(sf=sf)) >= snr_limit_db(Lora(sf=sf)) + MARGIN_DB:
            return sf
    return 12
