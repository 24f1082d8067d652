"""What the gateway publishes: uplinks, statistics, acknowledgements, its connection; to protobuf, pure.

Source: ``api/proto/gw/gw.proto`` of ChirpStack 4.20 (field numbers).  Checked byte for byte against
``chirpstack-api`` in the tests.
"""

from enum import IntEnum

from agent.connectors.chirpstack_mqtt.context import encode_context
from agent.connectors.chirpstack_mqtt.protobuf import double, message, number, octets, real, span, text
from agent.connectors.chirpstack_mqtt.statistics import Airing, Statistics
from agent.connectors.reception import Reception, late_marks
from agent.downlink.model import BandLoad, Code
from agent.downlink.plan import HOUR_US
from agent.observation import Position
from agent.record import Record
from agent.wire.messages import TimeQuality
from hal.airtime import after_preamble_us
from hal.packets import Lora

CRC_OK = 2
BAD_CRC = 1
NO_CRC = 0


class TxAckStatus(IntEnum):
    """What became of one item of a downlink."""

    IGNORED = 0
    OK = 1
    TOO_LATE = 2
    TOO_EARLY = 3
    COLLISION_PACKET = 4
    COLLISION_BEACON = 5
    TX_FREQ = 6
    TX_POWER = 7
    GPS_UNLOCKED = 8
    QUEUE_FULL = 9
    INTERNAL_ERROR = 10
    DUTY_CYCLE_OVERFLOW = 11


STATUS_OF = {
    Code.OK: TxAckStatus.OK,
    Code.TOO_LATE: TxAckStatus.TOO_LATE,
    Code.TOO_EARLY: TxAckStatus.TOO_EARLY,
    Code.COLLISION_PACKET: TxAckStatus.COLLISION_PACKET,
    Code.COLLISION_BEACON: TxAckStatus.COLLISION_BEACON,
    Code.TX_FREQ: TxAckStatus.TX_FREQ,
    Code.TX_POWER: TxAckStatus.TX_POWER,
    Code.GPS_UNLOCKED: TxAckStatus.GPS_UNLOCKED,
    Code.QUEUE_FULL: TxAckStatus.QUEUE_FULL,
    Code.DUTY_CYCLE: TxAckStatus.DUTY_CYCLE_OVERFLOW,
    Code.LBT: TxAckStatus.COLLISION_PACKET,
    Code.INTERNAL: TxAckStatus.INTERNAL_ERROR,
}


def uplink(
    record: Record, reception: Reception, eui: str, *, late: bool = False, damaged: bool = False
) -> bytes:
    """Return an UplinkFrame; ``damaged``: its CRC is wrong."""
    tx_info = number(1, record.frequency_hz) + message(2, _modulation(record))
    status = BAD_CRC if damaged else CRC_OK if record.crc_checked else NO_CRC
    rx_info = _rx_info(record, reception, eui, late=late) + number(16, status)
    return octets(1, record.payload) + message(4, tx_info) + message(5, rx_info)


def _modulation(record: Record) -> bytes:
    return _modulation_of((record.sf, record.rate, record.coding_rate))


def _modulation_of(airing: Airing) -> bytes:
    sf, rate, coding_rate = airing
    if not sf:
        return message(4, number(2, rate))
    return message(3, number(1, rate) + number(2, sf) + number(5, coding_rate))


def _rx_info(record: Record, reception: Reception, eui: str, *, late: bool) -> bytes:
    trusted = reception.quality is not TimeQuality.UNTRUSTED and reception.utc_us > 0
    gps_us = reception.gps_us if trusted else None
    parts = [
        text(1, eui),
        number(2, record.id & 0xFFFF_FFFF),
        span(3, reception.utc_us) if trusted else b"",
        span(4, gps_us) if gps_us is not None else b"",
        _fine(gps_us, record),
        number(6, round(record.rssi_dbm)),
        real(7, record.snr_db),
        number(8, record.if_channel),
        number(9, record.rf_chain),
        octets(13, encode_context(record.counter_us, record.session)),
        *(_pair(15, key, value) for key, value in _metadata(record, reception, late=late)),
    ]
    return b"".join(parts)


SECOND_US = 1_000_000
FINE_DOUBT_US = 100_000
"""A second is named only where the time of reception fits the fine time so well."""


