"""Which network a DevAddr belongs to.

Sources: LoRaWAN Backend Interfaces 1.0 §6.2 and LoRaWAN 1.0.4 §6.1.1: the type is the number of leading
ones, the NwkID follows the first zero.
"""

from dataclasses import dataclass

NWK_ID_BITS = (6, 6, 9, 11, 12, 13, 15, 17)
"""Length of the NwkID by type 0..7."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """What a DevAddr says of its network; from type 3 on only the lower bits of the NetID are in it."""

    address_type: int
    nwk_id: int

    @property
    def net_id(self) -> int:
        """Type in the upper three of 24 bits, NwkID in the lower ones."""
        return self.address_type << 21 | self.nwk_id


def network_of(dev_addr: int) -> Network | None:
    """Return the network of an address; None for 0xFF…, which no type covers.

    >>> network_of(0x26011BDA).net_id  # The Things Network, 0x000013
    19
    """
    inverted = ~dev_addr & 0xFFFF_FFFF
    address_type = 32 - inverted.bit_length()
    if address_type >= len(NWK_ID_BITS):
        return None
    bits = NWK_ID_BITS[address_type]
    shift = 32 - (address_type + 1) - bits
    return Network(address_type=address_type, nwk_id=dev_addr >> shift & (1 << bits) - 1)
