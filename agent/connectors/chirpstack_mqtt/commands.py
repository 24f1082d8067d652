"""What the server asks for: downlinks, and what is refused; protobuf to values, pure.

Source: ``api/proto/gw/gw.proto`` of ChirpStack 4.20 (field numbers).
"""

from dataclasses import dataclass

from agent.connectors.chirpstack_mqtt.context import ContextError, decode_context
from agent.connectors.chirpstack_mqtt.protobuf import ProtobufError, fields, read_span, signed32
from agent.downlink.model import AtCounter, AtGps, Downlink, Immediate, Timing
from hal.packets import PAYLOAD_LIMIT_BYTES, Fsk, Lora
from hal.units import Hz

ITEMS_LIMIT = 8
PREAMBLE_LORA_SYMBOLS = 8
PREAMBLE_FSK_BYTES = 5
CODE_RATES = {0: 1, 1: 1, 2: 2, 3: 3, 4: 4}


class CommandError(ValueError):
    """A command that cannot be obeyed; the text names the field and the rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DownlinkCommand:
    """Alternatives in the order in which to try them, RX1 before RX2."""

    downlink_id: int
    gateway_id: str
    items: tuple[Downlink, ...]


def parse_downlink(payload: bytes) -> DownlinkCommand:
    """Return the downlink that a ``command/down`` asks for.

    Raises:
        CommandError: no DownlinkFrame, or a field that is missing or out of range.
    """
    downlink_id, gateway_id = 0, ""
    items: list[Downlink] = []
    try:
        for field, value in fields(payload):
            if field == 3 and isinstance(value, int):
                downlink_id = value & 0xFFFF_FFFF
            elif field == 7 and isinstance(value, bytes):
                gateway_id = value.decode()
            elif field == 5 and isinstance(value, bytes):
                items.append(_item(value))
    except (ProtobufError, ContextError, UnicodeDecodeError) as error:
        raise CommandError(str(error)) from error
    if not 1 <= len(items) <= ITEMS_LIMIT:
        raise CommandError(f"items: {len(items)}, not 1 to {ITEMS_LIMIT}")
    return DownlinkCommand(downlink_id=downlink_id, gateway_id=gateway_id, items=tuple(items))


def read_exec_id(payload: bytes) -> int:
    """Return the exec_id of a GatewayCommandExecRequest, 0 when there is none."""
    try:
        found = [value for field, value in fields(payload) if field == 7 and isinstance(value, int)]
    except ProtobufError as error:
        raise CommandError(str(error)) from error
    return found[-1] & 0xFFFF_FFFF if found else 0


def _item(content: bytes) -> Downlink:
    found = dict(fields(content))
    payload, tx_info = found.get(1, b""), found.get(3)
    if not isinstance(payload, bytes) or not isinstance(tx_info, bytes):
        raise CommandError("tx_info: needed in every item")
    if len(payload) > PAYLOAD_LIMIT_BYTES:
        raise CommandError(f"phy_payload: {len(payload)} bytes, at most {PAYLOAD_LIMIT_BYTES}")
    info = dict(fields(tx_info))
    frequency, power = _integer(info, 1, "frequency"), _integer(info, 2, "power")
    lora, fsk = _modulation(_embedded(info, 3, "modulation"))
    context = info.get(7, b"")
    timing = _timing(_embedded(info, 6, "timing"), context if isinstance(context, bytes) else b"")
    return Downlink(
        payload=payload,
        modulation=lora[0] if lora else fsk,
        frequency_hz=Hz(frequency),
        timing=timing,
        power_dbm=signed32(power),
        invert_polarity=lora[1] if lora else False,
        preamble_symbols=lora[2] if lora else PREAMBLE_FSK_BYTES,
        with_crc=lora[3] if lora else True,
    )


# LoRaWAN 1.0.4 §3.1.2: downlinks to devices (inverted polarity) carry no payload CRC.
def _modulation(content: bytes) -> tuple[tuple[Lora, bool, int, bool] | None, Fsk]:
    found = dict(fields(content))
    if isinstance(content_lora := found.get(3), bytes):
        info = dict(fields(content_lora))
        rate = _integer(info, 5, "code_rate")
        if rate not in CODE_RATES:
            raise CommandError(f"code_rate: {rate} is not CR_4_5 to CR_4_8")
        try:
            lora = Lora(
                sf=_integer(info, 2, "spreading_factor"),
                bandwidth_hz=_integer(info, 1, "bandwidth"),
                coding_rate=CODE_RATES[rate],
            )
        except ValueError as error:
            raise CommandError(str(error)) from error
        preamble = _integer(info, 6, "preamble") or PREAMBLE_LORA_SYMBOLS
        if preamble > 0xFFFF:
            raise CommandError(f"preamble: {preamble} is more than 65535")
        inverted, no_crc = bool(_integer(info, 4, "polarization_inversion")), _integer(info, 7, "no_crc")
        return (lora, inverted, preamble, not (no_crc or inverted)), Fsk()
    if isinstance(content_fsk := found.get(4), bytes):
        info = dict(fields(content_fsk))
        bitrate, deviation = _integer(info, 2, "datarate"), _integer(info, 1, "frequency_deviation")
        if not 500 <= bitrate <= 250_000 or deviation > 250_000:
            raise CommandError(f"fsk: {bitrate} bit/s with {deviation} Hz deviation")
        return None, Fsk(bitrate_bps=bitrate, deviation_hz=deviation or bitrate // 2)
    raise CommandError("modulation: neither lora nor fsk")


def _timing(content: bytes, context: bytes) -> Timing:
    found = dict(fields(content))
    if 1 in found:
        return Immediate()
    if isinstance(delay := found.get(2), bytes):
        counter_us, session = decode_context(context)
        return AtCounter(counter_us + _first_span(delay, "delay"), session)
    if isinstance(gps := found.get(3), bytes):
        return AtGps(_first_span(gps, "time_since_gps_epoch"))
    raise CommandError("timing: one of immediately, delay and gps_epoch is needed")


def _first_span(content: bytes, name: str) -> int:
    inner = dict(fields(content)).get(1, b"")
    if not isinstance(inner, bytes):
        raise CommandError(f"{name}: no duration")
    duration_us = read_span(inner)
    if not 0 <= duration_us < 1 << 60:
        raise CommandError(f"{name}: {duration_us} us is out of range")
    return duration_us


def _integer(found: dict[int, int | bytes], field: int, name: str) -> int:
    value = found.get(field, 0)
    if not isinstance(value, int):
        raise CommandError(f"{name}: no integer")
    return value


def _embedded(found: dict[int, int | bytes], field: int, name: str) -> bytes:
    value = found.get(field, b"")
    if not isinstance(value, bytes):
        raise CommandError(f"{name}: no message")
    return value
