"""Register access: one transaction where the neighbours are known, none where nothing changes."""

import pytest

from hal.bus.access import Registers
from hal.errors import LineFailed, OurMistake
from hal.registers import agc_mcu, common, rx_top_modems
from tests.unit.hal.sx1302.fake_bus import BulkMemoryBus, MemoryBus, ShortBus


def test_a_field_beside_unknown_bits_is_read_first() -> None:
    bus = MemoryBus()
    registers = Registers(bus)

    registers.write_field(common.COMMON_CTRL0_CLK32_RIF_CTRL, 1)

    assert bus.lines == [("R", 0x5601, b"\x0b"), ("W", 0x5601, b"\x1b")]


def test_a_field_beside_known_bits_is_one_transaction() -> None:
    bus = MemoryBus()
    registers = Registers(bus)
    registers.read(0x5601)
    bus.lines.clear()

    registers.write_field(common.COMMON_CTRL0_HOST_RADIO_CTRL, 0)
    registers.write_field(common.COMMON_CTRL0_CLK32_RIF_CTRL, 1)

    assert bus.lines == [("W", 0x5601, b"\x03"), ("W", 0x5601, b"\x13")]


def test_apply_writes_only_what_differs_from_what_was_written() -> None:
    bus = MemoryBus()
    registers = Registers(bus)
    plan = [(rx_top_modems.RX_TOP_TXRX_CFG6_PREAMBLE_SYMB_NB, 10)]

    registers.apply(plan)
    registers.apply(plan)
    registers.apply(plan, known_only=False)

    address = rx_top_modems.RX_TOP_TXRX_CFG6_PREAMBLE_SYMB_NB.address
    assert bus.writes() == [(address, b"\x0a"), (address, b"\x0a")]


def test_a_write_to_a_read_only_field_is_our_mistake() -> None:
    bus = MemoryBus()

    with pytest.raises(OurMistake, match="0x5606 COMMON_VERSION_VERSION: write to a read-only field"):
        Registers(bus).apply([(common.COMMON_VERSION_VERSION, 1)])
    assert bus.lines == []


def test_control_bits_beside_the_chips_own_are_kept() -> None:
    bus = MemoryBus()
    bus.memory[0x5780] = 0x15
    registers = Registers(bus)

    registers.write_field(agc_mcu.AGC_MCU_CTRL_HOST_PROG, 1)

    assert bus.writes() == [(0x5780, b"\x16")]


def test_memory_moves_in_bursts_and_the_fifo_stays_at_its_address() -> None:
    bus = MemoryBus()
    registers = Registers(bus)
    registers.write_memory(0x2000, bytes(2500))
    registers.read_memory(0x2000, 2500)
    registers.read_memory(0x4000, 2500, fifo=True)

    assert [(at, len(data)) for at, data in bus.writes()] == [(0x2000, 1024), (0x2400, 1024), (0x2800, 452)]
    assert bus.reads() == [
        (0x2000, 2500),
        (0x4000, 1024),
        (0x4000, 1024),
        (0x4000, 452),
    ]


def test_a_bus_that_can_takes_the_writes_in_one_command() -> None:
    bus = BulkMemoryBus()
    registers = Registers(bus)
    registers.write_segments([(0x5800, b"\x01"), (0x5810, b"\x02"), (0x5820, b"\x03")])
    registers.write_segments([(0x5800, b"\x01")])

    assert bus.bulks == [3]
    assert registers.transactions == 4


def test_a_short_transfer_is_a_failed_line() -> None:
    with pytest.raises(LineFailed, match="4 of 5 bytes"):
        Registers(ShortBus()).read(0x5606)
