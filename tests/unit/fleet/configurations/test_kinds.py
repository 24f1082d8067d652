"""Every setting has a kind, a name in both languages, and the unit that its name ends with."""

import pytest

from agent.wire.configuration import (
    Configuration,
    ConnectorConfig,
    FleetConfig,
    LbtChannelConfig,
    LbtConfig,
    RadioConfig,
)
from fleet.configurations.change import flatten
from fleet.configurations.kinds import RULES, SettingKind, name_of, rule_of
from fleet.lang.i18n import LANGUAGES, catalogue

UNITS = {
    "_s": "(s)",
    "_ms": "(ms)",
    "_us": "(µs)",
    "_hz": "(Hz)",
    "_db": "(dB",
    "_dbm": "(dBm)",
    "_bytes": "octets",
}
"""Ending of a name → its unit in the name that people read."""


def test_every_setting_of_a_configuration_has_a_rule() -> None:
    channel = LbtChannelConfig(frequency_hz=868_100_000)
    configuration = Configuration(
        radio=RadioConfig(sx1261=True, lbt=LbtConfig(channels=(channel,))),
        connectors=(ConnectorConfig(name="lns", host="a.example", port=1700, contractual=True),),
        fleet=FleetConfig(host="b.example", port=8883),
    )
    assert [path for path in flatten(configuration) if rule_of(path) is None] == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_setting_has_a_name(lang: str) -> None:
    assert [name for name in RULES if lang not in catalogue().get(f"setting.{name}", {})] == []


@pytest.mark.parametrize("ending", UNITS)
def test_the_name_that_people_read_says_the_unit(ending: str) -> None:
    named = [name for name in RULES if name.endswith(ending) and not name.endswith("_per_s")]
    assert named
    shown = {name: catalogue()[f"setting.{name}"]["fr"] for name in named}
    assert [name for name, text in shown.items() if UNITS[ending] not in text] == []


def test_bounds_and_choices_are_those_of_the_schema() -> None:
    port = RULES["connectors.port"]
    assert (port.kind, port.least, port.most, port.whole) == (SettingKind.NUMBER, 1, 65535, True)
    loss = RULES["radio.cable_loss_db"]
    assert (loss.kind, loss.least, loss.most, loss.whole) == (SettingKind.NUMBER, 0, 20, False)
    month = RULES["limits.month_bytes"]
    assert (month.kind, month.least, month.most, month.optional) == (
        SettingKind.NUMBER,
        10_000_000,
        None,
        True,
    )
    assert set(RULES["connectors.kind"].choices) == {"semtech_udp", "chirpstack_mqtt", "basics_station"}
    assert RULES["connectors.tls"].kind is SettingKind.SWITCH
    assert RULES["connectors.host"].length_limit == 253
    assert RULES["connectors.filters.net_ids"].kind is SettingKind.LIST
    assert (
        set(ConnectorConfig.__struct_fields__) - {name.split(".")[1] for name in RULES if "." in name}
        == set()
    )


def test_indices_are_no_part_of_a_name() -> None:
    assert name_of("connectors.12.filters.net_ids") == "connectors.filters.net_ids"
    assert rule_of("connectors.0") == RULES["connectors"]
    assert rule_of("no.such") is None
