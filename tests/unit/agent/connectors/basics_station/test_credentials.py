from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.connectors.basics_station.credentials import (
    CredentialStore,
    HandedOut,
    decode,
    encode,
    merged,
    origin_of,
)
from agent.connectors.basics_station.cups import Answer, Credentials, CupsError
from agent.connectors.basics_station.cups_keeper import own_settings_turn
from agent.wire.configuration import ConnectorConfig, CupsConfig
from tests.datapath.certificates import issue

CONFIG = ConnectorConfig(
    name="bs",
    kind="basics_station",
    host="lns",
    port=1,
    contractual=True,
    cups=CupsConfig(uri="https://cups"),
)
ORIGIN = origin_of(CONFIG)


def handed_out(number: int) -> HandedOut:
    return HandedOut(tc_uri=f"wss://lns{number}", tc=Credentials(trust=bytes([number]), token="t"))


def test_what_is_saved_is_loaded_and_private(tmp_path: Path) -> None:
    store = CredentialStore(tmp_path / "cups" / "bs", ORIGIN)
    assert store.load() == HandedOut()
    for number in range(5):
        store.save(handed_out(number))
        found = store.load()
        assert (found.tc_uri, found.tc) == (f"wss://lns{number}", handed_out(number).tc)
    files = sorted((tmp_path / "cups" / "bs").iterdir())
    assert [file.name for file in files] == ["a", "b"]
    assert [file.stat().st_mode & 0o777 for file in (*files, files[0].parent)] == [0o600, 0o600, 0o700]


def test_a_power_cut_at_any_byte_leaves_a_usable_set(tmp_path: Path) -> None:
    store = CredentialStore(tmp_path, ORIGIN)
    store.save(handed_out(1))
    store.save(handed_out(2))
    newer = next(slot for slot in (tmp_path / "a", tmp_path / "b") if b"lns2" in slot.read_bytes())
    content = newer.read_bytes()
    for kept_bytes in range(len(content)):
        newer.write_bytes(content[:kept_bytes])
        assert store.load().tc_uri == "wss://lns1"
    assert store.damaged == len(content)
    (tmp_path / "a.new").write_bytes(content[:9])
    store.save(handed_out(3))
    assert store.load().tc_uri == "wss://lns3"


def test_another_signed_configuration_begins_anew_and_the_old_one_finds_its_own(tmp_path: Path) -> None:
    CredentialStore(tmp_path, ORIGIN).save(handed_out(1))
    moved = CredentialStore(tmp_path, origin_of(msgspec.structs.replace(CONFIG, host="other")))
    assert moved.load() == HandedOut()
    moved.save(handed_out(2))
    assert moved.load().tc_uri == "wss://lns2"
    assert CredentialStore(tmp_path, ORIGIN).load().tc_uri == "wss://lns1"


def test_an_answer_is_taken_whole_or_not_at_all(tmp_path: Path) -> None:
    authority = issue(tmp_path, "authority")
    ours, other = issue(tmp_path, "ours", authority), issue(tmp_path, "other", authority)
    before = HandedOut(tc_uri="wss://before")
    blob = authority.der + ours.der + ours.key_der
    after = merged(before, Answer(tc_uri="wss://after", tc_credentials=blob))
    assert after.tc_uri == "wss://after"
    assert after.tc == Credentials(trust=authority.der, certificate=ours.der, key=ours.key_der)
    wrong = authority.der + ours.der + other.key_der
    with pytest.raises(CupsError, match="tcCred: the key is not that of the certificate"):
        merged(before, Answer(tc_uri="wss://after", tc_credentials=wrong))
    with pytest.raises(CupsError, match="cupsCred"):
        merged(before, Answer(cups_credentials=b"\x30\x01a" + bytes(4) + b"token"))


@given(st.binary(max_size=200), st.integers(0, 300))
def test_any_file_is_a_set_or_a_cups_error(content: bytes, cut: int) -> None:
    for damaged in (content, encode(handed_out(1), ORIGIN)[:cut]):
        try:
            decode(damaged)
        except CupsError:
            continue


def test_six_failures_give_the_other_settings_six_turns() -> None:
    turns = [own_settings_turn(failures) for failures in range(18)]
    assert turns == [False] * 6 + [True] * 6 + [False] * 6


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "chirpstack_mqtt"}, "only basics_station knows CUPS"),
        ({"cups": CupsConfig(uri="https://c", key_file="k")}, "cups.key_file"),
        ({"forward_bad_crc": True}, "forward_bad_crc"),
        ({"kind": "semtech_udp", "cups": CupsConfig(), "forward_non_lorawan": True}, "forward_non_lorawan"),
        ({"kind": "semtech_udp", "cups": CupsConfig(), "owns_radio_plan": True}, "owns_radio_plan"),
    ],
)
def test_settings_that_mean_nothing_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        msgspec.structs.replace(CONFIG, **changes)
