from pathlib import Path

from fleet.broker.additions import BEGIN, END, renewed_configuration, renewed_rights
from fleet.broker.mosquitto import BrokerFiles, render_acl, render_configuration
from tests.unit.fleet.founded import EUIS

FILES = BrokerFiles(folder=Path("/d/mosquitto"), keys=Path("/d/keys"))
OLD_RIGHTS = f"""# Written by `passerelle fleet`: a reload (SIGHUP) applies it to open sessions too.
user fleet
topic readwrite vdl/1/#
topic read $SYS/#
topic read plant/#

user {EUIS[0]}
topic deny vdl/1/{EUIS[0]}/#

pattern write vdl/1/%u/presence
pattern read vdl/1/%u/config/desired

# our dashboard
user grafana
topic read vdl/1/+/health
"""


def test_a_file_from_before_the_marks_gets_new_rights_and_keeps_what_was_added():
    text = renewed_rights(OLD_RIGHTS, render_acl((EUIS[1],)))
    ours, _, after = text.partition(f"{END}\n")
    assert ours == f"{BEGIN}\n{render_acl((EUIS[1],))}"
    assert "pattern read vdl/1/%u/presence" in ours
    assert EUIS[0] not in text
    assert after.splitlines() == [
        "user fleet",
        "topic read plant/#",
        "# our dashboard",
        "user grafana",
        "topic read vdl/1/+/health",
    ]


def test_lines_around_the_marks_stay_as_they_are():
    ours = renewed_rights("", render_acl((EUIS[0],)))
    text = f"# mine\nuser a\ntopic read x\n{ours}\nuser b\ntopic read y\n"
    again = renewed_rights(text, render_acl())
    assert again.startswith("# mine\nuser a\ntopic read x\n")
    assert again.endswith(f"{END}\n\nuser b\ntopic read y\n")
    assert EUIS[0] not in again
    assert renewed_rights(again, render_acl()) == again


def test_a_lost_end_mark_loses_no_line():
    text = renewed_rights("", render_acl()).replace(f"{END}\n", "") + "user b\ntopic read y\n"
    assert renewed_rights(text, render_acl()).endswith(f"{END}\nuser b\ntopic read y\n")


def conf(host="broker.example.fr", port=8883):
    return render_configuration(FILES, host=host, port=port)


def test_a_configuration_that_is_current_stays_byte_by_byte():
    assert renewed_configuration(conf(), conf(), conf()) == conf()


def test_what_an_administrator_changed_added_or_took_out_stays():
    mine = (
        conf()
        .replace("max_queued_messages 500000", "max_queued_messages 9")
        .replace("log_type notice\n", "")
        .replace("autosave_interval 30", "# autosave_interval 30")
    )
    mine += "listener 1883 127.0.0.1\nlog_dest file /var/log/mosquitto.log\n"
    assert renewed_configuration(mine, conf(), conf()) == mine


def test_what_a_newer_release_needs_comes_to_the_listener_where_it_belongs():
    older = conf().replace("tls_version tlsv1.2\n", "") + "listener 1883 127.0.0.1\n"
    lines = renewed_configuration(older, conf(), conf()).splitlines()
    assert lines.index("tls_version tlsv1.2") < lines.index("listener 1883 127.0.0.1")


def test_another_port_moves_our_listener_only():
    mine = conf() + "listener 1883 127.0.0.1\n"
    moved = renewed_configuration(mine, conf(), conf(port=8884))
    assert moved == mine.replace("listener 8883\n", "listener 8884\n")
    chosen = mine.replace("listener 8883\n", "listener 8883 10.0.0.1\n")
    assert renewed_configuration(chosen, conf(), conf(port=8884)) == chosen
