"""A second person at the command line: who decides logs in, and nobody approves their own request."""

import io
import json

import pytest

from fleet.cli import commands
from fleet.cli.commands import open_fleet
from fleet.cli.main import main
from fleet.configurations.store import newest_version
from fleet.identity.people import account_of, set_user
from tests.unit.fleet.founded import DOCUMENT, EUIS, NOW_US

SECRET = "a long password"
EUI = EUIS[1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    data = tmp_path_factory.mktemp("fleet")
    commands.init(data, public_url="", broker="127.0.0.1:8883")
    (data / "registry.json").write_text(json.dumps(DOCUMENT))
    assert main(["import", "--data", str(data), str(data / "registry.json")]) == 0
    _, database = open_fleet(data)
    accounts = [account_of(name=name, role=role, password=SECRET) for name, role in ROLES]
    with database.write() as connection:
        for account in accounts:
            set_user(connection, account, who="test", now_us=NOW_US)
    database.close()
    order = ["order", "--data", str(data), "--eui", EUI, "--output", str(data / "o.json")]
    assert main([*order, "--lns", "lns.example.fr"]) == 0
    return data


ROLES = (("berthe", "operator"), ("rené", "viewer"))


@pytest.fixture
def run(folder, capsys, monkeypatch):
    def one(*arguments, typed=""):
        monkeypatch.setattr("sys.stdin", io.StringIO(typed + "\n"))
        words = [str(word) for word in arguments]
        status = main([*words, "--data", str(folder)])
        told = capsys.readouterr()
        return status, told.out + told.err

    return one


def requests(run):
    return json.loads(run("rollout", "requests", "--json", "--all")[1])


def test_the_whole_way(run, folder):
    address = ("configure", "--eui", EUI, "--set", "connectors.0.host=autre.exemple.fr")
    assert run(*address)[0] == 2, "a request says why"
    status, out = run(*address, "--reason", "nouveau serveur", "--despite", "essai")
    assert (status, "Demande n° 1" in out.replace("\u202f", " ")) == (0, True)
    assert requests(run)[0]["changes"] == {"connectors.0.host": "autre.exemple.fr"}
    assert "autre.exemple.fr" in run("rollout", "requests")[1]
    for name, typed in (("berthe", "wrong"), ("rené", SECRET), ("nobody", SECRET)):
        assert run("rollout", "approve", 1, "--as", name, typed=typed)[0] == 2
    assert run("rollout", "refuse", 1, "--as", "berthe", "--reason", " ", typed=SECRET)[0] == 2
    assert run("rollout", "approve", 1, "--as", "berthe", typed=SECRET)[0] == 0
    assert (requests(run)[0]["state"], requests(run)[0]["decided_by"]) == ("approved", "berthe")
    assert run("rollout", "approve", 1, "--as", "berthe", typed=SECRET)[0] == 2
    _, database = open_fleet(folder)
    with database.read() as connection:
        assert newest_version(connection, EUI).version == 1, "the engine signs it"
    database.close()


def test_an_account_of_the_command_line_is_no_second_person_for_it(run, folder):
    assert run("user", "--name", "root2", "--role", "operator", typed=SECRET)[0] == 0
    wanted = ("configure", "--eui", EUI, "--set", "connectors.0.host=x.fr", "--reason", "x", "--despite", "x")
    assert run(*wanted)[0] == 0
    number = requests(run)[0]["id"]
    status, out = run("rollout", "approve", number, "--as", "root2", typed=SECRET)
    assert (status, "seconde personne" in out) == (2, True)
    assert run("rollout", "cancel", number, "--as", "root2", "--reason", "essai", typed=SECRET)[0] == 0


def test_an_emergency_is_asked_for_whatever_is_changed(run):
    wanted = ("configure", "--eui", EUI, "--set", "intervals.stat_s=60", "--reason", "panne", "--emergency")
    status, out = run(*wanted)
    assert (status, "seconde personne" in out) == (0, True)
    newest = requests(run)[0]
    assert (newest["kind"], newest["state"]) == ("emergency", "waiting")
    cancel = ("rollout", "cancel", newest["id"], "--as", "berthe", "--reason", "fausse alerte")
    assert run(*cancel, typed=SECRET)[0] == 0
    assert requests(run)[0]["state"] == "cancelled"


def test_a_version_is_revoked(run):
    assert run("configure", "--eui", EUI, "--set", "intervals.stat_s=90")[0] == 0
    status, out = run("rollout", "revoke-version", "--eui", EUI, "--version", 2, "--reason", "faute")
    assert (status, "takes it back" in out) == (0, True)
    assert run("rollout", "revoke-version", "--eui", EUI, "--version", 99, "--reason", "faute")[0] == 2
    assert run("rollout", "revoke", 99, "--reason", "faute")[0] == 2
