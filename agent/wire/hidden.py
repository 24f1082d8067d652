"""Which settings are secrets, and a configuration without them: for screens, pages and reports."""

import msgspec

from agent.wire.configuration import Configuration

HIDDEN_KEY = "0" * 32
HIDDEN_PEM = "-----BEGIN HIDDEN-----\n"


def is_secret(path: str) -> bool:
    """Return whether no screen, page or report shows a setting.

    >>> is_secret("connectors.0.key_pem"), is_secret("connectors.0.host")
    (True, False)
    """
    return path == "end_to_end.network_key" or path.endswith(".key_pem")


def without_secrets(configuration: Configuration) -> Configuration:
    """Return the same with its secrets hidden, for people."""
    replace, device = msgspec.structs.replace, configuration.end_to_end
    return replace(
        configuration,
        end_to_end=replace(device, network_key=HIDDEN_KEY) if device.network_key else device,
        connectors=tuple(
            replace(connector, key_pem=HIDDEN_PEM) if connector.key_pem else connector
            for connector in configuration.connectors
        ),
    )
