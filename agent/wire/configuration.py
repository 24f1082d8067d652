"""The configuration document of one gateway: typed, checked, and the same bytes for the same content.

Where the gateway reaches its fleet is in here too, which is why a bad one can cut the backhaul and why
every new one runs on trial first (DESIGN §4).
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from agent.wire import reasons
from agent.wire.misfit import misfit
from agent.wire.resolved import resolved

Port = Annotated[int, Meta(ge=1, le=65535)]
Name = Annotated[str, Meta(min_length=1, max_length=32, pattern=r"^[a-z0-9-]+$")]
Pem = Annotated[str, Meta(max_length=8192, pattern=r"^(-----BEGIN [A-Z ]+-----[A-Za-z0-9+/=\s-]+)?$")]
Host = Annotated[str, Meta(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9._:-]+$")]


class Strict(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Documents name every field and allow no other: a typing error must not pass for a setting."""


class Unfit(reasons.ReasonedError, ValueError):
    """Fields that fit each for itself and not together; ``why`` says which."""


class LbtChannelConfig(Strict, frozen=True, kw_only=True):
    """One channel on which the gateway may send after it listened."""

    frequency_hz: Annotated[int, Meta(ge=863_000_000, le=870_000_000)]
    bandwidth_hz: Literal[125_000, 250_000] = 125_000
    scan_us: Literal[128, 5_000] = 5_000
    """How long the channel must be quiet; EN 300 220-1 asks for 160 us, so 5,000 is the lawful choice."""
    transmit_limit_ms: Annotated[int, Meta(ge=2, le=4_000)] = 1_000
    """Longest transmission; 1 s is what EN 300 220-1 admits with polite spectrum access."""


class LbtConfig(Strict, frozen=True, kw_only=True):
    """Listen before talk: what the SX1261 finds occupied is not sent on."""

    threshold_dbm: Annotated[int, Meta(ge=-127, le=-40)] = -80
    channels: Annotated[tuple[LbtChannelConfig, ...], Meta(max_length=16)] = ()
    """A downlink elsewhere is refused; empty: nobody listens, duty cycles alone limit what is sent."""


class RadioConfig(Strict, frozen=True, kw_only=True):
    """Board and channel plan; a change restarts reception."""

    board: Name = "rak2287"
    region: Literal["EU868"] = "EU868"
    antenna_gain_db: Annotated[float, Meta(ge=0, le=15)] = 0.0
    cable_loss_db: Annotated[float, Meta(ge=0, le=20)] = 0.0
    lorawan_public: bool = True
    class_b_beacon: bool = False
    """Send the beacon every 128 s, where GNSS time and pulse are known."""
    gnss_device: Annotated[str, Meta(max_length=64, pattern=r"^(/dev/[A-Za-z0-9/_.-]+)?$")] = ""
    """Serial line of the GNSS receiver, such as ``/dev/ttyAMA0``; empty: none."""
    sx1261: bool = False
    """Start the board's listening radio: measured noise floor and spectral scan."""
    fine_timestamp: Literal["", "high_capacity", "all_sf"] = ""
    """Nanoseconds since the last pulse beside each frame, where the chip is an SX1303 with GNSS."""
    lbt: LbtConfig = LbtConfig()
    """Listen before each transmission, with ``sx1261``."""

    def __post_init__(self) -> None:
        if self.lbt.channels and not self.sx1261:
            raise Unfit(reasons.configuration.lbt_without_radio(path="radio.lbt"))


class FilterConfig(Strict, frozen=True, kw_only=True):
    """Which frames a connector gets; an empty list lets all of its sort pass."""

    net_ids: tuple[Annotated[str, Meta(pattern=r"^[0-9a-f]{6}$")], ...] = ()
    dev_addrs: tuple[Annotated[str, Meta(pattern=r"^[0-9a-f]{8}/(3[0-2]|[12]?[0-9])$")], ...] = ()
    """Prefixes such as ``26000000/7``."""
    join_euis: tuple[Annotated[str, Meta(pattern=r"^[0-9a-f]{16}-[0-9a-f]{16}$")], ...] = ()
    """Ranges, both ends included."""
    proprietary: bool = True
    """Frames that are no LoRaWAN data or join."""


