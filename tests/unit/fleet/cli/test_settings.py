import json
from contextlib import closing
from pathlib import Path

import pytest
from cryptography import x509
from sqlalchemy import select

from fleet.cli import commands
from fleet.cli.main import main
from fleet.cli.settings import changed, shown
from fleet.errors import MistakeError
from fleet.identity.foundation import names_of
from fleet.identity.tables import audit_log
from fleet.settings import VARIABLES, Founded, read_settings, write_settings

ROOT = Path(__file__).parents[4]
BARE = Founded(public_url="https://f.example", broker_host="b", broker_port=8883)


@pytest.fixture
def data(tmp_path):
    commands.init(tmp_path / "fleet", public_url="https://f.example", broker="b.example:8883")
    return tmp_path / "fleet"


def everything(data):
    ends = ("", ".json", ".conf", ".pem", ".key")
    found = sorted(path for path in data.rglob("*") if path.is_file() and path.suffix in ends)
    return {path: path.read_bytes() for path in found}


def test_founding_again_changes_no_byte(data):
    before = everything(data)
    assert main(["init", "--data", str(data)]) == 0
    assert before.items() <= everything(data).items()
    assert len(before) >= 9


def test_founding_again_keeps_what_was_set_and_changes_what_is_named(data):
    assert main(["settings", "set", "--data", str(data), "retention.notes_days=30"]) == 0
    assert main(["init", "--data", str(data), "--broker", "c.example:8884"]) == 0
    settings = read_settings(data, {})
    assert settings.public_url == "https://f.example"
    assert (settings.broker.host, settings.broker.port) == ("c.example", 8884)
    assert settings.retention.notes_days == 30
    assert "listener 8884" in (data / "mosquitto" / "mosquitto.conf").read_text()
    certificate = x509.load_pem_x509_certificate((data / "keys" / "broker.pem").read_bytes())
    assert {"b.example", "c.example", "localhost", "127.0.0.1"} <= names_of(certificate)


def test_rights_of_an_older_release_are_brought_up_to_date(data):
    rights = data / "mosquitto" / "acl"
    rights.write_text("user fleet\ntopic readwrite vdl/1/#\nuser mine\ntopic read x\n")
    assert main(["init", "--data", str(data)]) == 0
    assert "pattern read vdl/1/%u/presence" in rights.read_text()
    assert rights.read_text().endswith("user mine\ntopic read x\n")


@pytest.mark.parametrize(
    "lost", ["mosquitto/acl", "mosquitto/revoked.crl", "keys/broker.pem", "keys/fleet.pem"]
)
def test_what_is_missing_is_made_again(data, lost):
    (data / lost).unlink()
    assert main(["init", "--data", str(data)]) == 0
    assert (data / lost).stat().st_size > 100


def test_a_change_of_the_broker_reaches_its_files(data):
    assert main(["settings", "set", "--data", str(data), "broker_port=8885"]) == 0
    assert "listener 8885" in (data / "mosquitto" / "mosquitto.conf").read_text()
    assert read_settings(data, {}).broker.port == 8885


def test_a_change_is_in_the_log_and_its_secret_is_not(data, capsys):
    arguments = ["messages.webhook_url=https://w.example/x", "messages.webhook_secret=s3cret"]
    assert main(["settings", "set", "--data", str(data), *arguments]) == 0
    assert "s3cret" not in capsys.readouterr().out
    assert (data / "fleet.json").stat().st_mode & 0o777 == 0o600
    _, database = commands.open_fleet(data)
    with closing(database), database.read() as connection:
        rows = connection.execute(select(audit_log.c.subject, audit_log.c.after)).all()
    assert dict(map(tuple, rows)) == {
        "messages.webhook_secret": {"value": "***"},
        "messages.webhook_url": {"value": "https://w.example/x"},
    }
    assert read_settings(data, {}).ways_out["PASSERELLE_WEBHOOK_SECRET"] == "s3cret"


