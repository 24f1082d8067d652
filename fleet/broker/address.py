"""Where the broker is, from a URL."""

from urllib.parse import urlsplit

import msgspec

from fleet.errors import SettingsError


class Broker(msgspec.Struct, frozen=True, kw_only=True):
    """Where the broker is, and whether it asks for certificates."""

    host: str
    port: int
    tls: bool


def parse_broker_url(url: str) -> Broker:
    """Return the broker of ``mqtts://host:port`` or ``mqtt://host:port``.

    >>> parse_broker_url("mqtt://127.0.0.1:1883")
    Broker(host='127.0.0.1', port=1883, tls=False)

    Raises:
        SettingsError: another scheme, or no host.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise SettingsError(f"PASSERELLE_BROKER_URL: {url!r}: {error}") from error
    if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
        raise SettingsError(f"PASSERELLE_BROKER_URL: {url!r} is not mqtts://host:port or mqtt://host:port")
    tls = parts.scheme == "mqtts"
    return Broker(host=parts.hostname, port=port or (8883 if tls else 1883), tls=tls)
