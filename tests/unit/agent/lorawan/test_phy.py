"""PHYPayload parsing: published frames, every length, any bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.lorawan.phy import (
    DataDown,
    DataUp,
    JoinAccept,
    JoinRequest,
    PhyError,
    Proprietary,
    RejoinRequest,
    data_address,
    encode_data,
    encode_join_request,
    parse_phy,
)


def test_unconfirmed_uplink_of_the_lora_packet_readme() -> None:
    frame = bytes.fromhex("40f17dbe4900020001954378762b11ff0d")
    assert parse_phy(frame) == DataUp(
        dev_addr=0x49BE7DF1,
        fcnt=2,
        fport=1,
        frm_payload=bytes.fromhex("95437876"),
        mic=bytes.fromhex("2b11ff0d"),
    )


def test_join_request_shows_euis_most_significant_first() -> None:
    frame = bytes.fromhex("00dc0000d07ed5b3701e6fedf57ceeaf0085cc587fe913")
    parsed = parse_phy(frame)
    assert parsed == JoinRequest(
        join_eui="70b3d57ed00000dc",
        dev_eui="00afee7cf5ed6f1e",
        dev_nonce=0xCC85,
        mic=bytes.fromhex("587fe913"),
    )
    assert encode_join_request(parsed) == frame


@pytest.mark.parametrize(("kind", "size"), [(0, 19), (1, 24), (2, 19)])
def test_rejoin_requests_of_every_type(kind: int, size: int) -> None:
    frame = bytes((0xC0, kind)) + bytes(range(size - 2))
    parsed = parse_phy(frame)
    assert isinstance(parsed, RejoinRequest)
    assert parsed.rejoin_type == kind
    assert (parsed.net_id is None, parsed.join_eui is None) == (kind == 1, kind != 1)
    assert parsed.mic == frame[-4:]
    assert parsed.rj_count == int.from_bytes(frame[-6:-4], "little")


@pytest.mark.parametrize("size", [17, 33])
def test_join_accept(size: int) -> None:
    assert parse_phy(b"\x20" + bytes(size - 1)) == JoinAccept(encrypted=bytes(size - 1))


def test_proprietary_keeps_its_body() -> None:
    assert parse_phy(b"\xe3\x01\x02") == Proprietary(body=b"\x01\x02")


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (b"", "mhdr: the frame is empty"),
        (b"\x41" + bytes(20), "mhdr: major version 1"),
        (b"\x40" + bytes(10), "length: a data frame has at least 12 bytes, not 11"),
        (b"\x40\0\0\0\0\x01\0\0" + bytes(4), "fopts: 1 bytes announced, 0 are there"),
        (b"\x00" + bytes(21), "length: a join-request has 23 bytes, not 22"),
        (b"\x00" + bytes(23), "length: a join-request has 23 bytes, not 24"),
        (b"\x20" + bytes(17), "length: a join-accept has 17 or 33 bytes, not 18"),
        (b"\xc0", "length: a rejoin-request has 19 or 24 bytes, not 1"),
        (b"\xc0\x03" + bytes(17), "rejoin_type: 3"),
        (b"\xc0\x01" + bytes(17), "length: a rejoin-request type 1 has 24 bytes, not 19"),
    ],
)
def test_what_is_wrong_is_named(frame: bytes, message: str) -> None:
    with pytest.raises(PhyError, match=message):
        parse_phy(frame)


@given(st.binary(max_size=255))
def test_any_bytes_give_a_frame_or_a_phy_error_and_data_frames_encode_back(frame: bytes) -> None:
    try:
        parsed = parse_phy(frame)
    except PhyError:
        return
    if isinstance(parsed, DataUp | DataDown) and not frame[0] & 0x1C:
        assert encode_data(parsed) == frame


@given(
    st.sampled_from([DataUp, DataDown]),
    st.integers(0, 2**32 - 1),
    st.integers(0, 65535),
    st.binary(max_size=15),
    st.one_of(st.none(), st.integers(0, 255)),
    st.binary(max_size=200),
)
def test_data_frames_survive_the_round_trip(
    kind: type[DataUp] | type[DataDown],
    dev_addr: int,
    fcnt: int,
    fopts: bytes,
    fport: int | None,
    body: bytes,
) -> None:
    frame = kind(
        dev_addr=dev_addr,
        fcnt=fcnt,
        fctrl=0x80,
        fopts=fopts,
        fport=fport,
        frm_payload=b"" if fport is None else body,
    )
    assert parse_phy(encode_data(frame)) == frame


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"dev_addr": 1 << 32}, "dev_addr"),
        ({"fcnt": 65536}, "fcnt"),
        ({"fctrl": 0x01}, "fctrl"),
        ({"fopts": bytes(16)}, "fopts"),
        ({"frm_payload": b"x"}, "fport"),
        ({"fport": 256}, "fport"),
        ({"mic": b"123"}, "mic"),
    ],
)
def test_values_check_themselves(fields: dict[str, object], message: str) -> None:
    with pytest.raises(PhyError, match=message):
        DataUp(**({"dev_addr": 1, "fcnt": 1} | fields))  # type: ignore[arg-type]


def test_flags_are_read_from_fctrl() -> None:
    frame = DataUp(dev_addr=1, fcnt=1, fctrl=0xA0)
    assert (frame.adr, frame.ack, frame.address) == (True, True, "00000001")


@given(st.binary(max_size=40))
def test_an_address_is_that_of_the_parsed_data_frame(frame: bytes) -> None:
    try:
        parsed = parse_phy(frame)
    except PhyError:
        parsed = None
    expected = parsed.dev_addr if isinstance(parsed, DataUp | DataDown) else None
    assert data_address(frame) == expected


@pytest.mark.parametrize("fopts_bytes", range(16))
@pytest.mark.parametrize("size", [11, 12, 13, 26, 27, 28])
@pytest.mark.parametrize("mhdr", [0x40, 0x60, 0x80, 0xA0, 0x41, 0x00, 0x20, 0xC0, 0xE0])
def test_an_address_needs_a_whole_data_frame(mhdr: int, size: int, fopts_bytes: int) -> None:
    frame = bytes((mhdr, 1, 2, 3, 4, fopts_bytes)) + bytes(size - 6)
    whole = mhdr in {0x40, 0x60, 0x80, 0xA0} and size >= 12 + fopts_bytes
    assert data_address(frame) == (0x04030201 if whole else None)
