"""A register field of the SX1302: where its bits are, and how they go in and out of a byte.

No field crosses a byte; a value of several bytes is several fields, MSB first (FACTS §3).
"""

from dataclasses import dataclass

BYTE_MAX = 0xFF


@dataclass(frozen=True, slots=True)
class Field:
    """``length`` bits of the byte at ``address``, from bit ``offset`` up.

    ``checkable`` is False where reading back does not give what was written (pulses, write-1-to-clear).
    """

    address: int
    offset: int
    length: int
    default: int = 0
    signed: bool = False
    read_only: bool = False
    checkable: bool = True

    def __post_init__(self) -> None:
        if self.offset < 0 or self.length < 1 or self.offset + self.length > 8:
            raise ValueError(f"field at {self.address:#06x}: bits {self.offset}+{self.length} leave the byte")

    @property
    def mask(self) -> int:
        """The field's bits in its byte."""
        return ((1 << self.length) - 1) << self.offset

    @property
    def whole_byte(self) -> bool:
        """Whether a write needs to know no neighbour."""
        return self.length == 8

    def moved(self, by: int) -> "Field":
        """The same field of a twin block, ``by`` bytes further (TX B is TX A + 0x200)."""
        return Field(
            self.address + by,
            self.offset,
            self.length,
            self.default,
            self.signed,
            self.read_only,
            self.checkable,
        )


def insert(field: Field, value: int, byte: int) -> int:
    """Return ``byte`` with ``value`` in the field's bits and its neighbours as they were.

    As in the reference, a value keeps its low bits only; a negative one its two's complement.

    >>> insert(Field(0x5780, 2, 1), 1, 0x10)
    20
    """
    return (byte & ~field.mask & BYTE_MAX) | ((value << field.offset) & field.mask)


def extract(field: Field, byte: int) -> int:
    """Return the field's value in ``byte``, sign extended where the field is signed.

    >>> extract(Field(0x6100, 4, 4, signed=True), 0xF0)
    -1
    """
    value = (byte & field.mask) >> field.offset
    if field.signed and value >> (field.length - 1):
        value -= 1 << field.length
    return value
