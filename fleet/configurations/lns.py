"""The network server of a work order, as people write it: scheme, host and port; pure.

    chirpstack://host      ChirpStack over MQTT with TLS, port 8883: frames are held until ChirpStack has them
    chirpstack+tcp://host  the same without TLS, port 1883: for a private network
    station://host         a Basics Station server with TLS, port 8887
    station+tcp://host     the same without TLS, port 3001 (ChirpStack Gateway Bridge's)
    udp://host, host:port  Semtech UDP, port 1700: what stands there acknowledges for what is behind it

Sources: IANA for 1883 and 8883; Semtech's packet forwarder for 1700; The Things Stack for 8887; the file
``chirpstack-gateway-bridge.toml`` of ChirpStack Gateway Bridge for 3001.
"""

from typing import Any, Final

import msgspec

from agent.wire.configuration import ConnectorConfig

SCHEMES: Final[dict[str, tuple[str, bool, int]]] = {
    "chirpstack": ("chirpstack_mqtt", True, 8883),
    "chirpstack+tcp": ("chirpstack_mqtt", False, 1883),
    "station": ("basics_station", True, 8887),
    "station+tcp": ("basics_station", False, 3001),
    "udp": ("semtech_udp", False, 1700),
}
"""Scheme → kind, TLS, port."""


class AddressRefused(ValueError):
    """An address of a network server that nothing can be made of; says what is admitted."""


def contractual_connector(address: str) -> ConnectorConfig:
    """Return the connector of version 1.

    >>> lns = contractual_connector("chirpstack://lns.example")
    >>> lns.kind, lns.host, lns.port, lns.tls
    ('chirpstack_mqtt', 'lns.example', 8883, True)
    >>> contractual_connector("lns.example:1701").port
    1701

    Raises:
        AddressRefused: an unknown scheme, or no host and port.
    """
    scheme, sign, rest = address.strip().rpartition("://")
    known = SCHEMES.get(scheme if sign else "udp")
    if known is None:
        raise AddressRefused(f"{scheme}://: not one of {', '.join(f'{name}://' for name in SCHEMES)}")
    kind, tls, default_port = known
    host, _, port = rest.rstrip("/").partition(":")
    if port and not (port.isascii() and port.isdigit()):
        raise AddressRefused(f"{address}: not HOST:PORT, such as lns.example.fr:{default_port}")
    fields: dict[str, Any] = {"name": "lns", "kind": kind, "tls": tls, "contractual": True}
    try:
        return msgspec.convert(fields | {"host": host, "port": int(port or default_port)}, ConnectorConfig)
    except msgspec.ValidationError as error:
        raise AddressRefused(f"{address}: {error}") from error
