"""`passerelle fleet lns`: against ChirpStack's own gRPC services, served here from memory."""

import csv
import json

import pytest
from chirpstack_api import api

from agent.wire.configuration import EndToEndConfig
from fleet.cli.commands import open_fleet
from fleet.cli.lns import COLUMNS, Wanted, plan
from fleet.cli.main import main
from fleet.configurations.store import newest_version
from fleet.registry.store import load_gateways
from tests.unit.fleet.cli.chirpstack_services import TOKEN, Memory, serving
from tests.unit.fleet.founded import DOCUMENT, EUIS

TENANT = "52f14cd4-c6f1-4fbd-8f87-4025e1d49242"


@pytest.fixture
def memory():
    return Memory()


@pytest.fixture
def url(memory):
    with serving(memory) as address:
        yield address


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "fleet"
    path = tmp_path / "registry.json"
    path.write_text(json.dumps(DOCUMENT))
    assert main(["init", "--data", str(folder), "--broker", "broker.example.fr:8884"]) == 0
    assert main(["import", "--data", str(folder), str(path)]) == 0
    order = ["--output", str(tmp_path / "order.json"), "--lns", "chirpstack://lns.example.fr"]
    assert main(["order", "--data", str(folder), "--eui", EUIS[0], *order]) == 0
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    return folder


def provision(data, url, *more):
    token = str(data.parent / "token")
    return main(
        [
            "lns",
            "provision",
            "--data",
            str(data),
            "--url",
            url,
            "--tenant",
            TENANT,
            "--token-file",
            token,
            *more,
        ]
    )


def end_to_end(data, eui):
    _, database = open_fleet(data)
    with database.read() as connection:
        version = newest_version(connection, eui)
    database.close()
    return version.version, version.configuration.end_to_end


def test_gateways_and_test_devices_are_registered_once_and_the_gateway_learns_its_own(
    data, url, memory, capsys
):
    assert provision(data, url) == 0
    assert sorted(memory.gateways) == sorted(EUIS)
    assert all(made.tags["passerelle"] == "1" for made in memory.gateways.values())
    assert list(memory.devices) == [EUIS[0]], "only a gateway with a configuration has a test device"
    version, device = end_to_end(data, EUIS[0])
    session = memory.sessions[EUIS[0]]
    assert (version, device.dev_addr, device.network_key) == (2, "00c00001", session.nwk_s_enc_key)
    assert session.f_nwk_s_int_key == session.s_nwk_s_int_key == device.network_key
    assert memory.profiles["profile-1"].abp_rx2_freq == 869_525_000
    capsys.readouterr()
    assert provision(data, url) == 0
    assert "0 configurations changed" in capsys.readouterr().out
    assert (end_to_end(data, EUIS[0]), len(memory.applications)) == ((version, device), 1)


def test_a_session_that_chirpstack_lost_is_given_again_and_the_gateway_keeps_its_own(data, url, memory):
    assert provision(data, url) == 0
    before = end_to_end(data, EUIS[0])
    memory.sessions.clear()
    assert provision(data, url) == 0
    assert memory.sessions[EUIS[0]].nwk_s_enc_key == before[1].network_key
    assert end_to_end(data, EUIS[0]) == before


def connector(data, eui):
    _, database = open_fleet(data)
    with database.read() as connection:
        version = newest_version(connection, eui)
    database.close()
    return version.version, version.configuration.connectors[0]


def test_a_client_certificate_is_issued_once_and_again_before_it_ends(data, url, memory, capsys):
    assert provision(data, url, "--certificates") == 0
    version, first = connector(data, EUIS[0])
    assert (version, memory.certificates) == (2, [EUIS[0]])
    assert first.certificate_pem.startswith("-----BEGIN CERTIFICATE-----\n")
    assert "PRIVATE KEY" in first.key_pem
    assert provision(data, url, "--certificates") == 0
    assert (connector(data, EUIS[0]), memory.certificates) == ((version, first), [EUIS[0]])
    capsys.readouterr()
    memory.certificate_days = 80
    change = ["configure", "--data", str(data), "--eui", EUIS[0], "--set"]
    assert main([*change, "connectors.0.certificate_pem=", "--set", "connectors.0.key_pem="]) == 0
    assert first.key_pem[30:60] not in capsys.readouterr().out, "no key on a screen"
    for _ in range(2):
        assert provision(data, url, "--certificates") == 0
    assert memory.certificates == [EUIS[0]] * 3, "80 days are fewer than 90: renewed at each run"


def test_who_has_a_certificate_of_another_keeps_it(data, url, memory):
    assert main(["settings", "set", "--data", str(data), "two_persons.addresses=false"]) == 0
    change = ["configure", "--data", str(data), "--eui", EUIS[0]]
    files = ["--set", "connectors.0.certificate_file=/a.pem", "--set", "connectors.0.key_file=/a.pem"]
    assert main([*change, *files]) == 0
    assert provision(data, url, "--certificates") == 0
    assert memory.certificates == []


def test_a_dry_run_changes_nothing_and_names_what_is_unknown(data, url, memory, capsys):
    memory.gateways["0016c001f1999999"] = api.Gateway()
    assert provision(data, url, "--dry-run") == 0
    shown = capsys.readouterr().out
    assert "0016c001f1999999: known to ChirpStack and not to the registry" in shown
    assert f"{EUIS[0]}: test device registered" in shown
    assert list(memory.gateways) == ["0016c001f1999999"]
    assert (memory.devices, end_to_end(data, EUIS[0])[1]) == ({}, EndToEndConfig())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"token": "wrong"}, "UNAUTHENTICATED: authentication failed"),
        ({"url": "chirpstack.example"}, "is not https://HOST:PORT"),
        ({"url": "http://127.0.0.1:9"}, "UNAVAILABLE"),
    ],
)
def test_a_mistake_is_one_line(data, url, capsys, changes, words):
    if "token" in changes:
        (data.parent / "token").write_text(changes["token"])
    assert provision(data, changes.get("url", url)) == 2
    error = capsys.readouterr().err
    assert words in error
    assert len(error.strip().splitlines()) == 1


def test_other_servers_get_a_csv_that_only_its_owner_reads(data, url, tmp_path):
    assert provision(data, url) == 0
    path = tmp_path / "lns.csv"
    assert main(["lns", "export", "--data", str(data), str(path)]) == 0
    assert path.stat().st_mode & 0o777 == 0o600
    rows = list(csv.DictReader(path.read_text().splitlines()))
    assert tuple(rows[0]) == COLUMNS
    device = end_to_end(data, EUIS[0])[1]
    mine = next(row for row in rows if row["eui"] == EUIS[0])
    assert (mine["dev_eui"], mine["dev_addr"], mine["nwk_s_key"]) == (
        EUIS[0],
        device.dev_addr,
        device.network_key,
    )


def test_a_plan_is_what_makes_both_lists_equal(data):
    _, database = open_fleet(data)
    with database.read() as connection:
        gateways = load_gateways(connection)
        wanted = [Wanted(gateway=one, version=newest_version(connection, one.eui)) for one in gateways]
    database.close()
    made = plan(wanted, [EUIS[1]], ["ffffffffffffffff"])
    assert {one.eui for one in made.gateways} == set(EUIS) - {EUIS[1]}
    assert [one.eui for one in made.devices] == [EUIS[0]]
    assert made.unknown == ("ffffffffffffffff",)
