"""Semtech's ``global_conf.json`` as it is, comments included, to ``Settings``.

Keys that this project does not need (servers, GPS paths) are left alone; a value of the wrong kind or out of
range is an error that names its path.

Sources: the files in sx1302_hal v2.1.0 ``packet_forwarder/``; FACTS §6 for what each value does.
"""

from collections.abc import Mapping
from typing import TypeVar, overload

from hal import semtech_json
from hal.errors import OurMistake
from hal.semtech_files import ROOT, conf_of
from hal.settings import (
    FALLBACK_GAINS,
    Channel,
    FineTimestampMode,
    FskModem,
    Gain,
    LbtChannel,
    ListenBeforeTalk,
    LoraService,
    Radio,
    Settings,
    Sx1261Settings,
    TemperatureCompensation,
)
from hal.units import Hz

Scalar = TypeVar("Scalar", int, float, str, bool)


class _Node:
    """A JSON object that knows its path and hands out values of the kind that is asked for."""

    def __init__(self, value: object, path: str) -> None:
        if not isinstance(value, Mapping):
            raise OurMistake("must be an object", where=path)
        self._value: Mapping[str, object] = value
        self.path = path

    def node(self, key: str) -> "_Node | None":
        value = self._value.get(key)
        return None if value is None else _Node(value, f"{self.path}.{key}")

    def nodes(self, key: str) -> list["_Node"]:
        value = self._value.get(key, [])
        if not isinstance(value, list):
            raise OurMistake("must be a list", where=f"{self.path}.{key}")
        return [_Node(item, f"{self.path}.{key}[{index}]") for index, item in enumerate(value)]

    def numbers(self, key: str) -> list[int] | None:
        value = self._value.get(key)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(item, int) for item in value):
            raise OurMistake("must be a list of whole numbers", where=f"{self.path}.{key}")
        return value

    @overload
    def get(self, key: str, kind: type[Scalar]) -> Scalar: ...
    @overload
    def get(self, key: str, kind: type[Scalar], default: Scalar) -> Scalar: ...
    def get(self, key: str, kind: type[Scalar], default: Scalar | None = None) -> Scalar:
        value = self._value.get(key, default)
        where = f"{self.path}.{key}"
        if value is None:
            raise OurMistake("is missing", where=where)
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if kind is int and isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
            raise OurMistake(f"must be {kind.__name__}, not {value!r}", where=where)
        return value


def read_global_conf(data: bytes) -> Settings:
    """Return the settings that a ``global_conf.json`` asks for.

    Raises:
        OurMistake: not JSON, a missing or wrong value (with its path), or settings that cannot be served.
    """
    return settings_of(semtech_json.read(data))


def settings_of(value: object) -> Settings:
    """Return the settings in an already decoded ``global_conf.json``."""
    root = _Node(conf_of(value), ROOT)
    if root.get("full_duplex", bool, default=False):
        raise OurMistake("full duplex needs SX1255 radios, which are not supported", where="full_duplex")
    demodulators = root.node("chan_multiSF_All")
    factors = None if demodulators is None else demodulators.numbers("spreading_factor_enable")
    return Settings(
        radios=(_radio(root.node("radio_0")), _radio(root.node("radio_1"))),
        channels=tuple(_channel(root.node(f"chan_multiSF_{index}")) for index in range(8)),
        spreading_factors=frozenset(range(5, 13) if factors is None else factors),
        service=_service(root.node("chan_Lora_std")),
        fsk=_fsk(root.node("chan_FSK")),
        clock_source=root.get("clksrc", int, default=0),
        public=root.get("lorawan_public", bool, default=True),
        fine_timestamp=_fine_timestamp(root.node("fine_timestamp")),
        sx1261=_sx1261(root.node("sx1261_conf")),
        antenna_gain_db=root.get("antenna_gain", float, default=0.0),
    )


def _enabled(node: _Node | None) -> _Node | None:
    return node if node is not None and node.get("enable", bool, default=False) else None


def _radio(node: _Node | None) -> Radio | None:
    node = _enabled(node)
    if node is None:
        return None
    kind = node.get("type", str, default="SX1250")
    if kind != "SX1250":
        raise OurMistake(f"{kind} is not supported, only SX1250", where=f"{node.path}.type")
    tx_enabled = node.get("tx_enable", bool, default=False)
    low, high = (node.get(f"tx_freq_{end}", int, default=0) for end in ("min", "max"))
    return Radio(
        frequency_hz=Hz(node.get("freq", int)),
        rssi_offset_db=node.get("rssi_offset", float, default=0.0),
        compensation=_compensation(node.node("rssi_tcomp")),
        single_input=node.get("single_input_mode", bool, default=False),
        tx_enabled=tx_enabled,
        tx_range_hz=(Hz(low), Hz(high)) if tx_enabled and low and high else None,
        gains=(tuple(_gain(entry) for entry in node.nodes("tx_gain_lut")) if tx_enabled else ())
        or FALLBACK_GAINS,
    )


