"""A sensor and the network server, face to face: join, confirmed report, windows, wrong keys."""

from dataclasses import replace

import pytest

from agent.lorawan.phy import parse_phy
from demo.lns.core import DEDUPLICATION_US, Lns
from demo.lns.devices import Device
from demo.lns.semtech import PushData, Reception, TxAck, parse
from demo.sensors.sensor import (
    DATA_DELAY_US,
    JOIN_DELAY_US,
    RX2,
    SECOND_US,
    Due,
    Emit,
    Heard,
    Identity,
    Sensor,
    Sent,
    step,
)

KEY = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")
IDENTITY = Identity(dev_eui="70b3d57ed0000001", join_eui="70b3d57ed0000000", app_key=KEY, confirmed_every=1)
GATEWAY, OTHER = "0016c001ff000001", "0016c001ff000002"


def server(key: bytes = KEY) -> Lns:
    device = Device(dev_eui=IDENTITY.dev_eui, join_eui=IDENTITY.join_eui, app_key=key)
    return Lns(devices={device.dev_eui: device})


def heard_by(gateway: str, emit: Emit, *, tmst: int, snr_db: float = 7.0) -> PushData:
    reception = Reception(
        gateway=gateway,
        phy=emit.phy,
        tmst=tmst,
        frequency_mhz=emit.frequency_hz / 1e6,
        datarate=f"SF{emit.sf}BW125",
        coding_rate="4/5",
        rssi_dbm=-80,
        snr_db=snr_db,
    )
    return PushData(gateway=gateway, receptions=(reception,), refused=0, stat=None, answer=b"")


def downlink_of(datagram: bytes) -> dict:
    import base64
    import json

    txpk = json.loads(datagram[4:])["txpk"]
    return txpk | {"phy": base64.b64decode(txpk["data"])}


def uplink(lns: Lns, sensor: Sensor, now_us: int) -> tuple[Sensor, Emit, list[tuple[str, bytes]]]:
    """One emission of the sensor, heard by two gateways, and what the server answers."""
    sensor, commands = step(sensor, Due(), now_us)
    emit = next(command for command in commands if isinstance(command, Emit))
    sensor, _ = step(sensor, Sent(ended_at_us=now_us, frequency_hz=emit.frequency_hz, sf=emit.sf), now_us)
    lns.take(heard_by(GATEWAY, emit, tmst=now_us), now_us)
    lns.take(heard_by(OTHER, emit, tmst=now_us + 5, snr_db=-3), now_us + 1000)
    return sensor, emit, lns.due(now_us + DEDUPLICATION_US)


def receive(sensor: Sensor, txpk: dict, started_at_us: int) -> Sensor:
    heard = Heard(
        started_at_us=started_at_us,
        frequency_hz=round(txpk["freq"] * 1e6),
        sf=int(txpk["datr"][2:].split("B")[0]),
        phy=txpk["phy"],
    )
    return step(sensor, heard, started_at_us)[0]


def joined(lns: Lns) -> Sensor:
    sensor, _, answers = uplink(lns, Sensor(identity=IDENTITY), 0)
    txpk = downlink_of(answers[0][1])
    assert txpk["tmst"] == JOIN_DELAY_US
    return receive(sensor, txpk, JOIN_DELAY_US)


def test_join_then_confirmed_report_through_the_better_gateway() -> None:
    lns = server()
    sensor = joined(lns)
    assert sensor.session is not None
    sensor, _, answers = uplink(lns, sensor, 10 * SECOND_US)
    assert [gateway for gateway, _ in answers] == [GATEWAY]
    txpk = downlink_of(answers[0][1])
    assert txpk["tmst"] == 10 * SECOND_US + DATA_DELAY_US
    sensor = receive(sensor, txpk, txpk["tmst"])
    assert sensor.tally.acknowledged == sensor.tally.acknowledgements_asked == 1
    assert lns.counts["joined"] == lns.counts["accepted"] == 1
    assert lns.deliveries == {GATEWAY: 2, OTHER: 2}
    assert lns.heard_plain == [(IDENTITY.dev_eui, b"\0\0\0\0\7")]


