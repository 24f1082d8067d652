"""The commands as an operator types them; a mistake is one line and status 2."""

import json

import pytest
from typer.main import get_command

from agent.wire.configuration import FleetConfig, decode_configuration
from agent.wire.envelope import decode_envelope
from agent.wire.messages import encode
from agent.wire.order import decode_order
from fleet.cli.main import app, main
from tests.unit.fleet.founded import DOCUMENT, EUIS, heartbeat


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fleet")
    path = folder / "registry.json"
    path.write_text(json.dumps(DOCUMENT))
    assert main(["init", "--data", str(folder), "--broker", "broker.example.fr:8884"]) == 0
    assert main(["import", "--data", str(folder), str(path)]) == 0
    return folder


def run(capsys, *arguments):
    status = main([str(argument) for argument in arguments])
    told = capsys.readouterr()
    return status, told.out, told.err


def leaves(command, path=()):
    if not hasattr(command, "commands"):
        yield path, command
        return
    for name, below in command.commands.items():
        yield from leaves(below, (*path, name))


def test_every_command_takes_the_service_s_own_folder():
    named = {
        path: option.envvar
        for path, command in leaves(get_command(app))
        for option in command.params
        if "--data" in option.opts
    }
    assert ("rollout", "approve") in named
    assert {path for path, variable in named.items() if variable != "PASSERELLE_DATA"} == set()


def test_init_again_keeps_every_key(data, capsys):
    before = {path.name: path.read_bytes() for path in (data / "keys").glob("*.key")}
    assert run(capsys, "init", "--data", data, "--broker", "broker.example.fr:8884")[0] == 0
    assert {path.name: path.read_bytes() for path in (data / "keys").glob("*.key")} == before
    assert (data / "keys" / "ca.key").stat().st_mode & 0o777 == 0o600


def test_an_order_carries_what_a_first_boot_needs(data, capsys, tmp_path):
    path = tmp_path / "order.json"
    status, _, _ = run(
        *(capsys, "order", "--data", data, "--eui", EUIS[0], "--output", path),
        *("--bus", "socket:/tmp/chip", "--lns", "lns.example.fr:1701", "--enrol-url", "http://f.example/"),
        *("--set", "radio.gnss_device=/dev/ttyAMA0"),
    )
    assert status == 0
    assert path.stat().st_mode & 0o777 == 0o600
    order = decode_order(path.read_bytes())
    assert (order.eui, order.enrol_url, order.bus) == (EUIS[0], "http://f.example", "socket:/tmp/chip")
    configuration = decode_configuration(decode_envelope(order.configuration).payload)
    assert configuration.connectors[0].host == "lns.example.fr"
    assert configuration.fleet == FleetConfig(host="broker.example.fr", port=8884, tls=True)
    assert configuration.radio.gnss_device == "/dev/ttyAMA0"


@pytest.mark.parametrize("assignment", ["radio.gnss_device=COM1", "radio.colour=red", "radio"])
def test_an_order_with_a_wrong_setting_is_refused(data, capsys, tmp_path, assignment):
    path = tmp_path / "order.json"
    status, _, error = run(
        *(capsys, "order", "--data", data, "--eui", EUIS[0], "--output", path, "--set", assignment)
    )
    assert status == 2
    assert "radio" in error
    assert not path.exists()


def test_configure_makes_the_next_version(data, capsys, tmp_path):
    run(capsys, "order", "--data", data, "--eui", EUIS[1], "--output", tmp_path / "o.json")
    status, out, _ = run(
        *(capsys, "configure", "--data", data, "--eui", EUIS[1], "--set", "intervals.heartbeat_s=10")
    )
    assert (status, out) == (0, f"{EUIS[1]}: version 2 requested\n")


def test_accepting_several_at_once(data, capsys):
    status, out, _ = run(capsys, "accept", "--data", data, "--eui", EUIS[1], "--eui", EUIS[2])
    assert status == 0
    assert out.count("accepted") == 2


def test_a_message_is_shown_with_its_names(capsys, monkeypatch):
    class Standard:
        class buffer:  # noqa: N801 as sys.stdin has it
            read = staticmethod(lambda: encode(heartbeat()))

    monkeypatch.setattr("sys.stdin", Standard)
    status, out, _ = run(capsys, "decode", f"vdl/1/{EUIS[0]}/health")
    assert status == 0
    assert json.loads(out)["connectors"][0]["name"] == "lns"


