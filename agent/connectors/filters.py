"""Which frames a server gets, pure: by NetID, DevAddr prefix and JoinEUI, frame by frame.

Sources: LoRaWAN Backend Interfaces 1.0 §6.2 and LoRaWAN 1.0.4 §6.1.1: the type of a DevAddr is the number of
leading ones, the NwkID follows the first zero.
"""

from dataclasses import dataclass

from agent.lorawan.phy import DataUp, JoinRequest, PhyError, RejoinRequest, parse_phy
from agent.record import Record
from agent.wire.configuration import FilterConfig

NWK_ID_BITS = (6, 6, 9, 11, 12, 13, 15, 17)
"""Length of the NwkID by type 0..7."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """A configuration made ready to judge with."""

    net_ids: frozenset[int]
    prefixes: tuple[tuple[int, int], ...]
    """(address, mask)."""
    join_euis: tuple[tuple[int, int], ...]
    proprietary: bool

    @property
    def open(self) -> bool:
        """Whether everything passes."""
        return not (self.net_ids or self.prefixes or self.join_euis) and self.proprietary

    def passes(self, record: Record) -> bool:
        """Return whether this server gets the frame."""
        if self.open:
            return True
        try:
            frame = parse_phy(record.payload)
        except PhyError:
            return self.proprietary
        match frame:
            case DataUp():
                verdict = self._address_passes(frame.dev_addr)
            case JoinRequest(join_eui=str(join_eui)) | RejoinRequest(join_eui=str(join_eui)):
                verdict = self._join_passes(join_eui)
            case RejoinRequest(net_id=net_id):
                verdict = not self.net_ids or net_id in self.net_ids
            case _:
                verdict = self.proprietary
        return verdict

    def _address_passes(self, dev_addr: int) -> bool:
        if not self.net_ids and not self.prefixes:
            return True
        network = network_of(dev_addr)
        if network is not None and network.net_id in self.net_ids:
            return True
        return any(dev_addr & mask == address for address, mask in self.prefixes)

    def _join_passes(self, join_eui: str) -> bool:
        number = int(join_eui, 16)
        return not self.join_euis or any(low <= number <= high for low, high in self.join_euis)


def filter_of(config: FilterConfig) -> Filter:
    """Return the filter that a configuration describes."""
    prefixes = []
    for prefix in config.dev_addrs:
        address, _, length = prefix.partition("/")
        mask = ~((1 << 32 - int(length)) - 1) & 0xFFFF_FFFF
        prefixes.append((int(address, 16) & mask, mask))
    ranges = tuple((int(low, 16), int(high, 16)) for low, high in (r.split("-") for r in config.join_euis))
    return Filter(
        net_ids=frozenset(int(net_id, 16) for net_id in config.net_ids),
        prefixes=tuple(prefixes),
        join_euis=ranges,
        proprietary=config.proprietary,
    )


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
