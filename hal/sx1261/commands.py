"""Commands of the SX1261 as values: patch, calibration, listening, scan.

Sources: FACTS §11; opcodes are those of the SX126x family, 0x9A, 0x9B and 0xD9 those of the patch.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from hal.packets import Spectrum
from hal.settings import image_band
from hal.sx1250.commands import frequency_register
from hal.units import Dbm, Hz

WRITE_REGISTER, READ_REGISTER = 0x0D, 0x1D
GET_DEVICE_ERRORS, GET_STATUS = 0x17, 0xC0
SET_STANDBY, SET_RX, SET_RF_FREQUENCY = 0x80, 0x82, 0x86
SET_PACKET_TYPE, SET_MODULATION_PARAMS, SET_PACKET_PARAMS = 0x8A, 0x8B, 0x8C
SET_BUFFER_BASE_ADDRESS, CALIBRATE_IMAGE, SET_FS = 0x8F, 0x98, 0xC1
LBT_SCAN, SPECTRAL_SCAN, PATCH_UPDATE = 0x9A, 0x9B, 0xD9

VERSION_AT, VERSION_CHARACTERS = 0x0320, 15
PATCH_GATE = 0x0610
PATCH_AT = 0x8000
SCAN_STATUS_AT, SCAN_RESULTS_AT = 0x07CD, 0x0401
SCAN_BINS = 33
RSSI_WINDOW_AT = 0x089B
SCAN_INTERVAL_8_2_US = 11
GPIO = 1
SCANS = {128: 24, 5000: 715}
"""How many RSSI samples fill a listening time."""
BANDWIDTH_CODES = {125_000: 0x0A, 250_000: 0x09}
SETTLE_US = 10_000


@dataclass(frozen=True, slots=True)
class Command:
    """One command; ``answers`` where its MISO is read."""

    opcode: int
    arguments: bytes = b""
    settle_us: int = 0


def write_register(address: int, data: bytes) -> Command:
    """Return the command that writes registers or patch memory."""
    return Command(WRITE_REGISTER, address.to_bytes(2, "big") + data)


def read_register(address: int, count: int) -> Command:
    """Return the command that reads registers; the answer has three bytes before the data."""
    return Command(READ_REGISTER, address.to_bytes(2, "big") + bytes(1 + count))


def standby() -> Command:
    """Return the command for standby on the RC oscillator."""
    return Command(SET_STANDBY, b"\x00")


def patch(image: bytes) -> Iterator[Command]:
    """Yield the commands that load the patch, four bytes at a time."""
    yield write_register(PATCH_GATE, b"\x10")
    for at in range(0, len(image), 4):
        yield write_register(PATCH_AT + at, image[at : at + 4])
    yield write_register(PATCH_GATE, b"\x00")
    yield Command(PATCH_UPDATE)


def calibrate(frequency_hz: Hz) -> Command:
    """Return the image calibration of the band."""
    return Command(CALIBRATE_IMAGE, image_band(frequency_hz), settle_us=SETTLE_US)


def set_up() -> tuple[Command, ...]:
    """Return buffer base and sensitivity adjustment."""
    return (Command(SET_BUFFER_BASE_ADDRESS, b"\x80\x80"), write_register(0x08AC, b"\xcb"))


def listen(frequency_hz: Hz, bandwidth_hz: int) -> tuple[Command, ...]:
    """Return the commands that abort any scan and listen continuously on one channel."""
    return (
        abort(),
        Command(SET_FS),
        Command(SET_RF_FREQUENCY, frequency_register(frequency_hz).to_bytes(4, "big")),
        write_register(RSSI_WINDOW_AT, b"\x14"),
        Command(SET_PACKET_TYPE, b"\x00"),
        Command(
            SET_MODULATION_PARAMS,
            bytes((0x00, 0x14, 0x00, 0x00, BANDWIDTH_CODES[bandwidth_hz], 0x02, 0xE9, 0x0F)),
        ),
        Command(SET_PACKET_PARAMS, bytes((0x00, 0x20, 0x05, 0x20, 0x00, 0x01, 0xFF, 0x00, 0x00))),
        Command(SET_RX, b"\xff\xff\xff"),
    )


def lbt_scan(scan_us: int, threshold_dbm: int) -> Command:
    """Return the command that starts sampling RSSI against a threshold.

    >>> lbt_scan(128, -70).arguments.hex()
    '0b00188c01'
    """
    scans = SCANS[scan_us]
    threshold = -2 * threshold_dbm & 0xFF
    return Command(LBT_SCAN, bytes((SCAN_INTERVAL_8_2_US, scans >> 8, scans & 0xFF, threshold, GPIO)))


def stop_listening() -> tuple[Command, ...]:
    """Return the commands that end listen-before-talk."""
    return (abort(), Command(SET_FS))


def abort() -> Command:
    """Return the command that ends a scan."""
    return write_register(RSSI_WINDOW_AT, b"\x00")


def spectral_scan(scans: int) -> Command:
    """Return the command that counts ``scans`` RSSI samples into 33 levels."""
    return Command(SPECTRAL_SCAN, bytes((scans >> 8, scans & 0xFF, SCAN_INTERVAL_8_2_US)))


def decode_spectrum(frequency_hz: Hz, data: bytes, offset_db: int) -> Spectrum:
    """Return the 33 counters with their levels; the lowest two share a level, above and below."""
    levels = tuple(Dbm(-4 * min(index, SCAN_BINS - 2) + offset_db) for index in range(SCAN_BINS))
    counts = tuple(int.from_bytes(data[2 * index : 2 * index + 2], "big") for index in range(SCAN_BINS))
    return Spectrum(frequency_hz=frequency_hz, levels_dbm=levels, counts=counts)
