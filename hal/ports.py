"""The ports of hal: what it asks of the world, which is bytes on a bus, pins, I2C messages and time.

Each port has two implementations, Linux (``hal.linux``) and virtual (``hal.twin``), under one contract
suite in ``tests/contract``.
"""

from typing import Protocol, runtime_checkable

from hal.packets import ConcentratorStatus, ReceivedFrame, Spectrum, Transmission, TxState
from hal.units import Hz, Micros


@runtime_checkable
class Bus(Protocol):
    """A full-duplex SPI bus; one call is one chip-select assertion.

    Raises:
        hal.errors.LineFailed: the device is gone or the transfer was short.
    """

    def transfer(self, mosi: bytes) -> bytes:
        """Send ``mosi`` (byte 0 is the mux target, FACTS §1) and return as many MISO bytes."""
        ...

    def close(self) -> None: ...


class I2c(Protocol):
    """An I2C bus; ``None`` from ``read`` and False from ``write`` mean NAK."""

    def write(self, address: int, data: bytes) -> bool: ...

    def read(self, address: int, count: int) -> bytes | None: ...


class HalClock(Protocol):
    """Sleeps and the host's monotonic clock; virtual in tests."""

    def sleep(self, seconds: float) -> None: ...

    def monotonic_us(self) -> int: ...


class ByteLine(Protocol):
    """A serial line with a deadline; ``hal.linux.tty.SerialLine`` on Linux."""

    def flush_input(self) -> None: ...

    def write(self, data: bytes) -> None: ...

    def read(self, count: int) -> bytes: ...

    def close(self) -> None: ...


class Concentrator(Protocol):
    """The radio, as the agent's one radio thread sees it.  No call can hang.

    Raises (every method): ``hal.errors.OurMistake``, ``ChipMisbehaved`` or ``LineFailed``.
    """

    @property
    def eui(self) -> str:
        """The chip's EUI-64, 16 lower-case hex digits; known after ``start``."""
        ...

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def receive(self) -> list[ReceivedFrame]:
        """Return the frames that arrived since the last call, oldest first, any CRC verdict."""
        ...

    def transmit(self, transmission: Transmission) -> None:
        """Program one transmission; raises OurMistake when it is out of range or the chain is busy."""
        ...

    def tx_state(self, rf_chain: int) -> TxState: ...

    def abort(self, rf_chain: int) -> None: ...

    def status(self) -> ConcentratorStatus: ...

    def counter_us(self) -> Micros:
        """Return the free-running counter on the 64-bit timeline."""
        ...

    def trigger_counter_us(self) -> Micros:
        """Return the counter at the last PPS on the same timeline."""
        ...

    def temperature_c(self) -> float | None: ...

    def spectral_scan(self, frequency_hz: Hz) -> Spectrum:
        """Return how often each level is heard on one frequency; takes some 20 ms.

        Raises OurMistake when the board has no SX1261 or the settings do not enable it.
        """
        ...