@pytest.mark.parametrize(
    ("assignment", "why"),
    [
        ("retention.note_days=3", "near: retention.notes_days"),
        ("retention.notes_days", "has no ="),
        ("retention.notes_days=0", "retention.notes_days"),
        ("retention.notes_days=x", "retention.notes_days"),
        ("broker_port=0", "broker_port"),
        ("backup.recipients=age1x", "no public key"),
        ("messages.sms_url=ftp://x", "SMS_URL"),
        ("messages.webhook_url=https://x", "SECRET"),
        ("messages.smtp_url=x", "smtp"),
    ],
)
def test_a_wrong_setting_is_refused_and_nothing_written(data, capsys, assignment, why):
    before = (data / "fleet.json").read_bytes()
    status = main(["settings", "set", "--data", str(data), assignment])
    assert status == 2
    assert why in capsys.readouterr().err
    assert (data / "fleet.json").read_bytes() == before


def test_lists_are_words_or_json_and_empty_is_the_default():
    with_steps = changed(BARE, ["escalation.step_waits_min=5 6 7"])
    assert with_steps.escalation.step_waits_min == (5, 6, 7)
    assert changed(with_steps, ["escalation.step_waits_min=[8]"]).escalation.step_waits_min == (8,)
    assert changed(with_steps, ["escalation.step_waits_min="]) == BARE
    assert changed(BARE, ["signature.key=/k", "signature.certificate=/c"]).signature.key == "/k"
    with pytest.raises(MistakeError, match="certificate"):
        changed(BARE, ["signature.key=/k"])


def test_every_setting_is_shown_with_where_it_comes_from():
    lines = dict(line.split(" = ", 1) for line in shown(BARE, {"PASSERELLE_SMTP_URL": "smtp://a:b@m:25"}))
    assert lines["public_url"] == "https://f.example  (fleet.json)"
    assert lines["retention.heard_days"] == "90  (default)"
    assert lines["messages.smtp_url"] == "smtp://***@m:25  (PASSERELLE_SMTP_URL)"
    assert set(VARIABLES) <= set(lines)


def test_the_environment_stands_above_the_file_for_each(tmp_path):
    write_settings(tmp_path, changed(BARE, [f"{name}=in-file" for name in VARIABLES]))
    in_file = read_settings(tmp_path, {})
    above = read_settings(tmp_path, dict.fromkeys(VARIABLES.values(), "above"))
    assert set(in_file.ways_out.values()) == {"in-file"}
    assert set(above.ways_out.values()) == {"above"}
    assert (in_file.database_url, above.database_url) == ("in-file", "above")


def test_what_is_as_it_comes_is_not_written(tmp_path):
    write_settings(tmp_path, changed(BARE, ["retention.notes_days=30"]))
    written = json.loads((tmp_path / "fleet.json").read_text())
    assert set(written) == {"public_url", "broker_host", "broker_port", "contract", "retention"}
    assert written["retention"] == {"notes_days": 30}


def test_the_guide_names_every_setting_once():
    page = (ROOT / "docs" / "exploitation.md").read_text(encoding="utf-8")
    section = page.partition("\n## Réglages\n")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    named = [name.strip(" `") for row in rows for name in row.split(",")]
    settings = [line.split(" = ")[0] for line in shown(BARE, {})]
    sections = {name for name in named if name.endswith(".*")}
    covered = {name for name in settings if any(name.startswith(one[:-1]) for one in sections)}
    assert sorted(named) == sorted(set(named))
    assert set(named) - sections == set(settings) - covered | {"signature"} - covered


def test_a_database_that_is_newly_named_has_tables_and_the_trace(data, tmp_path, capsys):
    url = f"sqlite:///{tmp_path}/other.db"
    assert main(["settings", "set", "--data", str(data), f"database_url={url}"]) == 0
    assert "stay in the former database" in capsys.readouterr().out
    settings, database = commands.open_fleet(data)
    assert settings.database_url == url
    with closing(database), database.read() as connection:
        subjects = select(audit_log.c.subject).where(audit_log.c.action == "settings.set")
        assert list(connection.scalars(subjects)) == ["database_url"]


@pytest.mark.parametrize(
    "url", ["postgresql+psycopg:///x?host=/nowhere", "sqlite:////nowhere/x.db", "mysql://x"]
)
def test_a_database_that_nobody_can_open_changes_nothing(data, capsys, url):
    before = everything(data)
    assert main(["settings", "set", "--data", str(data), f"database_url={url}"]) == 2
    assert "database_url" in capsys.readouterr().err
    assert everything(data) == before