class CupsConfig(Strict, frozen=True, kw_only=True):
    """Where a Basics Station connector asks for addresses and credentials; all by CUPS, none by default."""

    uri: Annotated[str, Meta(max_length=255, pattern=r"^(https?://[A-Za-z0-9._:\[\]-]+)?$")] = ""
    """Such as ``https://cups.example:443``; empty: no CUPS, the connector's own settings hold."""
    ca_file: str = ""
    """PEM on the gateway; empty: the system's authorities."""
    certificate_file: str = ""
    key_file: str = ""
    token_file: str = ""
    """Holds the value of the Authorization header."""


class ConnectorConfig(Strict, frozen=True, kw_only=True):
    """One LNS; the contractual one counts for availability."""

    name: Name
    kind: Literal["semtech_udp", "chirpstack_mqtt", "basics_station"] = "semtech_udp"
    host: Host
    port: Port
    contractual: bool = False
    replay: bool = True
    """Deliver frames that were stored while the server was away; false: for the record only."""
    spare_delivered: bool = False
    """Stored frames are delivered only if no neighbour delivered them, as the fleet knows from the LNS."""
    neighbours_wait_s: Annotated[int, Meta(ge=10, le=3600)] = 180
    """Seconds that stored frames wait for the fleet's word with ``spare_delivered``; then all leave."""
    drain_frames_per_s: Annotated[int, Meta(ge=1, le=2000)] = 20
    """How fast stored frames are delivered."""
    priority: Annotated[int, Meta(ge=0, le=255)] = 0
    """Priority of its downlinks: a higher displaces what is queued for a lower one and has not left yet."""
    filters: FilterConfig = FilterConfig()
    tls: bool = False
    """For chirpstack_mqtt and basics_station; semtech_udp knows none."""
    ca_file: str = ""
    """PEM on the gateway; empty: the system's authorities."""
    certificate_file: str = ""
    key_file: str = ""
    certificate_pem: Pem = ""
    """Client certificate that the network server issued, in the stead of a file (``fleet lns provision``)."""
    key_pem: Pem = ""
    """Its key; it is kept and shown like no other setting but the test device's key."""
    token_file: str = ""
    """For basics_station: holds the value of the Authorization header; for chirpstack_mqtt: NAME:PASSWORD."""
    region_prefix: Annotated[str, Meta(max_length=32, pattern=r"^[a-z0-9_/-]*$")] = "eu868"
    """For chirpstack_mqtt: what stands before ``gateway/`` in its topics."""
    cups: CupsConfig = CupsConfig()
    """For basics_station: what CUPS hands out replaces host, port and credentials of this connector."""
    owns_radio_plan: bool = False
    """The channels that this server asks for are obeyed; for one connector at most."""
    forward_bad_crc: bool = False
    """Forward frames whose CRC is wrong, marked so, once and never stored."""
    forward_non_lorawan: bool = False
    """For basics_station: bytes that are no LoRaWAN frame go up as propdf; other kinds always forward."""

    def __post_init__(self) -> None:
        path = f"connectors.{self.name}"
        if self.kind == "semtech_udp" and (self.tls or self.certificate_file or self.certificate_pem):
            raise Unfit(reasons.configuration.tls_of_udp(path=f"{path}.tls"))
        if bool(self.certificate_file) != bool(self.key_file):
            raise Unfit(reasons.configuration.key_without_certificate(path=f"{path}.key_file"))
        if bool(self.certificate_pem) != bool(self.key_pem):
            raise Unfit(reasons.configuration.key_without_certificate(path=f"{path}.key_pem"))
        if self.certificate_pem and self.certificate_file:
            raise Unfit(reasons.configuration.two_certificates(path=f"{path}.certificate_file"))
        if bool(self.cups.certificate_file) != bool(self.cups.key_file):
            raise Unfit(reasons.configuration.key_without_certificate(path=f"{path}.cups.key_file"))
        if self.cups.uri and self.kind != "basics_station":
            raise Unfit(reasons.configuration.cups_elsewhere(path=f"{path}.cups.uri"))
        if self.owns_radio_plan and self.kind == "semtech_udp":
            raise Unfit(reasons.configuration.plan_of_udp(path=f"{path}.owns_radio_plan"))
        if self.forward_bad_crc and self.kind == "basics_station":
            raise Unfit(reasons.configuration.bad_crc_of_station(path=f"{path}.forward_bad_crc"))
        if self.forward_non_lorawan and self.kind != "basics_station":
            raise Unfit(reasons.configuration.non_lorawan_elsewhere(path=f"{path}.forward_non_lorawan"))


