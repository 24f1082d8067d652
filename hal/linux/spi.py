"""SPI through spidev: mode 0, 8 bits, 2 MHz; one call is one chip-select assertion.

Sources: FACTS §1.
"""

from hal.errors import LineFailed, OurMistake

SPEED_HZ = 2_000_000


class SpiBus:
    """``hal.ports.Bus`` on /dev/spidevN.M."""

    def __init__(self, path: str) -> None:
        number = path.removeprefix("/dev/spidev")
        bus, separator, device = number.partition(".")
        if not (separator and bus.isdigit() and device.isdigit()):
            raise OurMistake("is not /dev/spidevBUS.DEVICE", where=path)
        try:
            import spidev
        except ImportError as error:
            raise OurMistake(
                "spidev is not installed; pip install 'passerelle[gateway]'", where=path
            ) from error
        self.path = path
        self._spi = spidev.SpiDev()
        try:
            self._spi.open(int(bus), int(device))
        except OSError as error:
            raise LineFailed(
                f"cannot be opened: {error.strerror} (is SPI enabled, dtparam=spi=on?)", where=path
            ) from error
        self._spi.mode = 0
        self._spi.bits_per_word = 8
        self._spi.max_speed_hz = SPEED_HZ

    def transfer(self, mosi: bytes) -> bytes:
        """Move one frame."""
        try:
            return bytes(self._spi.xfer2(list(mosi)))
        except OSError as error:
            raise LineFailed(f"transfer failed: {error.strerror}", where=self.path) from error

    def close(self) -> None:
        """Release the device."""
        self._spi.close()