def test_a_dry_run_changes_nothing(data, capsys, tmp_path):
    path = tmp_path / "more.json"
    path.write_text(json.dumps({"communes": [{"insee": "37153", "name": "Monnaie"}]}))
    for _ in range(2):
        status, out, _ = run(capsys, "import", "--data", data, path, "--dry-run")
        assert (status, out.startswith("would import 1 communes")) == (0, True)
    site = {"sites": [{"key": "m", "name": "M", "commune_insee": "37153"}]}
    path.write_text(json.dumps(site))
    status, _, err = run(capsys, "import", "--data", data, path)
    assert (status, "sites[0].commune_insee: no commune 37153" in err) == (2, True)


def test_the_month_on_the_command_line(data, capsys):
    status, out, _ = run(capsys, "availability", "--data", data, "--by", "commune", "--json")
    assert status == 0
    assert {row["insee"] for row in json.loads(out)["items"]} == {"37281", "37015"}


@pytest.mark.parametrize(
    ("locale", "budget", "column"),
    [("en_GB.UTF-8", "budget left", "below two %"), ("C.UTF-8", "encore permis", "moins de deux %")],
)
def test_what_people_read_is_in_the_language_of_who_types(data, capsys, monkeypatch, locale, budget, column):
    for name in ("PASSERELLE_LANG", "LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", locale)
    status, out, _ = run(capsys, "availability", "--data", data, "--by", "commune")
    assert status == 0
    assert budget in out
    assert column in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("order", "--eui", "12", "--output", "o"), "eui: '12' is not 16 hexadecimal digits"),
        (("order", "--eui", "0016c001f1999999", "--output", "o"), "no such gateway in the registry"),
        (("configure", "--set", "a=b"), "--eui"),
        (("configure", "--eui", EUIS[2], "--set", "a=b"), "pas encore de configuration"),
        (("configure", "--eui", EUIS[2], "--set", "nothing"), "is not PATH=VALUE"),
        (("import", "nowhere.json"), "nowhere.json"),
        (("availability", "--month", "2026-13"), "month"),
        (("export", "x.pdf"), "name it .csv or .xlsx"),
        (("serve", "--host", "0.0.0.0", "--open-access"), "--open-access: only with --host 127.0.0.1"),
        (("nonsense",), "nonsense"),
    ],
)
def test_a_mistake_is_one_line_and_status_2(data, capsys, arguments, words):
    command, *rest = arguments
    status, _, err = run(capsys, command, *(() if command == "nonsense" else ("--data", data)), *rest)
    assert status == 2
    assert words in err
    assert "Traceback" not in err


def test_a_folder_without_a_fleet(capsys, tmp_path):
    status, _, err = run(capsys, "accept", "--data", tmp_path, "--eui", EUIS[0])
    assert (status, "fleet init" in err) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("start", "--set", "a=b", "--reason", "x", "--eui", EUIS[2]), "pas encore de configuration"),
        (("start", "--set", "nothing", "--reason", "x"), "is not PATH=VALUE"),
        (("plan", "--set", "a=b", "--eui", "12"), "eui"),
        (("pause", "7"), "Aucun déploiement n° 7"),
        (("status", "7"), "Aucun déploiement n° 7"),
    ],
)
def test_a_mistake_about_a_rollout_is_one_line_and_status_2(data, capsys, arguments, words):
    command, *rest = arguments
    status, _, err = run(capsys, "rollout", command, "--data", data, *rest)
    assert (status, words in err, len(err.splitlines())) == (2, True, 1)


def test_a_rollout_is_planned_started_and_shown(data, capsys, tmp_path):
    for number, eui in enumerate(EUIS):
        run(capsys, "order", "--data", data, "--eui", eui, "--output", tmp_path / f"{number}.json")
    wish = ("--set", "intervals.stat_s=60", "--reason", "mesures")
    status, out, _ = run(capsys, "rollout", "plan", "--data", data, *wish)
    assert status == 0
    assert "intervals.stat_s: 30 → 60" in out
    assert run(capsys, "rollout", "status", "--data", data)[1].strip() == "Aucun déploiement en cours."
    status, out, _ = run(capsys, "rollout", "start", "--data", data, *wish)
    assert (status, "Déploiement n° 1 commencé" in out) == (0, True)
    assert "mesures · en cours" in run(capsys, "rollout", "status", "--data", data)[1]
    assert run(capsys, "rollout", "rollback", "1", "--data", data, "--reason", "essai")[0] == 0
