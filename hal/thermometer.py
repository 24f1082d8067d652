"""The STTS751 beside the radios, by which RSSI is compensated; optional by design.

Sources: FACTS §6.21 (addresses, identity, configuration), §14 (a missing sensor must not stop a gateway).
"""

from hal.ports import I2c

ADDRESSES = (0x39, 0x3B, 0x38)
PRODUCT_ID, MANUFACTURER_ID, REVISION_ID = 0xFD, 0xFE, 0xFF
PRODUCTS = (0, 1)
MANUFACTURER_ST = 0x53
CONFIGURATION, RATE = 0x03, 0x04
RESOLUTION_12_BITS = 0x8C
ONE_A_SECOND = 0x04
LOW, HIGH = 0x02, 0x00


class Stts751:
    """A sensor that was found; ``celsius`` gives None when it stops answering."""

    def __init__(self, i2c: I2c, address: int) -> None:
        self._i2c = i2c
        self.address = address

    def celsius(self) -> float | None:
        """Return the board's temperature in steps of 1/16 °C."""
        low = _register(self._i2c, self.address, LOW)
        high = _register(self._i2c, self.address, HIGH)
        if low is None or high is None:
            return None
        return int.from_bytes(bytes((high, low)), "big", signed=True) / 256


def find(i2c: I2c) -> Stts751 | None:
    """Return the first sensor that answers as it must, configured; None where there is none."""
    for address in ADDRESSES:
        if _identified(i2c, address) and _configured(i2c, address):
            return Stts751(i2c, address)
    return None


def _identified(i2c: I2c, address: int) -> bool:
    return (
        _register(i2c, address, PRODUCT_ID) in PRODUCTS
        and _register(i2c, address, MANUFACTURER_ID) == MANUFACTURER_ST
        and _register(i2c, address, REVISION_ID) is not None
    )


def _configured(i2c: I2c, address: int) -> bool:
    resolution = bytes((CONFIGURATION, RESOLUTION_12_BITS))
    return i2c.write(address, resolution) and i2c.write(address, bytes((RATE, ONE_A_SECOND)))


def _register(i2c: I2c, address: int, register: int) -> int | None:
    if not i2c.write(address, bytes((register,))):
        return None
    answer = i2c.read(address, 1)
    return answer[0] if answer else None
