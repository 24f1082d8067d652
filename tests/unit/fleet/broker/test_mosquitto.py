from pathlib import Path

import pytest

from fleet.broker.mosquitto import BrokerFiles, render_acl, render_configuration
from tests.unit.fleet.founded import EUIS

FILES = BrokerFiles(folder=Path("/d/mosquitto"), keys=Path("/d/keys"))


def test_nobody_without_a_certificate():
    lines = render_configuration(FILES, host="broker.example.fr", port=8883).splitlines()
    for line in (
        "listener 8883",
        "require_certificate true",
        "use_identity_as_username true",
        "use_username_as_clientid true",
        "allow_anonymous false",
        "cafile /d/keys/ca.pem",
        "crlfile /d/mosquitto/revoked.crl",
        "acl_file /d/mosquitto/acl",
        "max_queued_messages 500000",
        "ciphers ECDHE+AESGCM:ECDHE+CHACHA20",
    ):
        assert line in lines


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_a_broker_on_loopback_is_bound_there(host):
    assert "listener 1 127.0.0.1" in render_configuration(FILES, host=host, port=1).splitlines()


def test_a_gateway_writes_and_reads_below_its_own_name_only():
    lines = render_acl().splitlines()
    patterns = [line for line in lines if line.startswith("pattern")]
    assert all("/%u/" in line for line in patterns)
    assert "pattern write vdl/1/%u/health" in patterns
    assert "pattern read vdl/1/%u/config/desired" in patterns
    assert "pattern write vdl/1/%u/config/desired" not in patterns


def test_a_revoked_gateway_is_denied_by_name():
    assert f"topic deny vdl/1/{EUIS[0]}/#" in render_acl((EUIS[0],)).splitlines()
