import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.connectors.basics_station.cups import (
    ANSWER_LIMIT_BYTES,
    Answer,
    Credentials,
    CupsError,
    parse_answer,
    question,
    split_credentials,
)
from tests.datapath.cups_server import answer_of

TRUST = b"\x30\x03abc"
CERTIFICATE = b"\x30\x82\x01\x00" + bytes(256)


def test_the_question_has_every_field_and_no_signing_key() -> None:
    body = question(
        eui="0016c001f12a3b4c", cups_uri="https://c", tc_uri="wss://l", cups_crc=1, tc_crc=2, version="9"
    )
    asked = json.loads(body)
    assert asked["router"] == "16:c001:f12a:3b4c"
    assert (asked["cupsUri"], asked["tcUri"]) == ("https://c", "wss://l")
    assert (asked["cupsCredCrc"], asked["tcCredCrc"], asked["keys"]) == (1, 2, [])
    assert (asked["station"], asked["model"], asked["package"]) == ("passerelle 9", "passerelle", "9")


def test_fourteen_zero_bytes_say_that_nothing_changes() -> None:
    assert parse_answer(bytes(14)) == Answer()
    assert not parse_answer(bytes(14)).changes


def test_every_segment_is_found() -> None:
    content = answer_of(
        cups_uri="https://cups.example:443",
        tc_uri="wss://lns.example:8887",
        cups=TRUST + bytes(4) + b"Authorization: Bearer x\r\n",
        tc=TRUST + CERTIFICATE + b"key",
        signature=b"crc." + bytes(70),
        update=bytes(1000),
    )
    found = parse_answer(content)
    assert (found.cups_uri, found.tc_uri) == ("https://cups.example:443", "wss://lns.example:8887")
    assert (found.tc_credentials, found.update_bytes) == (TRUST + CERTIFICATE + b"key", 1000)
    assert parse_answer(content[:-1000]) == found, "update data are not needed"
    assert split_credentials(found.cups_credentials) == Credentials(trust=TRUST, token="Bearer x")
    assert split_credentials(found.tc_credentials) == Credentials(
        trust=TRUST, certificate=CERTIFICATE, key=b"key"
    )


def test_the_crc_is_that_of_the_blob_as_it_was_handed_out() -> None:
    for blob in (TRUST + CERTIFICATE + b"key", TRUST + bytes(4) + b"Authorization: Bearer x\r\n"):
        assert split_credentials(blob).crc == zlib.crc32(blob)
    assert Credentials().crc == zlib.crc32(bytes(12))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cupsUri: the answer ends before its length"),
        (b"\x05http", "cupsUri: 5 bytes announced, 4 there"),
        (bytes(13), "update: the answer ends"),
        (bytes(15), "update: 1 bytes too many"),
        (answer_of(cups_uri="ftp://x"), "cupsUri: 'ftp://x' is not http://HOST or https://HOST"),
        (answer_of(tc_uri="wss:///x"), "tcUri"),
        (answer_of(tc_uri="ws://a b"), "tcUri"),
        (answer_of(signature=b"1234567"), "signature: 7 bytes, not 8 to 132"),
    ],
)
def test_what_is_wrong_with_an_answer_is_named(content: bytes, message: str) -> None:
    with pytest.raises(CupsError, match=message):
        parse_answer(content)


@pytest.mark.parametrize(
    ("blob", "message"),
    [
        (b"", "trust: no DER"),
        (b"\x30\x05ab", "trust: 7 bytes announced, 4 there"),
        (b"\x30\x83\x00\x00\x01a", "trust: a length of 3 bytes"),
        (TRUST, "certificate: no DER"),
        (TRUST + b"\x00\x00\x00\x01", "certificate: neither"),
        (TRUST + CERTIFICATE, "key: missing"),
        (TRUST + bytes(4) + b"a\nb", "token"),
        (TRUST + bytes(4) + b"\xff", "token: not ASCII"),
    ],
)
def test_what_is_wrong_with_credentials_is_named(blob: bytes, message: str) -> None:
    with pytest.raises(CupsError, match=message):
        split_credentials(blob)


def test_the_longest_answer_is_within_the_limit() -> None:
    longest = answer_of(
        cups_uri="https://" + "c" * 247,
        tc_uri="wss://" + "l" * 249,
        cups=bytes(65535),
        tc=bytes(65535),
        signature=bytes(132),
    )
    assert len(longest) == ANSWER_LIMIT_BYTES
    assert parse_answer(longest).cups_credentials == bytes(65535)


@given(st.binary(max_size=400))
def test_any_bytes_give_an_answer_or_a_cups_error(content: bytes) -> None:
    for parse in (parse_answer, split_credentials):
        try:
            parse(content)
        except CupsError:
            continue
