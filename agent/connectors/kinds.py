"""Which class serves which kind of connector; a kind is imported only when it is configured."""

from collections.abc import Callable
from typing import TypeAlias

from agent.connectors.ports import Connector, Host
from agent.wire.configuration import Configuration, ConnectorConfig

OpenConnector: TypeAlias = Callable[[ConnectorConfig, Host, Configuration], Connector]


def open_connector(config: ConnectorConfig, host: Host, configuration: Configuration) -> Connector:
    """Return the connector that a configuration asks for; it does nothing before ``run``."""
    match config.kind:
        case "semtech_udp":
            from agent.connectors.semtech_udp.connector import SemtechUdpConnector

            return SemtechUdpConnector(config, host, stat_s=configuration.intervals.stat_s)
        case "chirpstack_mqtt":
            from agent.connectors.chirpstack_mqtt.connector import ChirpstackMqttConnector

            return ChirpstackMqttConnector(config, host, stat_s=configuration.intervals.stat_s)
        case "basics_station":
            from agent.connectors.basics_station.connector import BasicsStationConnector

            return BasicsStationConnector(config, host)
