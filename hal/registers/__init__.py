"""The register map as data, one module per block; all on page 0.

``BY_NAME`` holds the 1,044 named fields, ``NAMES_AT`` what lives at an address (for errors),
``POWER_ON`` the bytes after a reset as far as the named fields tell them.

Sources: FACTS §3.  The names and defaults are Semtech's (sx1302_hal v2.1.0): see ``NOTICE.md``.
"""

from hal.registers import (
    agc_mcu,
    arb_mcu,
    capture_ram,
    clk_ctrl,
    common,
    gpio,
    otp,
    radio_fe,
    rx_top_channels,
    rx_top_correlators,
    rx_top_modems,
    rx_top_service,
    timestamp,
    tx_top_a,
    tx_top_b,
)
from hal.registers.bitfields import Field, insert

_BLOCKS = (
    agc_mcu,
    arb_mcu,
    capture_ram,
    clk_ctrl,
    common,
    gpio,
    otp,
    radio_fe,
    rx_top_channels,
    rx_top_correlators,
    rx_top_modems,
    rx_top_service,
    timestamp,
    tx_top_a,
    tx_top_b,
)
BY_NAME: dict[str, Field] = {
    name: value for block in _BLOCKS for name, value in vars(block).items() if isinstance(value, Field)
}


def _names_at() -> dict[int, tuple[str, ...]]:
    at: dict[int, tuple[str, ...]] = {}
    for name, field in BY_NAME.items():
        at[field.address] = (*at.get(field.address, ()), name)
    return at


def _power_on() -> dict[int, int]:
    values: dict[int, int] = {}
    for field in BY_NAME.values():
        values[field.address] = insert(field, field.default, values.get(field.address, 0))
    return values


NAMES_AT: dict[int, tuple[str, ...]] = _names_at()
POWER_ON: dict[int, int] = _power_on()


def describe(address: int) -> str:
    """Return the address with the fields that live there, for an error's ``where``."""
    names = NAMES_AT.get(address)
    return f"{address:#06x}" if names is None else f"{address:#06x} {names[0]}"