class FleetConfig(Strict, frozen=True, kw_only=True):
    """Where the fleet's broker is."""

    host: Host
    port: Port
    tls: bool = True


class Intervals(Strict, frozen=True, kw_only=True):
    """Seconds."""

    heartbeat_s: Annotated[int, Meta(ge=1, le=300)] = 30
    stat_s: Annotated[int, Meta(ge=5, le=3600)] = 30
    config_trial_s: Annotated[int, Meta(ge=5, le=3600)] = 300
    """How long a new configuration has to reach the fleet before it is rolled back."""


class Limits(Strict, frozen=True, kw_only=True):
    """Bounds of the spool; the first one reached makes room, oldest first."""

    spool_records: Annotated[int, Meta(ge=100)] = 2_000_000
    spool_bytes: Annotated[int, Meta(ge=1_000_000)] = 512_000_000
    spool_age_s: Annotated[int, Meta(ge=3600)] = 7 * 86_400
    month_bytes: Annotated[int, Meta(ge=10_000_000)] | None = None
    """Bytes a month over the backhaul, all in all; beyond it sketches and notes wait. None: no cap."""


class ReferenceConfig(Strict, frozen=True, kw_only=True):
    """A device in reach that speaks at a known pace; its silence makes the gateway suspect its ears."""

    dev_addr: Annotated[str, Meta(pattern=r"^([0-9a-f]{8})?$")] = ""
    """Empty: none."""
    period_s: Annotated[int, Meta(ge=10, le=86_400)] = 900


class EndToEndConfig(Strict, frozen=True, kw_only=True):
    """A virtual test device of this gateway: the server's acknowledgements prove that it processes frames."""

    dev_addr: Annotated[str, Meta(pattern=r"^([0-9a-f]{8})?$")] = ""
    """As the network server knows it (``fleet lns provision``); empty: none."""
    network_key: Annotated[str, Meta(pattern=r"^([0-9a-f]{32})?$")] = ""
    """Network session key of this device, which no other has; LoRaWAN 1.0.x, activated by personalisation."""
    period_s: Annotated[int, Meta(ge=60, le=86_400)] = 300
    """One confirmed uplink so often, to the contractual connector only; nothing of it goes on air."""
    decides: bool = False
    """The contractual server counts as down while two frames in a row were not acknowledged."""

    def __post_init__(self) -> None:
        if bool(self.dev_addr) != bool(self.network_key):
            raise Unfit(reasons.configuration.key_without_device(path="end_to_end.network_key"))


