"""A document that does not fit is told by its field and the rule, never by msgspec's sentence."""

import pytest

from agent.configuration.model import Arrived, Held, Ledger, State
from agent.configuration.report import reported
from agent.configuration.step import Now, step
from agent.wire import reasons
from agent.wire.command import CommandError, decode_command
from agent.wire.configuration import ConfigurationError, decode_configuration
from agent.wire.envelope import EnvelopeKind
from agent.wire.reasons import Reason, text
from tests.controlpath.virtual import EUI, SigningFleet, configuration

FLEET = SigningFleet()
rules = reasons.document
START = State(ledger=Ledger(good=Held(version=1, sha256="0" * 64, slot="a"), seen_version=1))


@pytest.mark.parametrize(
    ("document", "path", "rule"),
    [
        ('{"radio":{"board":5}}', "radio.board", rules.wrong_type(expected="str", found="int")),
        ('{"radio":{"region":"US915"}}', "radio.region", rules.not_admitted(found_value="US915")),
        ('{"radio":{"antenna_gain_db":-6}}', "radio.antenna_gain_db", rules.too_small(least=0)),
        ('{"radio":{"antenna_gain_db":99}}', "radio.antenna_gain_db", rules.too_great(most=15)),
        ('{"radios":{}}', "radios", rules.unknown_field()),
        ('{"connectors":[],"fleet":{"host":"f"}}', "fleet.port", rules.missing()),
        ('{"connectors":[],"fleet":{"host":"a b","port":1}}', "fleet.host", rules.wrong_form()),
        ('{"connectors":[],"fleet":{"host":"","port":1}}', "fleet.host", rules.too_short(least=1)),
        (
            '{"connectors":[{"name":"' + "a" * 33 + '"}]}',
            "connectors.0.name",
            rules.too_long(most=32),
        ),
        ('{"metrics_port":"a"}', "metrics_port", rules.wrong_type(expected="int", found="str")),
        ('{"permit_needed":1}', "permit_needed", rules.wrong_type(expected="bool", found="int")),
        ('{"limits":{"month_bytes":1}}', "limits.month_bytes", rules.too_small(least=10_000_000)),
        ('{"limits":{"month_bytes":null},"x":1}', "x", rules.unknown_field()),
    ],
)
def test_the_first_field_that_does_not_fit_is_named_with_its_rule(
    document: str, path: str, rule: Reason
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        decode_configuration(document.encode())
    assert refused.value.why == rules.field(path=path, cause=rule)
    assert rules.rule_of(refused.value.why) == rule


def test_fields_that_do_not_fit_together_say_which() -> None:
    document = b'{"connectors":[],"fleet":{"host":"f","port":1}}'
    with pytest.raises(ConfigurationError) as refused:
        decode_configuration(document)
    assert refused.value.why == reasons.configuration.no_connector()


@pytest.mark.parametrize("document", [b"", b"\xff", b"[" * 10_000])
def test_what_is_no_json_is_told(document: bytes) -> None:
    with pytest.raises(ConfigurationError) as refused:
        decode_configuration(document)
    assert refused.value.why.code == "document.not_json"


def test_a_command_that_is_none_is_told_in_french() -> None:
    with pytest.raises(CommandError) as refused:
        decode_command(b'{"action":"shell"}')
    assert text(refused.value.why, "fr") == (
        "commande hors de la liste\u202f: action\u202f: «\u00a0shell\u00a0» n’est pas admis"
    )


def test_the_fleet_hears_the_field_of_a_refused_configuration() -> None:
    now = Now(
        monotonic_us=0,
        utc_us=10,
        utc_trusted=True,
        device=EUI,
        key=FLEET.public,
        good=configuration(),
    )
    envelope = FLEET.envelope(EnvelopeKind.CONFIGURATION, 2, b'{"radio":{"antenna_gain_db":99}}')
    after, _ = step(START, Arrived(payload=envelope), now)
    why = reported(after, now.utc_us).why
    assert why is not None
    assert text(why, "fr") == "document hors schéma\u202f: radio.antenna_gain_db\u202f: 15 au plus"
