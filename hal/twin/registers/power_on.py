"""What each register of the SX1302 holds at power-on, and which bytes the host cannot write.

589 byte addresses in runs of neighbours; ``tests/unit/hal/twin/registers/test_power_on.py`` compares every
byte with the vendor's table.

Sources: default values and read-only flags of the register table of Semtech's sx1302_hal v2.1.0
(``loragw_reg.c``, Revised BSD licence, (c) 2019 Semtech), as facts; FACTS §3.
"""

POWER_ON: dict[int, str] = {
    0x5200: "0000000000bb80000100000000000000000000",
    0x5220: "18000000006c900000004000",
    0x5240: "0f0200141a0b68972352255653656400",
    0x5260: "5782210c00000800400614000aa264000000",
    0x5400: "0000000000bb80000100000000000000000000",
    0x5420: "18000000006c900000004000",
    0x5440: "0f0200141a0b68972352255653656400",
    0x5460: "5782210c00000800400614000aa264000000",
    0x5600: "000b050280001000",
    0x5640: "0000000000000000000000000000000000000000",
    0x5700: "0000000000000000000000000000000000000000000000000000000000000000",
    0x5780: "140000000000000100000000000000000000",
    0x57C0: "0000",
    0x5800: "008001801e8000800032003c004600500038000000f0000000000100",
    0x5820: (
        "ff00ffffffbb370b20302b16bb370b20302316bb370b20301b16bb380b20301b16bb3a0b20301b16bb3c0b20"
        "301b16bb3c0b20301b16bb3c0b20301b1600"
    ),
    0x5860: (
        "080d0000020302030508060402fefcfd030b130a00072a310b3c06192a8082050c00000800080334001b0204"
        "02040204178356cc50000074008356cc500000740970030921ffffffff4053282030532540af0b07000000b8"
        "7f0050555555550000ff0015000000000000000000000000000000000000000000010000"
    ),
    0x5B00: (
        "008000080d0000020302030508060402fefcfd030b130a00072a310b3c06192a804782050c00000800083400"
        "563b02041783940c530009700309214353281830772537af0b075500"
    ),
    0x5B50: "0080000004800000000000000000000000000000000400",
    0x6000: "00000000000000000200",
    0x6080: "2400",
    0x6087: "010000000000000000000000000000000000000000000000000000",
    0x6100: "000000000000000000000000000000000000",
    0x6180: "0000000000000000ffffff0100",
}
"""First address of a run to its bytes, in hex."""

READ_ONLY: tuple[tuple[int, int], ...] = (
    (0x5211, 0x5213),
    (0x522B, 0x522C),
    (0x524F, 0x5250),
    (0x526F, 0x5270),
    (0x5271, 0x5272),
    (0x5411, 0x5413),
    (0x542B, 0x542C),
    (0x544F, 0x5450),
    (0x546F, 0x5470),
    (0x5471, 0x5472),
    (0x5606, 0x5608),
    (0x5644, 0x5646),
    (0x5653, 0x5654),
    (0x5704, 0x5707),
    (0x570D, 0x570E),
    (0x5711, 0x5714),
    (0x571A, 0x571B),
    (0x571D, 0x5720),
    (0x5781, 0x5782),
    (0x578D, 0x5792),
    (0x57C1, 0x57C2),
    (0x5818, 0x5819),
    (0x581B, 0x581C),
    (0x585D, 0x585E),
    (0x58B4, 0x58B7),
    (0x58BF, 0x58C0),
    (0x58C4, 0x58D9),
    (0x58DA, 0x58DC),
    (0x5B47, 0x5B48),
    (0x5B66, 0x5B67),
    (0x6005, 0x6008),
    (0x6009, 0x600A),
    (0x6081, 0x6082),
    (0x608D, 0x609D),
    (0x60A1, 0x60A2),
    (0x6101, 0x6109),
    (0x6111, 0x6112),
    (0x6181, 0x6183),
    (0x6187, 0x6188),
    (0x618C, 0x618D),
)
"""First and past-the-end address of each run of read-only bytes."""

ADDRESS_SPACE_BYTES = 0x8000
"""15-bit addresses (FACTS §1)."""


def power_on_bytes() -> bytearray:
    """Return the whole address space as it is after a reset; memories are zero."""
    space = bytearray(ADDRESS_SPACE_BYTES)
    for start, digits in POWER_ON.items():
        run = bytes.fromhex(digits)
        space[start : start + len(run)] = run
    return space
