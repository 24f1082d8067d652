"""What SMS-SUBMIT units carry: to whom, and the text that their parts make together.

Sources: 3GPP TS 23.040 clauses 9.1.2.5 (address), 9.2.2.2 (SMS-SUBMIT), 9.2.3.24.1 (concatenated messages);
23.038 clauses 4 (coding scheme), 6.1.2 (seven bits an octet), 6.2.1 (default alphabet and its extension).
"""

from collections.abc import Iterable
from dataclasses import dataclass

UDHI = 0x40
VALIDITY_OCTETS = {0: 0, 1: 7, 2: 1, 3: 7}
INTERNATIONAL = 1
UCS2, ALPHABET_BITS = 0x08, 0x0C
CONCATENATED = 0x00
LETTERS = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = {
    "\x1bΛ": "^",
    "\x1b(": "{",
    "\x1b)": "}",
    "\x1b/": "\\",
    "\x1b<": "[",
    "\x1b=": "~",
    "\x1b>": "]",
}
EXTENSION |= {"\x1b¡": "|", "\x1be": "€"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One unit; ``text`` is part ``number`` of ``parts`` under one reference."""

    to: str
    reference: int
    parts: int
    number: int
    text: str


def texts(lines: Iterable[str]) -> list[tuple[str, str]]:
    """Return (to, text) of every message whose parts are all there, in the order of their last parts.

    >>> texts(["0001000B913316325476F800000BE8329BFD06DDDF723619"])
    [('+33612345678', 'hello world')]
    """
    waiting: dict[tuple[str, int], dict[int, str]] = {}
    found = []
    for line in lines:
        part = decoded(line)
        held = waiting.setdefault((part.to, part.reference), {})
        held[part.number] = part.text
        if len(held) == part.parts:
            found.append((part.to, "".join(text for _, text in sorted(held.items()))))
            held.clear()
    return found


def decoded(line: str) -> Part:
    """Return what one unit carries; the service centre's address comes before it (27.005, +CMGS)."""
    octets = bytes.fromhex(line)
    at = 1 + octets[0]
    first, digits, kind = octets[at], octets[at + 2], octets[at + 3]
    end = at + 4 + (digits + 1) // 2
    number = octets[at + 4 : end].hex()
    swapped = "".join(number[i + 1] + number[i] for i in range(0, len(number), 2))[:digits]
    coding = octets[end + 1]
    end += 2 + VALIDITY_OCTETS[first >> 3 & 3]
    length, data = octets[end], octets[end + 1 :]
    header = data[: data[0] + 1] if first & UDHI else b""
    reference, parts, place = header[3:6] if header[1:2] == bytes([CONCATENATED]) else (0, 1, 1)
    if coding & ALPHABET_BITS == UCS2:
        text = data[len(header) : length].decode("utf-16-be")
    else:
        text = _seven_bits(data, length, skipped=-(-len(header) * 8 // 7))
    to = ("+" if kind >> 4 & 7 == INTERNATIONAL else "") + swapped
    return Part(to=to, reference=reference, parts=parts, number=place, text=text)


def _seven_bits(octets: bytes, length: int, skipped: int) -> str:
    bits = int.from_bytes(octets, "little")
    text = "".join(LETTERS[bits >> 7 * place & 0x7F] for place in range(skipped, length))
    for pair, letter in EXTENSION.items():
        text = text.replace(pair, letter)
    return text