def _fine(gps_us: int | None, record: Record) -> bytes:
    """The GPS second of the pulse before the end of the preamble, with the fine time since that pulse.

    A packet at SF12 ends one or two seconds after the pulse that its fine time counts from.
    """
    if gps_us is None or record.fine_ns is None or not record.sf:
        return b""
    lora = Lora(sf=record.sf, bandwidth_hz=record.rate, coding_rate=record.coding_rate)
    after_us = after_preamble_us(lora, len(record.payload), crc=record.crc_checked)
    pulse_us = gps_us - after_us - record.fine_ns // 1000
    second = round(pulse_us / SECOND_US)
    if abs(pulse_us - second * SECOND_US) > FINE_DOUBT_US:
        return b""
    return message(5, number(1, second) + number(2, record.fine_ns))


def _metadata(record: Record, reception: Reception, *, late: bool) -> list[tuple[str, str]]:
    pairs = {"time_quality": reception.quality.name.lower()}
    return sorted((pairs | (late_marks(record.id, reception) if late else {})).items())


def _pair(field: int, key: str, value: str) -> bytes:
    return message(field, text(1, key) + text(2, value))


def tx_ack(downlink_id: int, eui: str, statuses: tuple[TxAckStatus, ...]) -> bytes:
    """Return a DownlinkTxAck: one status for each item of the downlink."""
    items = b"".join(message(5, number(1, status)) for status in statuses)
    return number(2, downlink_id) + items + text(6, eui)


LOCATION_OF_GPS = 1
ETSI_EN_300_220 = 1
"""``common.Regulation``."""


def stats(statistics: Statistics, eui: str, *, version: str) -> bytes:
    """Return GatewayStats; ``version`` is the agent's.

    ChirpStack sends ``command/config`` only to gateways whose metadata name a Concentratord, and compares the
    ``config_version`` there (4.20, ``uplink/stats.rs``, ``update_gateway_configuration``).
    """
    metadata = {"concentratord_version": version, "config_version": statistics.config_version}
    by_status = ((name, count) for name, count in statistics.tx_by_status if count)
    return b"".join(
        [
            span(2, max(statistics.utc_us, 0)),
            _location(statistics.position),
            text(4, statistics.config_version),
            number(5, statistics.received),
            number(6, statistics.received_ok),
            number(7, statistics.asked),
            number(8, statistics.emitted),
            *(_pair(10, key, value) for key, value in metadata.items() if value),
            *(_count(12, frequency, count) for frequency, count in statistics.tx_by_frequency_hz),
            *(_count(13, frequency, count) for frequency, count in statistics.rx_by_frequency_hz),
            *(_counted(14, airing, count) for airing, count in statistics.tx_by_modulation),
            *(_counted(15, airing, count) for airing, count in statistics.rx_by_modulation),
            *(message(16, text(1, name) + number(2, count)) for name, count in sorted(by_status)),
            text(17, eui),
            _duty_cycles(statistics.loads),
        ]
    )


def _duty_cycles(loads: tuple[BandLoad, ...]) -> bytes:
    """Return DutyCycleStats; nothing where no band is known."""
    if not loads:
        return b""
    bands = [
        message(
            3,
            text(1, load.name)
            + number(2, load.from_hz)
            + number(3, load.to_hz)
            + span(4, load.limit_us)
            + span(5, load.used_us),
        )
        for load in loads
    ]
    return message(18, number(1, ETSI_EN_300_220) + span(2, HOUR_US) + b"".join(bands))


def _location(position: Position | None) -> bytes:
    if position is None:
        return b""
    parts = [double(1, position.latitude_deg), double(2, position.longitude_deg)]
    altitude = b"" if position.altitude_m is None else double(3, position.altitude_m)
    return message(3, b"".join([*parts, altitude, number(4, LOCATION_OF_GPS)]))


def _count(field: int, key: int, count: int) -> bytes:
    return message(field, number(1, key) + number(2, count))


def _counted(field: int, airing: Airing, count: int) -> bytes:
    return message(field, message(1, _modulation_of(airing)) + number(2, count))


def connection(eui: str, *, online: bool) -> bytes:
    """Return ConnState."""
    return number(2, int(online)) + text(3, eui)


def exec_refused(exec_id: int, eui: str) -> bytes:
    """Return the GatewayCommandExecResponse that refuses a command."""
    return text(5, "commands are refused") + text(6, eui) + number(7, exec_id)