def test_refused_rx1_is_sent_again_in_rx2() -> None:
    lns = server()
    sensor = joined(lns)
    sensor, _, answers = uplink(lns, sensor, 10 * SECOND_US)
    refused = TxAck(gateway=GATEWAY, token=answers[0][1][1:3], error="COLLISION_PACKET")
    again = lns.take(refused, 10 * SECOND_US)
    txpk = downlink_of(again[0][1])
    assert txpk["tmst"] == 12 * SECOND_US
    assert (round(txpk["freq"] * 1e6), txpk["datr"]) == (RX2[0], "SF12BW125")
    assert receive(sensor, txpk, txpk["tmst"]).tally.acknowledged == 1
    assert lns.counts["refused_collision_packet"] == 1


@pytest.mark.parametrize(("late_us", "acknowledged"), [(0, 1), (2_000, 1), (2_001, 0), (-2_001, 0)])
def test_a_downlink_beside_its_window_is_not_heard(late_us: int, acknowledged: int) -> None:
    lns = server()
    sensor, _, answers = uplink(lns, joined(lns), 10 * SECOND_US)
    txpk = downlink_of(answers[0][1])
    sensor = receive(sensor, txpk, txpk["tmst"] + late_us)
    assert sensor.tally.acknowledged == acknowledged
    assert sensor.tally.outside_window == 1 - acknowledged


def test_wrong_key_is_a_bad_mic_and_gets_no_answer() -> None:
    lns = server(key=bytes(16))
    _, _, answers = uplink(lns, Sensor(identity=IDENTITY), 0)
    assert answers == []
    assert lns.counts["bad_mic"] == 1


def test_a_nonce_used_before_is_refused() -> None:
    lns = server()
    _, emit, _ = uplink(lns, Sensor(identity=IDENTITY), 0)
    lns.take(heard_by(GATEWAY, emit, tmst=99), SECOND_US)
    assert lns.due(2 * SECOND_US) == []
    assert lns.counts["replayed"] == 1


def test_a_repeated_datagram_is_one_delivery_and_another_reception_is_two() -> None:
    lns = server()
    _, emit, _ = uplink(lns, Sensor(identity=IDENTITY), 0)
    lns.take(heard_by(GATEWAY, emit, tmst=0), SECOND_US)
    assert (lns.deliveries[GATEWAY], lns.counts["repeated"]) == (1, 1)
    lns.take(heard_by(GATEWAY, emit, tmst=777), SECOND_US)
    assert lns.deliveries[GATEWAY] == 2


def test_counters_go_beyond_sixteen_bits() -> None:
    lns = server()
    sensor = joined(lns)
    device = lns.devices[IDENTITY.dev_eui]
    assert sensor.session is not None
    assert device.session is not None
    lns.devices[device.dev_eui] = replace(device, session=replace(device.session, fcnt_up=65_535))
    sensor = replace(sensor, session=replace(sensor.session, fcnt_up=65_536))
    uplink(lns, sensor, 10 * SECOND_US)
    assert lns.counts["accepted"] == 1


def test_datagram_round_trip_names_what_is_wrong() -> None:
    head = b"\x02\x00\x01\x00" + bytes.fromhex(GATEWAY)
    message = parse(head + b'{"rxpk":[{"modu":"LORA"},{"modu":"FSK"}],"stat":{"rxnb":1}}')
    assert isinstance(message, PushData)
    assert (message.refused, message.stat) == (2, {"rxnb": 1})
    for datagram, field in [
        (b"", "length"),
        (b"\x01" + head[1:], "version"),
        (head[:3] + b"\x09" + head[4:], "kind"),
        (head + b"{", "json"),
        (head + b'{"rxpk":1}', "rxpk"),
    ]:
        with pytest.raises(ValueError, match=field):
            parse(datagram)
    assert parse_phy(bytes.fromhex("40f17dbe4900020001954378762b11ff0d"))