class ReleaseConfig(Strict, frozen=True, kw_only=True):
    """Which release of the agent runs, and which is brought beside it."""

    root_sha256: Annotated[str, Meta(pattern=r"^([0-9a-f]{64})?$")] = ""
    """The first root of trust of all, for a gateway that has none yet; empty: no release is brought."""
    fetch: Annotated[str, Meta(pattern=r"^([0-9A-Za-z][0-9A-Za-z.+-]{0,63})?$")] = ""
    """Brought while the service goes on; nothing is started."""
    wanted: Annotated[str, Meta(pattern=r"^([0-9A-Za-z][0-9A-Za-z.+-]{0,63})?$")] = ""
    """Brought and then run, on trial first; empty: what the card or the package installed."""
    rate_kbit_per_s: Annotated[int, Meta(ge=16, le=100_000)] = 256
    month_budget_bytes: Annotated[int, Meta(ge=100_000, le=1_000_000_000)] = 50_000_000
    """What bringing releases may cost in a month (UTC), tries that failed among it."""
    trial_s: Annotated[int, Meta(ge=5, le=3600)] = 900
    """How long a release has, from each of its starts, to prove reception and delivery."""

    def __post_init__(self) -> None:
        if (self.fetch or self.wanted) and not self.root_sha256:
            raise Unfit(reasons.configuration.release_without_root())


class Configuration(Strict, frozen=True, kw_only=True):
    """All that the fleet decides about one gateway."""

    radio: RadioConfig = RadioConfig()
    connectors: tuple[ConnectorConfig, ...]
    fleet: FleetConfig
    intervals: Intervals = Intervals()
    limits: Limits = Limits()
    metrics_port: Annotated[int, Meta(ge=0, le=65535)] = 0
    """Prometheus' text on 127.0.0.1 of the gateway; 0: none."""
    page_port: Annotated[int, Meta(ge=0, le=65535)] = 0
    """The screen of ``agent status`` with the on-site code, over HTTP, read-only; 0: none."""
    page_on_lan: bool = False
    """On every interface of the gateway; else on 127.0.0.1 only."""
    reference: ReferenceConfig = ReferenceConfig()
    end_to_end: EndToEndConfig = EndToEndConfig()
    release: ReleaseConfig = ReleaseConfig()
    permit_needed: bool = False
    """A later change that touches the service waits for the fleet's signed permit (DESIGN §8)."""

    def __post_init__(self) -> None:
        names = [connector.name for connector in self.connectors]
        if not names:
            raise Unfit(reasons.configuration.no_connector())
        if len(set(names)) != len(names):
            raise Unfit(reasons.configuration.same_name_twice())
        if sum(connector.contractual for connector in self.connectors) != 1:
            raise Unfit(reasons.configuration.not_one_contractual())
        if sum(connector.owns_radio_plan for connector in self.connectors) > 1:
            raise Unfit(reasons.configuration.several_plan_owners())


def is_service_affecting(before: Configuration, after: Configuration) -> bool:
    """Return whether frames may be missed or held up while ``before`` becomes ``after``.

    A change of radio or connectors waits for the fleet's permit, given when no neighbour is away (DESIGN §8);
    another release restarts the agent.
    """
    if before.release.wanted != after.release.wanted:
        return True
    return before.radio != after.radio or before.connectors != after.connectors


class ConfigurationError(reasons.ReasonedError, ValueError):
    """A document that is not a configuration; ``why`` names the field and the rule."""


def encode_configuration(configuration: Configuration) -> bytes:
    """Return canonical JSON: fields in the order of declaration, no spaces."""
    return msgspec.json.encode(configuration)


def sparse_configuration(configuration: Configuration) -> bytes:
    """Return the same document with only what is not at its default: what the fleet signs.

    An older gateway refuses fields that it does not know; this one it understands as long as nothing is set
    that is newer than itself.  For that a default never changes once it was released.
    """
    return msgspec.json.encode(_sparse(configuration))


def _sparse(value: object) -> object:
    if isinstance(value, Struct):
        fields = {one.name: (one.default, getattr(value, one.name)) for one in msgspec.structs.fields(value)}
        return {name: _sparse(told) for name, (default, told) in fields.items() if told != default}
    return [_sparse(one) for one in value] if isinstance(value, tuple) else value


resolved(Configuration)


def decode_configuration(document: bytes) -> Configuration:
    """Return the configuration in ``document``.

    Raises:
        ConfigurationError: not JSON, an unknown field, or a value outside its rule.
    """
    try:
        return msgspec.json.decode(document, type=Configuration)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise ConfigurationError(misfit(Configuration, document, error)) from error
