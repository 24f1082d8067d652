"""Against the vectors of two independent implementations."""

import json

import pytest

from agent.lorawan.phy import DataUp, JoinRequest, parse_phy
from demo.crypto import (
    DOWN,
    UP,
    crypt_payload,
    data_mic,
    mic,
    open_join_accept,
    seal_join_accept,
    session_keys,
)
from tests.golden.files import golden_text

VECTORS = json.loads(golden_text("lorawan_test_vectors.json"))


def vectors(kind: str) -> list[dict]:
    found = [vector for vector in VECTORS if vector["kind"] == kind]
    assert found, f"no vector of kind {kind}"
    return found


@pytest.mark.parametrize("vector", vectors("data10"), ids=lambda vector: vector["phy"])
def test_data_frames(vector: dict) -> None:
    raw = bytes.fromhex(vector["phy"])
    frame = parse_phy(raw)
    position = {
        "direction": UP if isinstance(frame, DataUp) else DOWN,
        "address": frame.dev_addr,
        "counter": int.from_bytes(bytes.fromhex(vector["fcnt_msb"]), "big") << 16 | frame.fcnt,
    }
    expected = data_mic(bytes.fromhex(vector["nwk_skey"]), raw[:-4], **position)
    assert (expected == frame.mic) == vector["mic_ok"]
    if vector["frm_plain"] is not None:
        key = bytes.fromhex(vector["app_skey"] or vector["nwk_skey"])
        assert crypt_payload(key, frame.frm_payload, **position).hex() == vector["frm_plain"]


@pytest.mark.parametrize("vector", vectors("join_request"), ids=lambda vector: vector["phy"])
def test_join_requests(vector: dict) -> None:
    raw = bytes.fromhex(vector["phy"])
    frame = parse_phy(raw)
    assert isinstance(frame, JoinRequest)
    if vector["app_key"]:
        assert (mic(bytes.fromhex(vector["app_key"]), raw[:-4]) == frame.mic) == vector["mic_ok"]
    if "dev_eui" in vector:
        assert (frame.dev_eui, frame.join_eui) == (vector["dev_eui"], vector["join_eui"])


@pytest.mark.parametrize("vector", vectors("join_accept"), ids=lambda vector: vector["phy"])
def test_join_accepts_open_and_seal_again(vector: dict) -> None:
    key, raw = bytes.fromhex(vector["app_key"]), bytes.fromhex(vector["phy"])
    fields = open_join_accept(key, raw)
    assert fields is not None
    assert int.from_bytes(fields[:3], "little") == vector["join_nonce"]
    assert fields[6:10][::-1].hex() == vector["dev_addr"]
    assert seal_join_accept(key, raw[0], fields) == raw
    assert open_join_accept(bytes(15) + b"\1", raw) is None


@pytest.mark.parametrize("vector", vectors("session_keys10"))
def test_session_keys(vector: dict) -> None:
    keys = session_keys(
        bytes.fromhex(vector["app_key"]),
        app_nonce=int(vector["app_nonce"], 16),
        net_id=int(vector["net_id"], 16),
        dev_nonce=int(vector["dev_nonce"], 16),
    )
    assert (keys.network.hex(), keys.application.hex()) == (vector["nwk_skey"], vector["app_skey"])
