"""balena beside the registry: every difference is named, and an API that misbehaves is one sentence."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from fleet.cli import balena
from fleet.cli.balena import BalenaError, Device, Finding, compare, device_of, load_devices
from fleet.cli.main import main
from fleet.registry.store import load_gateways
from tests.unit.fleet.founded import DOCUMENT, EUIS, founded_database

ROW = {
    "uuid": "8f66ec7335dd4a97b7661faa131b1502",
    "device_name": "vouvray-mairie",
    "is_online": True,
    "os_version": "balenaOS 6.1.24",
    "supervisor_version": "16.7.0",
    "device_tag": [{"tag_key": "eui", "value": EUIS[0].upper()}],
    "is_running__release": [{"commit": "0123456789abcdef"}],
    "should_be_running__release": [{"commit": "0123456789abcdef"}],
}
Answer = Callable[[str, str], tuple[int, object]]


@contextmanager
def api(answer: Answer) -> Iterator[str]:
    """Serve what ``answer(path, authorization)`` returns, as JSON."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answer(self.path, self.headers.get("Authorization", ""))
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    serving = Thread(target=server.serve_forever)
    serving.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


def fleet_of(*rows: object) -> Answer:
    def answer(path: str, authorization: str) -> tuple[int, object]:
        if authorization != "Bearer secret":
            return 401, b"Unauthorized"
        if path.startswith("/v7/application?"):
            return 200, {"d": [{"id": 5}] if "smo%2Fpasserelles" in path else []}
        return 200, {"d": list(rows)}

    return answer


@pytest.fixture(scope="module")
def gateways(tmp_path_factory):
    database = founded_database(tmp_path_factory.mktemp("fleet"))
    with database.read() as connection:
        yield load_gateways(connection)
    database.close()


def device(eui: str, **fields) -> Device:
    return Device(uuid=f"u{eui}", name="", eui=eui, online=True, running="a", target="a", **fields)


@pytest.mark.parametrize(
    ("devices", "expected"),
    [
        ([device(EUIS[0]), device(EUIS[1])], []),
        ([device(EUIS[0])], [(EUIS[1], Finding.NOT_THERE)]),
        (
            [device(EUIS[0]), device(EUIS[1]), Device(uuid="u", name="atelier", online=True)],
            [("atelier", Finding.UNKNOWN_DEVICE)],
        ),
        (
            [device(EUIS[0]), device(EUIS[0]), device(EUIS[1])],
            [(EUIS[0], Finding.TWICE), (EUIS[0], Finding.TWICE)],
        ),
        (
            [device(EUIS[1]), Device(uuid="u", name="", eui=EUIS[0], running="a", target="b")],
            [(EUIS[0], Finding.OTHER_RELEASE), (EUIS[0], Finding.OFFLINE)],
        ),
        (
            [device(EUIS[1]), Device(uuid="u", name="", eui=EUIS[0], online=True, running="a")],
            [],
        ),
    ],
    ids=["agree", "absent", "unknown", "twice", "behind-and-offline", "no-target"],
)
def test_every_difference_is_named_once(gateways, devices, expected):
    assert compare(devices, gateways) == expected


def test_a_planned_gateway_need_not_be_there_but_may(gateways):
    assert compare([device(eui) for eui in EUIS], gateways) == []


def test_the_tag_says_the_eui_before_the_name_does():
    assert device_of(ROW) == Device(
        uuid=ROW["uuid"],
        name="vouvray-mairie",
        eui=EUIS[0],
        online=True,
        os_version="balenaOS 6.1.24",
        running="0123456",
        target="0123456",
    )
    named = ROW | {"device_tag": [], "device_name": "GW-00-16-C0-01-F1-00-00-02", "is_running__release": []}
    assert (device_of(named).eui, device_of(named).running) == (EUIS[1], "")
    assert device_of(ROW | {"device_tag": []}).eui == ""


@pytest.mark.parametrize("missing", ["uuid", "device_tag", "is_running__release"])
def test_a_device_that_is_not_as_documented_is_refused(missing):
    with pytest.raises(BalenaError, match="not as documented"):
        device_of({name: value for name, value in ROW.items() if name != missing})


def test_devices_are_read_with_the_key():
    with api(fleet_of(ROW)) as url:
        assert load_devices("smo/passerelles", url=url, token="secret") == [device_of(ROW)]


@pytest.mark.parametrize(
    ("answer", "application", "token"),
    [
        (fleet_of(), "smo/passerelles", "wrong"),
        (fleet_of(), "smo/other", "secret"),
        (lambda path, key: (500, b"down"), "smo/passerelles", "secret"),
        (lambda path, key: (200, b"<html>"), "smo/passerelles", "secret"),
        (lambda path, key: (200, {"d": [{}]}), "smo/passerelles", "secret"),
    ],
    ids=["refused", "no-such-fleet", "down", "no-json", "no-documented-rows"],
)
def test_an_api_that_misbehaves_is_one_sentence(answer, application, token):
    with api(answer) as url, pytest.raises(BalenaError, match=r"^balena: .+") as refused:
        load_devices(application, url=url, token=token)
    assert "\n" not in str(refused.value)


def test_more_devices_than_the_limit_are_not_compared_in_part():
    with api(fleet_of(ROW, ROW)) as url:
        assert len(load_devices("smo/passerelles", url=url, token="secret", limit=2)) == 2
    with api(fleet_of(ROW, ROW, ROW)) as url, pytest.raises(BalenaError, match="more than 2"):
        load_devices("smo/passerelles", url=url, token="secret", limit=2)


def test_the_command_ends_with_1_where_they_differ(tmp_path, monkeypatch, capsys):
    data = str(tmp_path)
    document = tmp_path / "registry.json"
    document.write_text(json.dumps(DOCUMENT))
    assert main(["init", "--data", data]) == 0
    assert main(["import", "--data", data, str(document)]) == 0
    capsys.readouterr()
    monkeypatch.setenv(balena.TOKEN_VARIABLE, "")
    assert main(["balena", "--data", data, "smo/passerelles"]) == 2
    assert balena.TOKEN_VARIABLE in capsys.readouterr().err
    monkeypatch.setenv(balena.TOKEN_VARIABLE, "secret")
    with api(fleet_of(ROW)) as url:
        monkeypatch.setenv(balena.URL_VARIABLE, url)
        assert main(["balena", "--data", data, "smo/passerelles"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines == [f"{EUIS[1]} no device at balena", "1 devices of smo/passerelles, 1 differences"]
