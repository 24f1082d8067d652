import json
from pathlib import Path

import msgspec

from agent.configuration import explain as module
from agent.configuration.explain import UNEXPLAINED, explain, schema
from agent.wire.configuration import (
    Configuration,
    ConnectorConfig,
    EndToEndConfig,
    Limits,
    encode_configuration,
)
from agent.wire.hidden import without_secrets
from tests.controlpath.virtual import configuration


def test_every_setting_is_explained() -> None:
    lines = explain(configuration(limits=Limits(month_bytes=10_000_000)), version=4)
    assert [line.path for line in lines if line.meaning == UNEXPLAINED] == []
    assert len({line.path for line in lines}) == len(lines)


def test_the_key_of_the_test_device_is_on_no_screen() -> None:
    device = EndToEndConfig(dev_addr="00c0ffee", network_key="5ec3e7" * 5 + "00")
    shown = configuration(end_to_end=device)
    assert device.network_key not in repr(explain(shown, version=4))
    assert device.network_key not in encode_configuration(without_secrets(shown)).decode()
    assert without_secrets(configuration()) == configuration()


def declared(struct: type, path: str = "") -> set[str]:
    """Every field of the document by its general path, also of lists that are empty by default."""
    found = set()
    for field in msgspec.structs.fields(struct):
        here = f"{path}{field.encode_name}"
        inner = [kind for kind in structs_in(field.type) if issubclass(kind, msgspec.Struct)]
        if not inner:
            found.add(here)
        for kind in inner:
            found |= declared(kind, here + (".N." if "tuple" in str(field.type) else "."))
    return found


def structs_in(kind: object) -> list[type]:
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return [kind]
    return [found for inner in getattr(kind, "__args__", ()) for found in structs_in(inner)]


def test_the_table_is_the_document() -> None:
    assert set(module._MEANINGS) == declared(Configuration)


def test_source_and_unit_are_told() -> None:
    two = (
        ConnectorConfig(name="a", host="h", port=1700, contractual=True),
        ConnectorConfig(name="b", host="h", port=1701),
    )
    lines = {line.path: line for line in explain(configuration(connectors=two), version=4)}
    assert lines["intervals.heartbeat_s"].source == "valeur par défaut"
    assert lines["intervals.heartbeat_s"].unit == "s"
    assert lines["connectors.1.port"].value == "1701"
    assert lines["connectors.1.port"].source == "flotte, version 4"
    assert lines["limits.spool_records"].value == "2\u202f000\u202f000"
    assert lines["fleet.tls"].source == "flotte, version 4"


def test_the_published_schema_is_that_of_the_code() -> None:
    published = Path(__file__).parents[4] / "docs" / "configuration.schema.json"
    again = "passerelle agent config --schema > docs/configuration.schema.json"
    assert published.read_bytes() == schema() + b"\n", again


def test_the_schema_names_every_group() -> None:
    text = schema().decode()
    assert {"RadioConfig", "ConnectorConfig", "FleetConfig", "Intervals", "Limits"} <= set(
        json.loads(text)["$defs"]
    )


def test_what_came_with_the_card_is_told() -> None:
    lines = {line.path: line for line in explain(configuration(), version=1, order_version=1)}
    assert lines["fleet.host"].source == "ordre de travail, v. 1"
    assert lines["intervals.stat_s"].source == "valeur par défaut"
    later = {line.path: line for line in explain(configuration(), version=2, order_version=1)}
    assert later["fleet.host"].source == "flotte, version 2"