def _compensation(node: _Node | None) -> TemperatureCompensation:
    if node is None:
        return TemperatureCompensation()
    a, b, c, d, e = (node.get(f"coeff_{letter}", float, default=0.0) for letter in "abcde")
    return TemperatureCompensation(a=a, b=b, c=c, d=d, e=e)


def _gain(node: _Node) -> Gain:
    return Gain(
        power_dbm=node.get("rf_power", int),
        pa_gain=node.get("pa_gain", int, default=0),
        power_index=node.get("pwr_idx", int, default=0),
        digital_gain=node.get("dig_gain", int, default=0),
    )


def _channel(node: _Node | None, bandwidth_hz: int = 125_000) -> Channel | None:
    node = _enabled(node)
    if node is None:
        return None
    return Channel(rf_chain=node.get("radio", int), if_hz=node.get("if", int), bandwidth_hz=bandwidth_hz)


def _service(node: _Node | None) -> LoraService | None:
    """Return the single-SF modem; as in the reference, ``implicit_*`` count only beside ``implicit_hdr``."""
    bandwidth_hz = 250_000 if node is None else node.get("bandwidth", int, default=250_000)
    channel = _channel(node, bandwidth_hz)
    if node is None or channel is None:
        return None
    sf = node.get("spread_factor", int, default=7)
    if not node.get("implicit_hdr", bool, default=False):
        return LoraService(channel=channel, sf=sf)
    return LoraService(
        channel=channel,
        sf=sf,
        implicit_header=True,
        implicit_payload_bytes=node.get("implicit_payload_length", int),
        implicit_crc=node.get("implicit_crc_en", bool),
        implicit_coding_rate=node.get("implicit_coderate", int),
    )


def _fsk(node: _Node | None) -> FskModem | None:
    """Return the FSK modem.

    A ``sync_word`` in the file is left alone: the reference never read it, so it says nothing about what was
    received with that file, and C194C1 is LoRaWAN's in every region (RP002-1.0.4 §2.3).
    """
    channel = _channel(node, 125_000 if node is None else _fsk_bandwidth_hz(node))
    if node is None or channel is None:
        return None
    return FskModem(channel=channel, bitrate_bps=node.get("datarate", int, default=64_000))


def _fsk_bandwidth_hz(node: _Node) -> int:
    """Return the bandwidth step that holds what is asked; by deviation where no bandwidth is given."""
    asked = node.get("bandwidth", int, default=0)
    asked = asked or 2 * node.get("freq_deviation", int, default=0) + node.get("datarate", int, default=0)
    return next((step for step in (125_000, 250_000, 500_000) if asked <= step), 500_000)


def _fine_timestamp(node: _Node | None) -> FineTimestampMode | None:
    node = _enabled(node)
    if node is None:
        return None
    mode = node.get("mode", str, default="all_sf")
    try:
        return FineTimestampMode(mode)
    except ValueError as error:
        raise OurMistake(f"{mode} is not all_sf or high_capacity", where=f"{node.path}.mode") from error


def _sx1261(node: _Node | None) -> Sx1261Settings | None:
    if node is None:
        return None
    scan, lbt = _enabled(node.node("spectral_scan")), _enabled(node.node("lbt"))
    if not node.get("enable", bool, default=scan is not None or lbt is not None):
        return None
    return Sx1261Settings(
        rssi_offset_db=node.get("rssi_offset", int, default=0),
        lbt=None
        if lbt is None
        else ListenBeforeTalk(
            threshold_dbm=lbt.get("rssi_target", int),
            channels=tuple(_lbt_channel(channel) for channel in lbt.nodes("channels")),
        ),
    )


def _lbt_channel(node: _Node) -> LbtChannel:
    return LbtChannel(
        frequency_hz=Hz(node.get("freq_hz", int)),
        bandwidth_hz=node.get("bandwidth", int),
        scan_us=node.get("scan_time_us", int),
        transmit_limit_ms=node.get("transmit_time_ms", int),
    )
