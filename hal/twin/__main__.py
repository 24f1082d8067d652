"""``python -m hal.twin``: one virtual gateway site on this machine, every way in and some life around it.

    --socket PATH   the chip as TWIN_SOCKET.md says
    --usb LINK      the same chip behind its USB microcontroller, on a pseudo-terminal
    --gnss LINK     a GNSS receiver, with the chip's PPS in step
    --sensors N     sensors that speak, placed from --seed

What happens is written as JSON lines: what the gateway sent, and counts every ten seconds.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from random import Random

from hal.linux.stop_signal import StopSignal
from hal.packets import Lora
from hal.twin.air import Air, Uplink
from hal.twin.chip import VirtualChip
from hal.twin.clock import RealClock
from hal.twin.emission import Emission
from hal.twin.facts import MODEL_SX1302, MODEL_SX1303, TICKS_PER_SECOND, TICKS_PER_US
from hal.twin.lines.gnss_line import GnssLine
from hal.twin.lines.gnss_receiver import AntennaSite, GnssReceiver
from hal.twin.lines.pseudo_terminal import PseudoTerminal
from hal.twin.lines.server import TwinServer
from hal.twin.lines.usb_mcu import UsbMcu
from hal.twin.parts.power import BOARDS
from hal.twin.pps import Pps
from hal.twin.propagation import Position
from hal.twin.reception.fifo_render import FrontEnd

STEP_S = 0.02
COUNT_EVERY_S = 10.0
THREAD_SWITCH_S = 0.0005
"""Python lets a busy thread run 5 ms before another has its turn; the bus should not wait so long."""
RADIUS_DEGREES = 0.03
"""The half side of the square that sensors stand in, about three kilometres."""
FREQUENCIES_HZ = (868_100_000, 868_300_000, 868_500_000)
PAYLOAD_BYTES = (13, 60)


@dataclass(slots=True, kw_only=True)
class _Speaker:
    name: str
    sf: int
    next_us: int
    count: int = 0


class Site:
    """One chip, its devices and the sensors around it."""

    def __init__(self, options: argparse.Namespace, say: Callable[[dict[str, object]], None]) -> None:
        model = MODEL_SX1303 if options.model == "sx1303" else MODEL_SX1302
        self.chip = VirtualChip(
            eui=options.eui,
            model=model,
            clock=RealClock(crystal_ppm=options.crystal_ppm),
            front_end=FrontEnd(tx_power_dbm=BOARDS[options.board]),
            pps=Pps(period_ticks=TICKS_PER_SECOND + round(TICKS_PER_US * options.crystal_ppm)),
        )
        self._say = say
        self._random = Random(options.seed)  # noqa: S311 - where and when sensors speak, no secret
        self._period_us = round(options.period * 1_000_000)
        self._air = Air()
        antenna = AntennaSite()
        home = Position(lat=antenna.lat, lon=antenna.lon)
        self._air.add_gateway(self.chip.name, self.chip, home)
        heard_by_air = self.chip.on_emission
        self.chip.on_emission = lambda emission: self._sent(emission, heard_by_air)
        self._speakers = [self._speaker(index, home) for index in range(options.sensors)]

    def _speaker(self, index: int, home: Position) -> _Speaker:
        draw = self._random
        name = f"sensor-{index}"
        lat = home.lat + draw.uniform(-RADIUS_DEGREES, RADIUS_DEGREES)
        lon = home.lon + draw.uniform(-RADIUS_DEGREES, RADIUS_DEGREES)
        self._air.add_sensor(name, Position(lat=lat, lon=lon), lambda _: None)
        return _Speaker(
            name=name, sf=draw.randint(7, 12), next_us=_now_us() + draw.randrange(self._period_us)
        )

    def step(self) -> None:
        """Let due sensors speak, and what has ended be decided."""
        now_us = _now_us()
        for speaker in self._speakers:
            if speaker.next_us <= now_us:
                self._speak(speaker, now_us)
        self._air.advance(_now_us())

    def _speak(self, speaker: _Speaker, now_us: int) -> None:
        draw = self._random
        speaker.next_us = now_us + round(self._period_us * draw.uniform(0.8, 1.2))
        speaker.count += 1
        header = b"\x40" + speaker.name.encode().ljust(10)[-4:] + b"\0" + speaker.count.to_bytes(2, "little")
        payload = header + draw.randbytes(draw.randint(*PAYLOAD_BYTES))
        uplink = Uplink(
            payload=payload,
            modulation=Lora(sf=speaker.sf),
            frequency_hz=draw.choice(FREQUENCIES_HZ),
            frequency_error_hz=draw.randint(-4000, 4000),
        )
        self._air.speak(speaker.name, uplink, began_us=now_us)

    def _sent(self, emission: Emission, also: Callable[[Emission], None] | None) -> None:
        self._say(
            {
                "sent": emission.payload.hex(),
                "frequency_hz": emission.frequency_hz,
                "modulation": str(emission.modulation),
                "power_dbm": emission.power_dbm,
                "counter_us": emission.started_at_ticks // TICKS_PER_US,
                "air_time_us": emission.air_time_us,
                "aborted": emission.aborted,
            }
        )
        if also is not None:
            also(emission)

    def counts(self) -> dict[str, object]:
        """Return what happened so far."""
        return {
            "frames": {str(verdict): count for verdict, count in self.chip.verdicts.items()},
            "complaints": {str(fault): count for fault, count in self.chip.complaints.counts.items()},
            "transactions": self.chip.transactions,
        }


def _now_us() -> int:
    return time.monotonic_ns() // 1000


def main(arguments: list[str]) -> int:
    """Serve until SIGTERM or SIGINT; 2 when a way in cannot be opened."""
    options = _parser().parse_args(arguments)
    sys.setswitchinterval(THREAD_SWITCH_S)
    site = Site(options, _print_line)
    try:
        with StopSignal() as stop, ExitStack() as ways_in:
            _open(options, site, ways_in)
            _live(site, stop)
    except OSError as error:
        print(f"python -m hal.twin: {error.filename or options.socket}: {error.strerror}", file=sys.stderr)
        return 2
    return 0


def _open(options: argparse.Namespace, site: Site, ways_in: ExitStack) -> None:
    where: dict[str, object] = {"eui": site.chip.eui}
    if options.socket is not None:
        where["socket"] = str(ways_in.enter_context(TwinServer(site.chip, options.socket)).path)
    if options.usb is not None:
        mcu = UsbMcu(site.chip)
        where["usb"] = ways_in.enter_context(PseudoTerminal(mcu.feed, link=options.usb)).path
    if options.gnss is not None:
        where["gnss"] = ways_in.enter_context(GnssLine(site.chip, GnssReceiver(), link=options.gnss)).path
    _print_line({"serving": where})


def _live(site: Site, stop: StopSignal) -> None:
    count_at_us = _now_us()
    while not stop.wait(STEP_S):
        site.step()
        if _now_us() >= count_at_us:
            count_at_us += round(COUNT_EVERY_S * 1_000_000)
            _print_line(site.counts())


def _print_line(record: dict[str, object]) -> None:
    print(json.dumps(record), flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m hal.twin", description="un site virtuel sur cette machine"
    )
    parser.add_argument("--socket", type=Path, help="socket Unix de la puce (TWIN_SOCKET.md)")
    parser.add_argument("--usb", type=Path, help="lien vers le port série du microcontrôleur USB")
    parser.add_argument("--gnss", type=Path, help="lien vers le port série du récepteur GNSS")
    parser.add_argument("--eui", default="0016c001f12a3b4c")
    parser.add_argument("--model", choices=("sx1302", "sx1303"), default="sx1302")
    parser.add_argument("--board", choices=sorted(BOARDS), default="rak2287", help="sa table de puissance")
    parser.add_argument("--crystal-ppm", type=float, default=0.0, help="erreur du quartz")
    parser.add_argument("--sensors", type=int, default=0, help="capteurs autour de la passerelle")
    parser.add_argument("--period", type=float, default=60.0, help="secondes entre deux trames d’un capteur")
    parser.add_argument("--seed", type=int, default=0)
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
