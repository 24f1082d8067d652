"""The buses of the board: SPI through spidev, I2C messages through smbus2; no decisions.

SPI is mode 0, 8 bits, 2 MHz; one call is one chip-select assertion.  Sources: FACTS §1.
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


class I2cBus:
    """``hal.ports.I2c`` on /dev/i2c-N."""

    def __init__(self, path: str) -> None:
        try:
            import smbus2
        except ImportError as error:
            raise OurMistake(
                "smbus2 is not installed; pip install 'passerelle[gateway]'", where=path
            ) from error
        self.path = path
        self._message = smbus2.i2c_msg
        try:
            self._bus = smbus2.SMBus(path)
        except OSError as error:
            raise LineFailed(f"cannot be opened: {error.strerror}", where=path) from error

    def write(self, address: int, data: bytes) -> bool:
        """Write one message; False where nobody acknowledges."""
        try:
            self._bus.i2c_rdwr(self._message.write(address, data))
        except OSError:
            return False
        return True

    def read(self, address: int, count: int) -> bytes | None:
        """Read one message; None where nobody acknowledges."""
        message = self._message.read(address, count)
        try:
            self._bus.i2c_rdwr(message)
        except OSError:
            return None
        return bytes(message)

    def close(self) -> None:
        """Release the device."""
        self._bus.close()
