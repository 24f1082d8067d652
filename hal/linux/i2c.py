"""I2C messages through smbus2."""

from hal.errors import LineFailed, OurMistake


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
