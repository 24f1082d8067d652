"""Which frames a server gets, pure: by NetID, DevAddr prefix and JoinEUI, frame by frame."""

from dataclasses import dataclass

from agent.lorawan.address import network_of
from agent.lorawan.phy import DataUp, JoinRequest, PhyError, RejoinRequest, parse_phy
from agent.record import Record
from agent.wire.configuration import FilterConfig


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
