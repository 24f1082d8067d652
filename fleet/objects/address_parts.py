"""Counts over more addresses than memory should hold, by halves, quarters … of them one by one; pure."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, TypeVar

PARTS_LIMIT: Final = 64
"""Sketches are read once for each part."""
_MIX: Final = 0x9E3779B1
"""Spreads addresses over the parts whatever they have in common (golden ratio; Knuth, TAOCP 3, 6.4)."""

Count = TypeVar("Count")


class TooManyAddresses(ValueError):
    """Even a ``PARTS_LIMIT``-th of the addresses is more than may be held."""


@dataclass(frozen=True, slots=True)
class Part:
    """The addresses of one of ``parts``, a power of two."""

    number: int
    parts: int

    def of(self, addresses: Iterable[int]) -> Iterable[int]:
        """Return the addresses that belong to this part."""
        if self.parts == 1:
            return addresses
        return [one for one in addresses if (one * _MIX >> 16) % self.parts == self.number]


def in_parts(count: Callable[[Part], Count | None]) -> list[Count]:
    """Return the counts of all parts, of as few as can be; ``count`` gives None where a part is too large.

    Raises:
        TooManyAddresses: at ``PARTS_LIMIT``.
    """
    parts = 1
    while parts <= PARTS_LIMIT:
        found: list[Count] = []
        for number in range(parts):
            one = count(Part(number, parts))
            if one is None:
                break
            found.append(one)
        else:
            return found
        parts *= 2
    raise TooManyAddresses(f"addresses: too many for {PARTS_LIMIT} parts")
