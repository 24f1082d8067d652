from contextlib import suppress

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.wire.beat import ConnectorBeat, Heartbeat, Radio, TimeQuality, with_known
from agent.wire.messages import WireError, decode, encode

U32 = st.integers(0, 2**32 - 1)
SMALL = st.none() | st.integers(-50, 2**31)
CONNECTORS = st.lists(
    st.builds(
        ConnectorBeat,
        st.from_regex(r"[a-z0-9-]{1,32}", fullmatch=True),
        st.booleans(),
        st.integers(-1, 10**7).map(lambda age: age if age < 0 else age * 100),
        U32,
    ),
    max_size=4,
).map(tuple)
BEATS = st.builds(
    Heartbeat,
    boot=st.integers(0, 2**63 - 1),
    seq=st.integers(1, 2**32),
    uptime_ms=st.integers(0, 2**45),
    journal_seq=U32,
    at_us=st.integers(0, 2**60),
    time_quality=st.sampled_from(TimeQuality),
    radio=st.sampled_from(Radio),
    connectors=CONNECTORS,
    spool_records=U32,
    spool_accepting=st.booleans(),
    received=U32,
    delivered=U32,
    dropped=U32,
    config_version=U32,
    temperature_c=SMALL,
    cpu_percent=SMALL,
    memory_percent=SMALL,
    disk_percent=SMALL,
    backhaul_rtt_ms=SMALL,
    crc_failed=SMALL,
    transmitted=SMALL,
    interval_s=st.integers(1, 300),
    unbalanced_frames=U32,
)


@settings(max_examples=40)
@given(BEATS)
def test_compact_and_plain_forms_come_back_as_they_went(beat: Heartbeat) -> None:
    assert decode("health", encode(beat)) == beat
    assert decode("health", msgspec.msgpack.encode(beat)) == beat


@settings(max_examples=40)
@given(st.binary(max_size=200))
def test_rubbish_raises_the_wire_error_only(payload: bytes) -> None:
    with suppress(WireError):
        decode("health", payload)


@settings(max_examples=40)
@given(BEATS, st.data())
def test_damaged_heartbeats_raise_the_wire_error_only(beat: Heartbeat, data: st.DataObject) -> None:
    payload = bytearray(encode(beat))
    payload[data.draw(st.integers(0, len(payload) - 1))] ^= data.draw(st.integers(1, 255))
    with suppress(WireError):
        decode("health", bytes(payload))


def test_answer_age_is_never_told_fresher_than_it_is() -> None:
    lns = ConnectorBeat("lns", True, 29_901)
    beat = Heartbeat(1, 1, 0, 1, 0, TimeQuality.NTP, Radio.RECEIVING, (lns,), 0, True, 0, 0, 0, 1)
    back = decode("health", encode(beat))
    assert isinstance(back, Heartbeat)
    assert back.connectors[0].answer_age_ms == 30_000


@pytest.mark.parametrize(
    ("name", "seq", "received", "limit_bytes"),
    [("lns", 2_880, 5_000, 45), ("lns", 1_000_000, 100_000_000, 52)],
)
def test_a_heartbeat_fits_its_budget(name: str, seq: int, received: int, limit_bytes: int) -> None:
    beat = Heartbeat(
        boot=2**63 - 1,
        seq=seq,
        uptime_ms=(seq - 1) * 30_000 + 40,
        journal_seq=60_000,
        at_us=1_790_000_000_000_000,
        time_quality=TimeQuality.NTP,
        radio=Radio.RECEIVING,
        connectors=(ConnectorBeat(name, True, 9_000),),
        spool_records=3,
        spool_accepting=True,
        received=received,
        delivered=received - 3,
        dropped=0,
        config_version=12,
        crc_failed=None,
        transmitted=None,
    )
    assert len(encode(beat)) <= limit_bytes


def test_what_is_not_told_is_taken_from_the_one_before_of_the_same_boot() -> None:
    before = Heartbeat(
        7, 1, 0, 1, 0, TimeQuality.NTP, Radio.OFF, (), 0, True, 0, 0, 0, 1, temperature_c=40, crc_failed=5
    )  # fmt: skip
    beat = msgspec.structs.replace(before, seq=2, temperature_c=None, crc_failed=None, transmitted=9)
    assert with_known(beat, before).temperature_c == 40
    assert with_known(beat, before).crc_failed == 5
    assert with_known(beat, before).transmitted == 9
    assert with_known(msgspec.structs.replace(beat, boot=8), before).temperature_c is None
