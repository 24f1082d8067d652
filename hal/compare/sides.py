"""The two sides of a comparison behind one protocol: our driver in this process, a libloragw in its own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Protocol

import msgspec

from hal import thermometer
from hal.compare.judge import ANSWERS_FD_VARIABLE
from hal.errors import LineFailed, OurMistake
from hal.open import synthetic_images
from hal.packets import Transmission
from hal.settings import Settings
from hal.sx1261.lbt import LbtVerdict
from hal.sx1302.driver import Sx1302
from hal.transcript.packet_lines import PacketPrinter
from hal.twin.chip import VirtualChip
from hal.twin.lines.local import ChipClock, LocalBus
from hal.twin.lines.server import TwinServer
from hal.wiring import Wiring

POLL_S = 0.001
POLLS_LIMIT = 3_000
STOP_LIMIT_S = 10.0


class Side(Protocol):
    """A HAL on a chip."""

    def start(self) -> None: ...

    def receive(self) -> list[dict[str, str]]:
        """Return the received packets by the keys of ``hal.transcript.packet_lines``."""
        ...

    def send(self, transmission: Transmission) -> str:
        """Return sent, blocked, unknown or refused."""
        ...

    def abort(self, rf_chain: int) -> None: ...

    def stop(self) -> None: ...


class OurSide:
    """Our driver."""

    def __init__(self, chip: VirtualChip, settings: Settings) -> None:
        bus = LocalBus(chip)
        self._clock = ChipClock(chip)
        wiring = Wiring(
            bus=bus, clock=self._clock, sx1261=bus.sx1261, find_thermometer=lambda: thermometer.find(bus)
        )
        self._driver = Sx1302(wiring, settings, synthetic_images())
        self._printer = PacketPrinter(settings)

    def start(self) -> None:
        self._driver.start()

    def receive(self) -> list[dict[str, str]]:
        return self._printer.fields(self._driver.receive())

    def send(self, transmission: Transmission) -> str:
        try:
            self._driver.transmit(transmission)
        except OurMistake:
            return "refused"
        for _ in range(POLLS_LIMIT):
            if not self._driver.listening:
                break
            self._clock.sleep(POLL_S)
            self._driver.poll()
        return (self._driver.last_verdict or LbtVerdict.SENT).value

    def abort(self, rf_chain: int) -> None:
        self._driver.abort(rf_chain)

    def stop(self) -> None:
        self._driver.stop()


class ReferenceSide:
    """A libloragw in a process of its own, led to the chip by the preload library."""

    def __init__(
        self, chip: VirtualChip, settings: Settings, *, library: Path, preload: Path, folder: Path
    ) -> None:
        self._settings = settings
        self._server = TwinServer(chip, folder / "chip")
        self._server.start()
        reading, writing = os.pipe()
        environment = os.environ | {
            "LD_PRELOAD": str(preload),
            "PASSERELLE_TWIN": str(self._server.path),
            "PASSERELLE_TWIN_VIRTUAL": "1",
            ANSWERS_FD_VARIABLE: str(writing),
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "hal.compare.judge", str(library)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(writing,),
            text=True,
        )
        os.close(writing)
        self._answers = os.fdopen(reading)

    def _ask(self, **request: Any) -> dict[str, Any]:
        assert self._process.stdin is not None, "it was asked for"
        try:
            print(json.dumps(request), file=self._process.stdin, flush=True)
        except OSError as error:
            raise LineFailed("the library's process has ended", where="reference") from error
        line = self._answers.readline()
        if not line:
            raise LineFailed("the library's process has ended", where="reference")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def start(self) -> None:
        if not self._ask(do="start", settings=msgspec.to_builtins(self._settings))["ok"]:
            raise OurMistake("lgw_start failed", where="reference")

    def receive(self) -> list[dict[str, str]]:
        answer = self._ask(do="receive")
        if not answer["ok"]:
            raise OurMistake("lgw_receive failed", where="reference")
        packets: list[dict[str, str]] = answer["packets"]
        return packets

    def send(self, transmission: Transmission) -> str:
        sent = {name: getattr(transmission, name) for name in transmission.__dataclass_fields__}
        sent |= {"payload": transmission.payload.hex(), "trigger": transmission.trigger.value}
        sent |= msgspec.to_builtins(sent.pop("modulation"))
        return str(self._ask(do="send", transmission=sent)["outcome"])

    def abort(self, rf_chain: int) -> None:
        self._ask(do="abort", rf_chain=rf_chain)

    def stop(self) -> None:
        try:
            self._ask(do="stop")
        finally:
            self.close()

    def close(self) -> None:
        """End the process and the server, whatever their state."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._answers.close()
        self._server.close()
