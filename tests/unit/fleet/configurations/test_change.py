import pytest

from agent.wire.configuration import Configuration, ConfigurationError, ConnectorConfig, FleetConfig
from fleet.configurations.change import change, differences, flatten

BEFORE = Configuration(
    connectors=(ConnectorConfig(name="lns", host="a.example", port=1700, contractual=True),),
    fleet=FleetConfig(host="f.example", port=8883),
)


@pytest.mark.parametrize(
    ("path", "text", "read"),
    [
        ("connectors.0.host", "b.example", lambda c: c.connectors[0].host == "b.example"),
        ("connectors.0.host", "10.0.0.1", lambda c: c.connectors[0].host == "10.0.0.1"),
        ("connectors.0.port", "1701", lambda c: c.connectors[0].port == 1701),
        ("connectors.0.replay", "false", lambda c: c.connectors[0].replay is False),
        ("radio.antenna_gain_db", "3.5", lambda c: c.radio.antenna_gain_db == 3.5),
        ("fleet.tls", "false", lambda c: c.fleet.tls is False),
    ],
)
def test_one_setting_by_its_path(path, text, read):
    after = change(BEFORE, {path: text})
    assert read(after)
    assert list(differences(BEFORE, after)) == [path]


@pytest.mark.parametrize(
    ("path", "text", "words"),
    [
        ("connectors.1.host", "x", "no such setting"),
        ("connectors.x.host", "x", "no such setting"),
        ("radio.colour", "x", "no such setting"),
        ("radio", "x", "group of settings"),
        ("connectors.0.port", "0", "at least 1"),
        ("connectors.0.port", "many", "port"),
        ("connectors.0.host", "", "at least 1 characters"),
        ("connectors.0.contractual", "false", "exactly one must be contractual"),
    ],
)
def test_what_cannot_be_set_is_refused(path, text, words):
    with pytest.raises(ConfigurationError, match=words):
        change(BEFORE, {path: text})


def test_a_path_with_brackets_is_taken_and_shown_with_dots():
    after = change(BEFORE, {"connectors[0].host": "b.example"})
    assert differences(BEFORE, after) == {"connectors.0.host": ("a.example", "b.example")}
    with pytest.raises(ConfigurationError, match=r"connectors\.1\.host"):
        change(BEFORE, {"connectors[1].host": "x"})


def test_nothing_changed_is_no_difference():
    assert differences(BEFORE, change(BEFORE, {})) == {}
    assert flatten(BEFORE)["connectors.0.port"] == "1700"
