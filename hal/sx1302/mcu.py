"""Loading the two microcontrollers and talking them through their start.

Every wait has a deadline; a status that never comes names the step that waited for it.

Sources: FACTS §6.16–6.18 (loading, handshake tables), §14 (no time-outs in the reference).
"""

from dataclasses import dataclass

from hal.bus.access import Registers
from hal.errors import ChipMisbehaved
from hal.microcode import MCU_IMAGE_BYTES, Images
from hal.ports import HalClock
from hal.registers import agc_mcu, arb_mcu, common
from hal.registers.bitfields import Field
from hal.settings import FineTimestampMode
from hal.waiting import wait_for

STATUS_LIMIT_US = 1_000_000
"""The firmware answers within microseconds; a second of silence is no firmware."""
STARTED = 0x01
MAILBOX_WRITE = 0x578C
"""Mailbox 0; mailboxes 1..3 lie below."""
MAILBOX_READ = 0x5790
AUTOMATIC = 0xFF
DUAL_DEMODULATION = {None: 0x00, FineTimestampMode.ALL_SF: 0xFF, FineTimestampMode.HIGH_CAPACITY: 0x3F}
STATISTICS_SF = 7
DOUBLE_DETECT_FILTER = 3
PARITY_BIT = 0x01


@dataclass(frozen=True, slots=True, kw_only=True)
class Mcu:
    """The addresses and fields of one microcontroller."""

    name: str
    memory: int
    clear: Field
    program: Field
    status: int


AGC = Mcu(
    name="AGC",
    memory=0x0000,
    clear=agc_mcu.AGC_MCU_CTRL_MCU_CLEAR,
    program=agc_mcu.AGC_MCU_CTRL_HOST_PROG,
    status=0x5781,
)
ARB = Mcu(
    name="ARB",
    memory=0x2000,
    clear=arb_mcu.ARB_MCU_CTRL_MCU_CLEAR,
    program=arb_mcu.ARB_MCU_CTRL_HOST_PROG,
    status=0x6081,
)


@dataclass(frozen=True, slots=True)
class Step:
    """Write ``values`` to mailboxes 0.., then ``notify``; ``status`` must follow, and ``echo`` be read."""

    what: str
    notify: int
    status: int
    values: tuple[int, ...]
    echo: tuple[int, ...]


def agc_steps(*, listen_before_talk: bool) -> tuple[Step, ...]:
    """Return the AGC handshake of FACTS §6.17 for SX1250 radios."""

    def step(what: str, notify: int, status: int, *values: int) -> Step:
        return Step(what, notify, status, values, values)

    automatic = (AUTOMATIC, AUTOMATIC)
    return (
        Step("gains of radio A", 0x80, 0x02, automatic, (*automatic, 0)),
        Step("gains of radio B", 0x20, 0x03, automatic, (*automatic, 0)),
        step("analog gain limits", 0x03, 0x04, 1, 13),
        step("analog thresholds", 0x04, 0x05, 3, 12),
        step("decimator attenuation", 0x05, 0x06, 4, 15),
        step("decimator thresholds", 0x06, 0x07, 40, 80, 90),
        step("channel attenuation", 0x07, 0x08, 4, 14),
        step("channel thresholds", 0x08, 0x09, 52, 132),
        step("PA configuration", 0x09, 0x0A, 0, 7, 4),
        step("PA start delay", 0x0A, 0x0B, 8),
        step("listen before talk", 0x0B, 0x0F, int(listen_before_talk)),
    )


AGC_RUN = 0x0F


def load(registers: Registers, mcu: Mcu, image: bytes) -> None:
    """Write the program, read it back, let it go.

    Raises:
        ChipMisbehaved: what was read is not what was written (bad solder, bad bus), or parity is wrong.
    """
    where = f"{mcu.name} firmware"
    registers.apply([(mcu.clear, 1)])
    registers.write_field(mcu.program, 1)
    registers.apply([(common.COMMON_PAGE_PAGE, 0)])
    registers.write_memory(mcu.memory, image)
    found = registers.read_memory(mcu.memory, MCU_IMAGE_BYTES)
    if found != image:
        at = next(index for index in range(MCU_IMAGE_BYTES) if found[index] != image[index])
        raise ChipMisbehaved(
            f"read-back differs from byte {at:#06x} on: {found[at]:#04x}, written {image[at]:#04x}",
            where=where,
        )
    registers.write_field(mcu.program, 0)
    registers.write_field(mcu.clear, 0)
    if registers.read(mcu.clear.address)[0] & PARITY_BIT:
        raise ChipMisbehaved("parity error after loading", where=where)


def start_agc(registers: Registers, clock: HalClock, images: Images, *, listen_before_talk: bool) -> None:
    """Talk the AGC through its handshake."""
    _agc_answer(registers, clock, "start", STARTED, (images.agc_version,))
    for step in agc_steps(listen_before_talk=listen_before_talk):
        values = bytes(reversed(step.values))
        registers.write(MAILBOX_WRITE - len(values) + 1, values)
        registers.write(MAILBOX_WRITE - 3, bytes((step.notify,)))
        _agc_answer(registers, clock, step.what, step.status, step.echo)
    registers.write(MAILBOX_WRITE - 3, bytes((AGC_RUN,)))


def _agc_answer(registers: Registers, clock: HalClock, what: str, status: int, echo: tuple[int, ...]) -> None:
    """Wait for a status and check the mailboxes; both come in one read, the status first."""
    where = f"AGC handshake, {what}"
    answer = wait_for(
        lambda: registers.read(AGC.status, MAILBOX_READ - AGC.status + 1),
        lambda data: data[0] == status,
        clock=clock,
        limit_us=STATUS_LIMIT_US,
        where=where,
    )
    found = tuple(answer[-1 - mailbox] for mailbox in range(len(echo)))
    if found != echo:
        kind = "version" if status == STARTED else "mailboxes"
        raise ChipMisbehaved(f"{kind} {list(found)}, must be {list(echo)}", where=where)


def start_arb(registers: Registers, clock: HalClock, images: Images, fine: FineTimestampMode | None) -> None:
    """Talk the arbiter through its start."""

    def status(expected: int, what: str) -> bytes:
        return wait_for(
            lambda: registers.read(ARB.status, 0x608D - ARB.status + 1),
            lambda data: data[0] == expected,
            clock=clock,
            limit_us=STATUS_LIMIT_US,
            where=f"ARB handshake, {what}",
        )

    version = status(STARTED, "start")[-1]
    if version != images.arb_version:
        raise ChipMisbehaved(f"version {version}, must be {images.arb_version}", where="ARB handshake, start")
    registers.apply(
        [
            (arb_mcu.ARB_MCU_ARB_DEBUG_CFG_0_ARB_DEBUG_CFG_0, STATISTICS_SF),
            (arb_mcu.ARB_MCU_ARB_DEBUG_CFG_3_ARB_DEBUG_CFG_3, DUAL_DEMODULATION[fine]),
            (arb_mcu.ARB_MCU_ARB_DEBUG_CFG_2_ARB_DEBUG_CFG_2, DOUBLE_DETECT_FILTER),
            (arb_mcu.ARB_MCU_ARB_DEBUG_CFG_1_ARB_DEBUG_CFG_1, 1),
        ]
    )
    status(0, "run")
