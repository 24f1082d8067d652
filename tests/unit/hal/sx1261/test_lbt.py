"""Listen-before-talk: the whole table, and which transmissions a channel admits."""

import pytest

from hal.errors import OurMistake
from hal.packets import Cw, Fsk, Lora, Transmission
from hal.settings import LbtChannel, ListenBeforeTalk
from hal.sx1261.commands import decode_spectrum, lbt_scan, listen, patch
from hal.sx1261.lbt import (
    CLEAR_LIMIT_US,
    Awaiting,
    Clearing,
    Do,
    LbtVerdict,
    Listening,
    channel_for,
    reference_time_on_air_ms,
    step,
    worth_a_look,
)
from hal.units import Hz

NOW = 1_000_000
A = Awaiting(rf_chain=0, from_us=NOW, until_us=NOW + 10)
B = Awaiting(rf_chain=1, from_us=NOW, until_us=NOW + 10)
SENT, BLOCKED, UNKNOWN = (
    Clearing(verdict=verdict, until_us=NOW + CLEAR_LIMIT_US)
    for verdict in (LbtVerdict.SENT, LbtVerdict.BLOCKED, LbtVerdict.UNKNOWN)
)
LATE = Clearing(verdict=LbtVerdict.UNKNOWN, until_us=NOW + 10 + CLEAR_LIMIT_US)
END = (Do.ACKNOWLEDGE, Do.STOP_LISTENING)


@pytest.mark.parametrize(
    ("before", "agc_status", "now_us", "after", "commands"),
    [
        (A, 0x00, NOW, A, ()),
        (A, 0x02, NOW, A, ()),
        (A, 0x01, NOW, SENT, (Do.CLEAR_AGC,)),
        (A, 0x41, NOW, BLOCKED, (Do.CLEAR_AGC,)),
        (A, 0x81, NOW, SENT, (Do.CLEAR_AGC,)),
        (A, 0x00, NOW + 9, A, ()),
        (A, 0x00, NOW + 10, LATE, (Do.CLEAR_AGC, Do.ABORT)),
        (B, 0x01, NOW, B, ()),
        (B, 0x02, NOW, SENT, (Do.CLEAR_AGC,)),
        (B, 0x82, NOW, BLOCKED, (Do.CLEAR_AGC,)),
        (B, 0x42, NOW, SENT, (Do.CLEAR_AGC,)),
        (SENT, 0x01, NOW, SENT, ()),
        (SENT, 0x00, NOW, LbtVerdict.SENT, END),
        (BLOCKED, 0x00, NOW, LbtVerdict.BLOCKED, END),
        (UNKNOWN, 0x00, NOW, LbtVerdict.UNKNOWN, END),
        (SENT, 0x01, NOW + CLEAR_LIMIT_US - 1, SENT, ()),
        (SENT, 0x01, NOW + CLEAR_LIMIT_US, LbtVerdict.SENT, END),
    ],
)
def test_the_table(
    before: Listening, agc_status: int, now_us: int, after: object, commands: tuple[Do, ...]
) -> None:
    assert step(before, agc_status, now_us) == (after, commands)


def test_the_agc_is_not_asked_before_it_can_know() -> None:
    assert not worth_a_look(A, NOW - 1)
    assert worth_a_look(A, NOW)
    assert worth_a_look(SENT, 0)


RULES = ListenBeforeTalk(
    threshold_dbm=-70,
    channels=(
        LbtChannel(frequency_hz=Hz(868_100_000), bandwidth_hz=125_000, scan_us=128, transmit_limit_ms=400),
        LbtChannel(frequency_hz=Hz(869_525_000), bandwidth_hz=125_000, scan_us=5000, transmit_limit_ms=1),
    ),
)


def sending(frequency_hz: int, *, sf: int = 9, bandwidth_hz: int = 125_000, size: int = 10) -> Transmission:
    return Transmission(
        payload=bytes(size),
        modulation=Lora(sf=sf, bandwidth_hz=bandwidth_hz),
        frequency_hz=Hz(frequency_hz),
        power_dbm=14,
    )


@pytest.mark.parametrize("off_hz", [-10_000, 0, 10_000])
def test_a_channel_matches_within_ten_kilohertz(off_hz: int) -> None:
    assert channel_for(sending(868_100_000 + off_hz), RULES) is RULES.channels[0]


@pytest.mark.parametrize(
    ("transmission", "reason"),
    [
        (sending(868_110_001), "no channel at 868110001 Hz of 125000 Hz"),
        (sending(868_100_000, bandwidth_hz=250_000), "no channel"),
        (sending(868_100_000, sf=12, size=30), "us on air, at most 398500 us"),
        (sending(869_525_000), "at most -500 us"),
    ],
)
def test_what_no_channel_admits_is_refused(transmission: Transmission, reason: str) -> None:
    with pytest.raises(OurMistake, match=reason):
        channel_for(transmission, RULES)


def test_time_on_air_is_rounded_as_the_reference_does() -> None:
    lora = Transmission(
        payload=bytes(17), modulation=Lora(sf=9), frequency_hz=Hz(1), power_dbm=0, preamble_symbols=8
    )
    fsk = Transmission(
        payload=bytes(17),
        modulation=Fsk(),
        frequency_hz=Hz(1),
        power_dbm=0,
        preamble_symbols=5,
        with_crc=True,
    )
    carrier = Transmission(payload=b"", modulation=Cw(), frequency_hz=Hz(1), power_dbm=0)

    # eu868_corecell: send_lora_immediate 165 ms, send_fsk_immediate 5 ms
    assert [reference_time_on_air_ms(each) for each in (lora, fsk, carrier)] == [165, 5, 0]


def test_commands_are_those_of_the_recorded_send() -> None:
    # eu868_sx1261_lbt_scan, send_lora_immediate
    shown = [f"{each.opcode:02x} {each.arguments.hex()}" for each in listen(Hz(867_500_000), 125_000)]
    assert shown == [
        "0d 089b00",
        "c1 ",
        "86 36380000",
        "0d 089b14",
        "8a 00",
        "8b 001400000a02e90f",
        "8c 002005200001ff0000",
        "82 ffffff",
    ]
    assert lbt_scan(5000, -80).arguments.hex() == "0b02cba001"


def test_a_patch_is_written_four_bytes_at_a_time_between_its_gates() -> None:
    sent = [(each.opcode, each.arguments.hex()) for each in patch(bytes(range(8)))]

    assert sent == [
        (0x0D, "061010"),
        (0x0D, "800000010203"),
        (0x0D, "800404050607"),
        (0x0D, "061000"),
        (0xD9, ""),
    ]


def test_a_spectrums_last_two_bins_share_their_level() -> None:
    data = b"".join(index.to_bytes(2, "big") for index in range(33))

    spectrum = decode_spectrum(Hz(1), data, -11)

    assert spectrum.counts == tuple(range(33))
    assert spectrum.levels_dbm[0] == -11
    assert spectrum.levels_dbm[31:] == (-135, -135)
