"""PULL_RESP to downlinks, verdicts to TX_ACK."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.connectors.semtech_udp.txpk import TxpkError, malformed_body, parse_txpk, tx_ack_body
from agent.downlink.model import AtGps, AtTmst, Code, DownlinkVerdict, Immediate
from hal.packets import Fsk, Lora

LORA = {
    "imme": True,
    "freq": 869.525,
    "rfch": 0,
    "powe": 27,
    "modu": "LORA",
    "datr": "SF9BW125",
    "codr": "4/5",
    "ipol": True,
    "size": 3,
    "data": "AQID",
}


def parse(**changes: object) -> object:
    fields = {name: value for name, value in (LORA | changes).items() if value is not None}
    return parse_txpk(json.dumps({"txpk": fields}).encode())


def test_every_field_arrives() -> None:
    downlink = parse(prea=10, ncrc=True, nhdr=True)
    assert downlink.payload == b"\x01\x02\x03"
    assert downlink.modulation == Lora(sf=9)
    assert (downlink.frequency_hz, downlink.power_dbm, downlink.rf_chain) == (869_525_000, 27, 0)
    assert (downlink.preamble_symbols, downlink.with_crc, downlink.implicit_header) == (10, False, True)
    assert downlink.timing == Immediate()


@pytest.mark.parametrize(
    ("changes", "timing"),
    [
        ({"imme": False, "tmst": 5}, AtTmst(5)),
        ({"imme": None, "tmms": 7}, AtGps(7_000)),
        ({"imme": True, "tmst": 5}, Immediate()),
    ],
)
def test_the_three_timings(changes: dict[str, object], timing: object) -> None:
    assert parse(**changes).timing == timing


def test_fsk_and_defaults() -> None:
    downlink = parse(modu="FSK", datr=50_000, fdev=25_000, codr=None, ipol=None, powe=None)
    assert downlink.modulation == Fsk(bitrate_bps=50_000, deviation_hz=25_000)
    assert (downlink.preamble_symbols, downlink.invert_polarity, downlink.power_dbm) == (5, False, None)


def test_without_ipol_nothing_is_inverted_as_in_the_reference() -> None:
    assert [parse(ipol=ipol).invert_polarity for ipol in (None, False, True)] == [False, False, True]


@pytest.mark.parametrize(
    ("number", "tmst"),
    [("3512348611", 3_512_348_611), ("3.512348611e9", 3_512_348_611), ("7.0", 7), ("7.9", 7)],
)
@pytest.mark.parametrize("end", [b"", b"\0", b"\0\0rest of a buffer"])
def test_numbers_have_any_json_form_and_text_ends_at_the_first_nul(
    number: str, tmst: int, end: bytes
) -> None:
    text = json.dumps({"txpk": LORA | {"imme": False, "tmst": "N", "size": 3.0, "rfch": 1.0, "prea": 9.0}})
    downlink = parse_txpk(text.replace('"N"', number).encode() + end)
    assert downlink.timing == AtTmst(tmst)
    assert (downlink.rf_chain, downlink.preamble_symbols) == (1, 9)
    fsk = parse(modu="FSK", datr=5e4, fdev=25e3)
    assert fsk.modulation == Fsk(bitrate_bps=50_000, deviation_hz=25_000)


def test_base64_without_padding_is_read() -> None:
    assert parse(data="AQI", size=2).payload == b"\x01\x02"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"freq": None}, "freq"),
        ({"freq": "868"}, "freq"),
        ({"freq": -1}, "freq"),
        ({"datr": "SF13BW125"}, "datr"),
        ({"datr": "SF7BW126"}, "datr"),
        ({"datr": 50_000}, "datr"),
        ({"codr": "5/4"}, "codr"),
        ({"modu": "MSK"}, "modu"),
        ({"modu": "FSK"}, "datr"),
        ({"modu": "FSK", "datr": 499}, "datr"),
        ({"data": "!"}, "data"),
        ({"data": None}, "data"),
        ({"data": "A" * 400}, "data: 300 bytes"),
        ({"size": 4}, "size: 4, but data holds 3"),
        ({"rfch": 2}, "rfch"),
        ({"powe": 1e9}, "powe"),
        ({"imme": None}, "tmst: one of imme, tmst and tmms"),
        ({"imme": None, "tmst": 1 << 32}, "tmst"),
        ({"imme": None, "tmst": -1}, "tmst"),
    ],
)
def test_what_is_wrong_with_a_txpk_is_named(changes: dict[str, object], message: str) -> None:
    with pytest.raises(TxpkError, match=message):
        parse(**changes)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"txpk":1}', b"\xff\xfe", b"[" * 3000, b'{"rxpk":{}}'])
def test_what_is_no_txpk_is_refused(body: bytes) -> None:
    with pytest.raises(TxpkError):
        parse_txpk(body)


@given(
    st.dictionaries(
        st.sampled_from([*sorted(LORA), "tmst", "tmms", "prea", "fdev", "ncrc"]),
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=12)),
    )
)
def test_any_fields_give_a_downlink_or_a_txpk_error(changes: dict[str, object]) -> None:
    try:
        parse_txpk(json.dumps({"txpk": LORA | changes}).encode())
    except TxpkError:
        return


@pytest.mark.parametrize(
    ("verdict", "body"),
    [
        (DownlinkVerdict(code=Code.OK), b""),
        (DownlinkVerdict(code=Code.OK, power_dbm=14.4), b'{"txpk_ack":{"warn":"TX_POWER","value":14}}'),
        (DownlinkVerdict(code=Code.TOO_LATE), b'{"txpk_ack":{"error":"TOO_LATE"}}'),
        (DownlinkVerdict(code=Code.TOO_EARLY), b'{"txpk_ack":{"error":"TOO_EARLY"}}'),
        (DownlinkVerdict(code=Code.COLLISION_PACKET), b'{"txpk_ack":{"error":"COLLISION_PACKET"}}'),
        (DownlinkVerdict(code=Code.COLLISION_BEACON), b'{"txpk_ack":{"error":"COLLISION_BEACON"}}'),
        (DownlinkVerdict(code=Code.TX_FREQ), b'{"txpk_ack":{"error":"TX_FREQ"}}'),
        (DownlinkVerdict(code=Code.TX_POWER), b'{"txpk_ack":{"error":"TX_POWER"}}'),
        (DownlinkVerdict(code=Code.GPS_UNLOCKED), b'{"txpk_ack":{"error":"GPS_UNLOCKED"}}'),
        (DownlinkVerdict(code=Code.QUEUE_FULL), b'{"txpk_ack":{"error":"COLLISION_PACKET"}}'),
        (DownlinkVerdict(code=Code.DUTY_CYCLE), b'{"txpk_ack":{"error":"COLLISION_PACKET"}}'),
        (DownlinkVerdict(code=Code.INTERNAL), b'{"txpk_ack":{"error":"COLLISION_PACKET"}}'),
    ],
)
def test_every_verdict_has_its_word(verdict: DownlinkVerdict, body: bytes) -> None:
    assert tx_ack_body(verdict) == body


def test_a_txpk_that_could_not_be_read_is_answered() -> None:
    assert json.loads(malformed_body()) == {"txpk_ack": {"error": "TX_FREQ"}}
