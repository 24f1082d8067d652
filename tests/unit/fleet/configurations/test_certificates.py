"""Client certificates of the network server: renewed in time, and the first end is watched."""

import msgspec
import pytest

from agent.wire.configuration import (
    Configuration,
    ConfigurationError,
    ConnectorConfig,
    FleetConfig,
    decode_configuration,
    encode_configuration,
)
from agent.wire.hidden import HIDDEN_PEM, without_secrets
from fleet.configurations.certificates import NAME, RENEW_BEFORE_US, first_end, needs_certificate
from fleet.configurations.change import change, differences
from fleet.durations import DAY_US
from fleet.identity.ends import endings
from tests.datapath.certificates import issue


def configuration(**fields):
    base = {"name": "lns", "kind": "chirpstack_mqtt", "host": "a", "port": 8883, "contractual": True}
    return Configuration(
        connectors=(ConnectorConfig(**(base | fields)),), fleet=FleetConfig(host="f", port=8883)
    )


@pytest.fixture
def given(tmp_path):
    made = issue(tmp_path, "gateway", days=365)
    files = {"certificate_pem": made.certificate_file.read_text(), "key_pem": made.key_file.read_text()}
    return files, int(made.certificate.not_valid_after_utc.timestamp()) * 1_000_000


def test_a_certificate_is_issued_to_who_has_none_or_one_that_ends_soon(given):
    files, ends_us = given
    assert needs_certificate(configuration(), 0)
    assert not needs_certificate(configuration(**files), ends_us - RENEW_BEFORE_US)
    assert needs_certificate(configuration(**files), ends_us - RENEW_BEFORE_US + 1)
    assert needs_certificate(configuration(**files | {"certificate_pem": "-----BEGIN X-----aa"}), 0)
    assert not needs_certificate(configuration(certificate_file="/c", key_file="/c"), 0)
    assert not needs_certificate(configuration(kind="semtech_udp"), 0)


def test_the_first_end_is_told_60_30_and_7_days_before(given, tmp_path):
    files, ends_us = given
    sooner = issue(tmp_path, "other", days=40)
    other = {"certificate_pem": sooner.certificate_file.read_text(), "key_pem": sooner.key_file.read_text()}
    assert first_end([configuration()]) == ()
    (credential,) = first_end([configuration(), configuration(**files)])
    assert (credential.name, credential.ends_at_us) == (NAME, ends_us)
    for left, told in ((61, None), (59, 60), (29, 30), (6, 7)):
        found = endings([credential], ends_us - left * DAY_US)
        assert [ending.told_at_days for ending in found] == ([] if told is None else [told])
    both = first_end([configuration(**files), configuration(**other)])
    assert both[0].ends_at_us < ends_us


def test_the_key_is_signed_and_delivered_and_shown_to_nobody(given):
    files, _ = given
    whole = configuration(**files)
    assert decode_configuration(encode_configuration(whole)) == whole
    shown = without_secrets(whole).connectors[0]
    assert (shown.key_pem, shown.certificate_pem) == (HIDDEN_PEM, files["certificate_pem"])
    changed = differences(configuration(), whole)
    assert changed["connectors.0.key_pem"] == ("…", "…")
    assert files["key_pem"][30:60] not in str(changed)


@pytest.mark.parametrize(
    "fields",
    [
        {"certificate_pem": ""},
        {"key_pem": ""},
        {"certificate_file": "/c", "key_file": "/c"},
        {"kind": "semtech_udp"},
        {"certificate_pem": "no PEM"},
        {"key_pem": "-----BEGIN X-----" + "a" * 8_192},
    ],
)
def test_half_a_certificate_or_two_are_refused(given, fields):
    files, _ = given
    document = msgspec.json.decode(encode_configuration(configuration(**files)))
    document["connectors"][0] |= fields
    with pytest.raises(ConfigurationError):
        decode_configuration(msgspec.json.encode(document))


def test_a_person_takes_it_away_again(given):
    files, _ = given
    taken = {"connectors.0.certificate_pem": "", "connectors.0.key_pem": ""}
    assert change(configuration(**files), taken) == configuration()
