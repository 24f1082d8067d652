"""NetID by DevAddr: one address of each type."""

import pytest

from agent.connectors.filters import Network, network_of


@pytest.mark.parametrize(
    ("dev_addr", "address_type", "nwk_id"),
    [
        (0x26011BDA, 0, 0x13),
        (0x00000001, 0, 0),
        (0x80000000 | 0x2A << 24, 1, 0x2A),
        (0xC0000000 | 0x155 << 20, 2, 0x155),
        (0xE0000000 | 0x555 << 17, 3, 0x555),
        (0xF0000000 | 0xABC << 15, 4, 0xABC),
        (0xF8000000 | 0x1234 << 13, 5, 0x1234),
        (0xFC000000 | 0x5678 << 10, 6, 0x5678),
        (0xFE000000 | 0x1ABCD << 7, 7, 0x1ABCD),
    ],
)
def test_each_type(dev_addr: int, address_type: int, nwk_id: int) -> None:
    assert network_of(dev_addr) == Network(address_type=address_type, nwk_id=nwk_id)
    assert Network(address_type=address_type, nwk_id=nwk_id).net_id == address_type << 21 | nwk_id


def test_no_type_covers_eight_leading_ones() -> None:
    assert network_of(0xFF000000) is None
