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
        ("connectors.1.host", "x", "this field is missing"),
        ("connectors.1", "x", "object expected"),
        ("connectors.2.host", "x", "no such setting"),
        ("connectors", "x", "group of settings"),
        ("connectors.0", "x", "group of settings"),
        ("connectors.0", "null", "at least one is needed"),
        ("connectors.0.filters.net_ids", "000002", "group of settings"),
        ("connectors.0.filters.net_ids.1", "000002", "no such setting"),
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
    with pytest.raises(ConfigurationError, match=r"connectors\.2\.host"):
        change(BEFORE, {"connectors[2].host": "x"})


SECOND = {"connectors.1.host": "10.0.0.1", "connectors.1.name": "second", "connectors.1.port": "1883"}


def test_the_next_index_adds_a_connector_in_any_order_of_its_fields():
    third = {path.replace(".1.", ".2."): text for path, text in SECOND.items()} | {
        "connectors.2.name": "third"
    }
    after = change(BEFORE, dict(reversed((SECOND | third).items())))
    assert [one.name for one in after.connectors] == ["lns", "second", "third"]
    assert (after.connectors[1].host, after.connectors[1].port) == ("10.0.0.1", 1883)
    assert differences(BEFORE, after)["connectors.1.host"] == ("", "10.0.0.1")


def test_null_removes_a_connector_and_the_others_move_up_when_all_is_done():
    both = change(BEFORE, SECOND)
    assert change(both, {"connectors.1": "null"}) == BEFORE
    moved = change(both, {"connectors.0": "null", "connectors.1.contractual": "true"})
    assert [(one.name, one.contractual) for one in moved.connectors] == [("second", True)]


def test_a_list_of_values_is_set_whole_or_by_its_next_value():
    whole = change(BEFORE, {"connectors.0.filters.dev_addrs": '["26000000/7", "fc000000/8"]'})
    assert whole.connectors[0].filters.dev_addrs == ("26000000/7", "fc000000/8")
    assert flatten(whole)["connectors.0.filters.dev_addrs"] == '["26000000/7","fc000000/8"]'
    assert change(whole, {"connectors.0.filters.dev_addrs": "[]"}) == BEFORE
    longer = change(whole, {"connectors.0.filters.dev_addrs.2": "00000000/7"})
    assert len(longer.connectors[0].filters.dev_addrs) == 3
    shorter = change(longer, {"connectors.0.filters.dev_addrs.0": "null"})
    assert shorter.connectors[0].filters.dev_addrs == ("fc000000/8", "00000000/7")


def test_a_new_connector_has_its_own_lists_and_groups():
    after = change(
        BEFORE, SECOND | {"connectors.1.filters.net_ids": '["000002"]', "connectors.1.tls": "false"}
    )
    assert after.connectors[1].filters.net_ids == ("000002",)


def test_nothing_changed_is_no_difference():
    assert differences(BEFORE, change(BEFORE, {})) == {}
    assert flatten(BEFORE)["connectors.0.port"] == "1700"


def test_what_is_added_behind_a_list_is_added_in_the_order_of_its_numbers():
    names = [f"n{number}" for number in range(1, 12)]
    rest = {"kind": "semtech_udp", "host": "h", "port": "1700"}
    changes = {
        f"connectors.{number}.{field}": text
        for number, name in reversed(list(enumerate(names, start=1)))
        for field, text in {"name": name, **rest}.items()
    }
    assert [one.name for one in change(BEFORE, changes).connectors] == ["lns", *names]
