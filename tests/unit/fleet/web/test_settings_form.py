"""The form of a configuration: every setting by its kind; emptied is a change, untouched is none."""

from agent.wire.configuration import Configuration, ConnectorConfig, FleetConfig
from fleet.configurations.store import Version
from fleet.web.rendering import Words
from fleet.web.views.settings import FREQUENT, Field, changes_of, fields_of, groups_of

WORDS = Words("fr", 0)


def version_of(**connector: object) -> Version:
    """Return a version with one connector."""
    settings = {"name": "lns", "host": "a.example", "port": 1700, "contractual": True} | connector
    document = Configuration(
        connectors=(ConnectorConfig(**settings),),  # type: ignore[arg-type]
        fleet=FleetConfig(host="b.example", port=8883),
    )
    return Version(
        eui="0016c001f1000001",
        version=1,
        configuration=document,
        sha256="",
        issued_at_us=0,
        issued_by="test",
        reason="",
        published=True,
        confirmed_at_us=None,
    )


def shown(*versions: Version) -> dict[str, Field]:
    """Return the form's fields by path."""
    return {field.path: field for field in fields_of(groups_of(WORDS, versions))}


def test_groups_begin_with_what_people_change() -> None:
    groups = groups_of(WORDS, [version_of()])
    assert [field.path for field in groups[0].fields] == list(FREQUENT)
    titles = [group.title for group in groups]
    assert "Cœur de réseau « lns »" in [
        title.replace("\u00a0", " ").replace("\u202f", " ") for title in titles
    ]
    assert len({field.path for group in groups for field in group.fields}) == sum(
        len(group.fields) for group in groups
    )


def test_a_switch_a_choice_and_a_number_are_asked_for_as_such() -> None:
    fields = shown(version_of())
    assert fields["connectors.0.replay"].choices == (("true", "oui"), ("false", "non"))
    assert ("chirpstack_mqtt", "ChirpStack par MQTT") in fields["connectors.0.kind"].choices
    assert fields["connectors.0.port"].bounds == {"step": "1", "min": "1", "max": "65535"}
    assert fields["radio.cable_loss_db"].bounds == {"step": "any", "min": "0", "max": "20"}
    assert fields["connectors.0.host"].bounds == {"maxlength": "253"}
    assert fields["limits.month_bytes"].bounds == {}
    assert fields["limits.month_bytes"].rule.startswith("au moins 10")


def test_where_gateways_differ_nothing_is_chosen() -> None:
    fields = shown(version_of(replay=True), version_of(replay=False, host="c.example"))
    assert (fields["connectors.0.replay"].value, fields["connectors.0.replay"].mixed) == ("", True)
    assert ("", "inchangé") in fields["connectors.0.replay"].choices
    assert "diffère" in fields["connectors.0.host"].rule


def test_only_what_was_changed_is_a_change() -> None:
    fields = list(shown(version_of(), version_of(host="c.example")).values())
    untouched = {field.path: field.value for field in fields}
    assert changes_of(fields, {}) == changes_of(fields, untouched) == {}
    typed = untouched | {"connectors.0.port": " 1701 ", "connectors.0.host": "", "connectors.1.name": "b"}
    assert changes_of(fields, typed) == {"connectors.0.port": "1701", "connectors.1.name": "b"}


def test_a_text_that_was_emptied_is_set_to_nothing() -> None:
    fields = list(shown(version_of(token_file="/etc/token")).values())
    assert changes_of(fields, {"connectors.0.token_file": ""}) == {"connectors.0.token_file": ""}


def test_what_has_several_lines_or_is_secret_is_not_asked_for_in_one() -> None:
    pem = "-----BEGIN CERTIFICATE-----\nAAAA\n"
    fields = shown(version_of(kind="chirpstack_mqtt", tls=True, certificate_pem=pem, key_pem=pem))
    assert "connectors.0.certificate_pem" not in fields
    assert "connectors.0.key_pem" not in fields
