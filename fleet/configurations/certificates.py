"""Client certificates that a network server issued for gateways: when they are renewed, when they end.

They travel in the signed configuration and end after a year by ChirpStack's default.

Source: ChirpStack 4.19, ``gateway.client_cert_lifetime`` = 12 months.
"""

from collections.abc import Iterable

from cryptography import x509

from agent.wire.configuration import Configuration, ConnectorConfig
from fleet.configurations.store import newest_versions
from fleet.db.connect import Database
from fleet.durations import DAY_US
from fleet.identity.ends import Credential

RENEW_BEFORE_US = 90 * DAY_US
"""A certificate is renewed from here on: before anybody is told that it ends (60, 30, 7 days)."""
NAME = "lns"


def issued_of(configuration: Configuration) -> ConnectorConfig | None:
    """Return the contractual connector, where a certificate of the network server may be given to it."""
    return next(
        (
            connector
            for connector in configuration.connectors
            if connector.contractual
            and connector.kind == "chirpstack_mqtt"
            and not connector.certificate_file
        ),
        None,
    )


def needs_certificate(configuration: Configuration, now_us: int) -> bool:
    """Return whether its contractual connector has none, or one that ends soon."""
    connector = issued_of(configuration)
    if connector is None:
        return False
    return not connector.certificate_pem or ends_at_us(connector) - now_us < RENEW_BEFORE_US


def ends_at_us(connector: ConnectorConfig) -> int:
    """Return when the certificate of a connector ends; 0 for one that cannot be read."""
    try:
        certificate = x509.load_pem_x509_certificate(connector.certificate_pem.encode())
    except ValueError:
        return 0
    return int(certificate.not_valid_after_utc.timestamp()) * 1_000_000


def issued_ends(database: Database) -> tuple[Credential, ...]:
    """Return which of the certificates that gateways have, or are about to get, ends first."""
    with database.read() as connection:
        return first_end(version.configuration for version in newest_versions(connection).values())


def first_end(configurations: Iterable[Configuration]) -> tuple[Credential, ...]:
    """Return the certificate that ends first, of all that these configurations hold."""
    ends = [
        ends_at_us(connector)
        for configuration in configurations
        for connector in configuration.connectors
        if connector.certificate_pem
    ]
    if not ends:
        return ()
    return (Credential(name=NAME, begins_at_us=0, ends_at_us=min(ends), renews_itself=False),)
