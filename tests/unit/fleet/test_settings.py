import pytest

from fleet.incidents.policy import EscalationPolicy
from fleet.settings import (
    Broker,
    Founded,
    SettingsError,
    parse_broker_url,
    parse_host_port,
    read_settings,
    write_settings,
)


def test_what_init_wrote_is_read_back(tmp_path):
    write_settings(tmp_path, Founded(public_url="https://f.example/", broker_host="b", broker_port=8883))
    settings = read_settings(tmp_path, {})
    assert settings.public_url == "https://f.example"
    assert settings.broker == Broker(host="b", port=8883, tls=True)
    assert settings.database_url == f"sqlite:///{tmp_path}/fleet.db"
    assert settings.smtp_url is None


def test_the_environment_stands_above_the_file(tmp_path):
    write_settings(tmp_path, Founded(public_url="http://f", broker_host="b", broker_port=8883))
    told = {
        "PASSERELLE_DATABASE_URL": "postgresql://h/d",
        "PASSERELLE_BROKER_URL": "mqtt://127.0.0.1:1",
        "PASSERELLE_SMTP_URL": "smtp://m:25",
        "PASSERELLE_MAIL_FROM": "a@b.fr",
    }
    settings = read_settings(tmp_path, told)
    assert settings.database_url == "postgresql://h/d"
    assert settings.broker == Broker(host="127.0.0.1", port=1, tls=False)
    assert (settings.smtp_url, settings.mail_from) == ("smtp://m:25", "a@b.fr")


def test_a_folder_without_a_fleet_says_what_to_run(tmp_path):
    with pytest.raises(SettingsError, match="fleet init"):
        read_settings(tmp_path, {})


@pytest.mark.parametrize("text", ["{}", "x", '{"public_url":"a","broker_host":"b","broker_port":0}'])
def test_a_broken_file_is_named(tmp_path, text):
    (tmp_path / "fleet.json").write_text(text)
    with pytest.raises(SettingsError, match=r"fleet\.json"):
        read_settings(tmp_path, {})


def test_the_policy_of_escalation_is_a_section_of_the_file(tmp_path):
    text = (
        '{"public_url":"a","broker_host":"b","broker_port":1,"escalation":{"step_waits_min":[5],"rounds":%d}}'
    )
    (tmp_path / "fleet.json").write_text(text % 6)
    assert read_settings(tmp_path, {}).escalation == EscalationPolicy(step_waits_min=(5,), rounds=6)
    (tmp_path / "fleet.json").write_text(text % 0)
    with pytest.raises(SettingsError, match="escalation"):
        read_settings(tmp_path, {})


@pytest.mark.parametrize("url", ["http://h:1", "mqtt://", "mqtt://h:x", "mqtts://h:99999", ""])
def test_another_broker_url_is_refused(url):
    with pytest.raises(SettingsError, match="PASSERELLE_BROKER_URL"):
        parse_broker_url(url)


@pytest.mark.parametrize(
    ("text", "expected"), [("h", ("h", 7)), ("h:1", ("h", 1)), ("h:65535", ("h", 65535)), ("h:", ("h", 7))]
)
def test_host_and_port(text, expected):
    assert parse_host_port(text, name="--x", default_port=7) == expected


@pytest.mark.parametrize("text", ["", ":1", "h:0", "h:65536", "h:a"])
def test_no_host_and_port(text):
    with pytest.raises(SettingsError, match="--x"):
        parse_host_port(text, name="--x", default_port=7)
