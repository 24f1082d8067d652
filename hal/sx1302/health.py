"""Whether the radio can hear: the verdict on what a few registers say, and why.

A chip that lost its configuration (a brown-out, a pulse on its reset line) still answers with its version:
its enables are what tells.

Sources: FACTS §14 (a deaf AGC behind a healthy bus), §6.15 (enables), §4 (version).
"""

from dataclasses import dataclass

from hal.sx1302.identity import DEAD_BUS

ENABLES_AT = 0x5605
"""The enables; the version register follows."""
ENABLED = 0x0F
PARITY_BIT = 0x01
AGC_STUCK = 0x14
"""The status of a deaf AGC (issue 154 of the reference)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """What was read."""

    enables: int
    version: int
    agc_control: int
    agc_status: int
    arb_control: int
    counter_moves: bool

    @property
    def agc_parity_ok(self) -> bool:
        """Whether the AGC's program is undamaged."""
        return not self.agc_control & PARITY_BIT

    @property
    def arb_parity_ok(self) -> bool:
        """Whether the arbiter's program is undamaged."""
        return not self.arb_control & PARITY_BIT


def fault(vitals: Vitals) -> str:
    """Return why nothing can be received, the most fundamental reason first; empty where nothing says so."""
    if vitals.version in DEAD_BUS:
        return f"version register reads {vitals.version:#04x}"
    if vitals.enables & ENABLED != ENABLED:
        return f"the chip lost its configuration (enables read {vitals.enables:#04x}): reset or power dip"
    if not vitals.agc_parity_ok:
        return "parity error of the AGC program"
    if not vitals.arb_parity_ok:
        return "parity error of the ARB program"
    if vitals.agc_status == AGC_STUCK:
        return f"AGC stuck with status {AGC_STUCK:#04x}"
    return "" if vitals.counter_moves else "the counter stands still"
