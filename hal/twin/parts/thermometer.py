"""The STTS751 temperature sensor on the concentrator's I2C bus.

Sources: FACTS §6.21 (addresses, product and manufacturer ids, configuration); transcripts (reads 0x02 and
0x00, 12 bits left-aligned in two bytes).
"""

ADDRESSES = (0x39, 0x3B, 0x38)
PRODUCT_ID, MANUFACTURER_ID, REVISION = 0xFD, 0xFE, 0xFF
TEMPERATURE_HIGH, TEMPERATURE_LOW = 0x00, 0x02
FIXED = {PRODUCT_ID: 0x00, MANUFACTURER_ID: 0x53, REVISION: 0x01}


class Thermometer:
    """One sensor; ``None`` and False stand for a NAK."""

    def __init__(self, *, address: int = 0x39, temperature_c: float = 25.5) -> None:
        self.address = address
        self.temperature_c = temperature_c
        self.missing = False
        self._pointer = 0
        self._registers = dict.fromkeys(range(0x100), 0)

    def write(self, address: int, data: bytes) -> bool:
        """Set the pointer, and the register when a value follows; nothing at all is a probe."""
        if self.missing or address != self.address:
            return False
        self._pointer = data[0] if data else self._pointer
        for value in data[1:]:
            if self._pointer not in FIXED:
                self._registers[self._pointer] = value
        return True

    def read(self, address: int, count: int) -> bytes | None:
        """Return ``count`` bytes from the pointer on."""
        if self.missing or address != self.address:
            return None
        return bytes(self._value((self._pointer + index) & 0xFF) for index in range(count))

    def _value(self, pointer: int) -> int:
        raw = round(self.temperature_c * 256) & 0xFFF0
        if pointer == TEMPERATURE_HIGH:
            return raw >> 8 & 0xFF
        if pointer == TEMPERATURE_LOW:
            return raw & 0xFF
        return FIXED.get(pointer, self._registers[pointer])
