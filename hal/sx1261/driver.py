"""Runs SX1261 commands on its own bus: loads the patch, listens before a transmission, scans a band.

Sources: FACTS §11, §1 (1 ms before every access).
"""

from collections.abc import Iterable

from hal.bus import spi_frames
from hal.bus.access import BulkBus
from hal.errors import ChipMisbehaved, OurMistake
from hal.microcode import Images
from hal.packets import Spectrum
from hal.ports import Bus, HalClock
from hal.sx1250.commands import IMAGE_ERROR_BIT
from hal.sx1250.driver import BUSY_US
from hal.sx1261 import commands
from hal.sx1261.commands import Command, decode_spectrum
from hal.units import Hz
from hal.waiting import wait_for

STATUS_MASK = 0x7E
STANDBY_READY = 0x22
SCAN_RUNNING, SCAN_ABORTED, SCAN_DONE = 0x0F, 0xF0, 0xFF
SCAN_LIMIT_US = 1_000_000
"""65,535 samples of 8.2 µs and as much again."""
SCANS_LIMIT = 0xFFFF
READ_HEAD_BYTES = 3


class Sx1261:
    """The listening radio."""

    where = "SX1261"

    def __init__(self, bus: Bus, clock: HalClock) -> None:
        self._bus = bus
        self._clock = clock
        self.transactions = 0
        self.version = ""

    def run(self, command: Command) -> bytes:
        """Run one command and return what came back in place of its arguments."""
        self._clock.sleep(BUSY_US / 1e6)
        self.transactions += 1
        miso = self._bus.transfer(spi_frames.sx1261(command.opcode, command.arguments))
        if command.settle_us:
            self._clock.sleep(command.settle_us / 1e6)
        return spi_frames.sx1261_answer(miso)

    def run_all(self, sequence: Iterable[Command]) -> None:
        """Run commands whose answers do not matter; in one go where the bus can carry several."""
        several = list(sequence)
        if isinstance(self._bus, BulkBus):
            self.transactions += len(several)
            self._bus.write_many([spi_frames.sx1261(each.opcode, each.arguments) for each in several])
            return
        for command in several:
            self.run(command)

    def start(self, images: Images, frequency_hz: Hz) -> None:
        """Load the patch, calibrate, set up.

        Raises:
            OurMistake: no patch was imported.
            ChipMisbehaved: wrong status, wrong version after the patch, failed calibration.
        """
        if images.sx1261 is None:
            raise OurMistake(
                "no SX1261 patch among the images; import it from Semtech's release", where=self.where
            )
        self.run(commands.standby())
        self._check_standby()
        self.read_version()
        for command in commands.patch(images.sx1261):
            self.run(command)
        self.version = self.read_version()
        if not self.version.endswith(images.sx1261_version):
            raise ChipMisbehaved(
                f"version {self.version!r} after the patch, must end in {images.sx1261_version!r}",
                where=self.where,
            )
        self._calibrate(frequency_hz)
        self.run(commands.standby())
        self._check_standby()
        for command in commands.set_up():
            self.run(command)

    def read_version(self) -> str:
        """Return the version string, 15 characters."""
        answer = self.run(commands.read_register(commands.VERSION_AT, commands.VERSION_CHARACTERS))
        return answer[READ_HEAD_BYTES:].decode("ascii", "replace").rstrip("\0 ")

    def _calibrate(self, frequency_hz: Hz) -> None:
        self.run(Command(commands.GET_STATUS, b"\x00"))
        self.run(commands.calibrate(frequency_hz))
        errors = self.run(Command(commands.GET_DEVICE_ERRORS, bytes(3)))
        if errors[2] >> IMAGE_ERROR_BIT & 1:
            raise ChipMisbehaved(f"image calibration failed (errors {errors.hex()})", where=self.where)

    def _check_standby(self) -> None:
        status = self.run(Command(commands.GET_STATUS, b"\x00"))[0]
        if status & STATUS_MASK != STANDBY_READY:
            raise ChipMisbehaved(f"status {status:#04x} in standby, must be 0x22", where=self.where)

    def listen(self, frequency_hz: Hz, bandwidth_hz: int, scan_us: int, threshold_dbm: int) -> None:
        """Start listening before a transmission; returns when the first verdict is possible."""
        self.run_all(commands.listen(frequency_hz, bandwidth_hz))
        self.run(commands.lbt_scan(scan_us, threshold_dbm))
        self._clock.sleep(scan_us / 1e6)

    def stop_listening(self) -> None:
        """End listen-before-talk."""
        self.run_all(commands.stop_listening())

    def start_scan(self, frequency_hz: Hz, scans: int) -> None:
        """Start counting RSSI samples on one frequency."""
        if not 1 <= scans <= SCANS_LIMIT:
            raise OurMistake(f"{scans} is not in 1..{SCANS_LIMIT}", where="scans")
        self.run_all(commands.listen(frequency_hz, 125_000))
        self.run(commands.spectral_scan(scans))

    def scan_status(self) -> int:
        """Return the scan's status byte: running, aborted or done."""
        return self.run(commands.read_register(commands.SCAN_STATUS_AT, 1))[READ_HEAD_BYTES]

    def scan(self, frequency_hz: Hz, scans: int, offset_db: int) -> Spectrum:
        """Return one spectrum; waits for the scan to end.

        Raises:
            ChipMisbehaved: the scan was aborted or does not end.
        """
        self.start_scan(frequency_hz, scans)
        status = wait_for(
            self.scan_status,
            lambda value: value in (SCAN_ABORTED, SCAN_DONE),
            clock=self._clock,
            limit_us=SCAN_LIMIT_US,
            where="SX1261 spectral scan",
        )
        if status != SCAN_DONE:
            raise ChipMisbehaved("aborted", where="SX1261 spectral scan")
        data = self.run(commands.read_register(commands.SCAN_RESULTS_AT, 2 * commands.SCAN_BINS))
        self.run(commands.abort())
        return decode_spectrum(frequency_hz, data[READ_HEAD_BYTES:], offset_db)
