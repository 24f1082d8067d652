"""The network server of a work order, as people write it."""

import pytest

from agent.wire.paths import PATHS
from fleet.configurations.lns import SCHEMES, AddressRefused, contractual_connector


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("chirpstack://lns.example", ("chirpstack_mqtt", "lns.example", 8883, True)),
        ("chirpstack://lns.example:8884/", ("chirpstack_mqtt", "lns.example", 8884, True)),
        ("chirpstack+tcp://10.8.0.1", ("chirpstack_mqtt", "10.8.0.1", 1883, False)),
        ("station://lns.example", ("basics_station", "lns.example", 8887, True)),
        ("station+tcp://10.8.0.1", ("basics_station", "10.8.0.1", 3001, False)),
        ("udp://lns.example", ("semtech_udp", "lns.example", 1700, False)),
        ("lns.example", ("semtech_udp", "lns.example", 1700, False)),
        (" lns.example:1701 ", ("semtech_udp", "lns.example", 1701, False)),
    ],
)
def test_scheme_host_and_port(address, expected):
    lns = contractual_connector(address)
    assert (lns.kind, lns.host, lns.port, lns.tls) == expected
    assert (lns.name, lns.contractual, lns.region_prefix) == ("lns", True, "eu868")


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("", "host"),
        ("chirpstack://", "host"),
        ("mqtt://lns.example", "not one of chirpstack://"),
        ("://lns.example", "not one of"),
        ("lns.example:port", "not HOST:PORT"),
        ("lns.example:70000", "65535"),
        ("lns example", "host"),
    ],
)
def test_what_is_no_address_is_refused_with_what_is_admitted(address, words):
    with pytest.raises(AddressRefused, match=words):
        contractual_connector(address)


def test_every_kind_says_what_its_path_promises():
    assert {kind for kind, _, _ in SCHEMES.values()} == set(PATHS)
