"""What restarts the process and the machine, by where the agent runs."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.host.balena import Balena, BalenaRefused, balena_here
from agent.host.machine import RESTART_CODE, CannotReboot, ServiceNotifier, reboot_machine, restart_process
from tests.controlpath.balena import APP, SERVICE, FakeBalena, fake_balena

NAMES = ("INVOCATION_ID", "NOTIFY_SOCKET", "WATCHDOG_USEC", "BALENA_SUPERVISOR_ADDRESS")


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def balena(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeBalena]:
    with fake_balena() as fake:
        for name, value in fake.environment.items():
            monkeypatch.setenv(name, value)
        yield fake


def test_in_a_container_the_supervisor_reboots_the_device(balena: FakeBalena) -> None:
    reboot_machine()
    assert balena.asked == [("POST", "/v1/reboot", {})]


def test_an_update_lock_refuses_a_reboot_and_says_so(balena: FakeBalena) -> None:
    balena.locked = True
    with pytest.raises(CannotReboot, match=r"HTTP 423 .*Updates are locked"):
        reboot_machine()


def test_in_a_container_the_supervisor_restarts_the_service(balena: FakeBalena) -> None:
    assert restart_process() == RESTART_CODE
    assert balena.asked == [("POST", f"/v2/applications/{APP}/restart-service", {"serviceName": SERVICE})]


def test_a_supervisor_that_refuses_leaves_it_to_the_restart_policy(
    balena: FakeBalena, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BALENA_SERVICE_NAME", "other")
    assert restart_process() == RESTART_CODE
    assert "404" in capsys.readouterr().err


def test_the_key_is_never_in_an_error(balena: FakeBalena) -> None:
    wrong = Balena(address=balena.address, key="secret-key", app=APP, service=SERVICE)
    with pytest.raises(BalenaRefused, match="401") as refused:
        wrong.reboot()
    assert "secret-key" not in str(refused.value)


def test_the_details_tell_what_the_supervisor_says(balena: FakeBalena) -> None:
    here = balena_here()
    assert here is not None
    assert here.fields() == {
        "balena_answers_up": 1,
        "version_balena_os": "balenaOS 5.2.8",
        "version_balena_supervisor": "16.7.6",
        "balena_release": "414e65cd378a69a96f403b75f14b40b55856f860",
        "balena_status": "Idle",
        "balena_update": "pending",
    }
    gone = Balena(address="http://127.0.0.1:9", key="k", app=APP, service=SERVICE)
    assert gone.fields() == {"balena_answers_up": 0}


def test_elsewhere_a_reboot_has_no_means(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CannotReboot, match="no service manager"):
        reboot_machine()
    monkeypatch.setenv("BALENA_SUPERVISOR_ADDRESS", "http://127.0.0.1:9")
    with pytest.raises(CannotReboot, match="balena"):
        reboot_machine()


def test_under_a_service_manager_the_exit_code_asks_for_the_restart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", "/run/x")
    assert restart_process() == RESTART_CODE


def test_in_a_container_the_process_has_its_own_watchdog(balena: FakeBalena) -> None:
    assert ServiceNotifier().watchdog_s == 90.0


def test_without_anybody_there_is_no_watchdog(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ServiceNotifier().watchdog_s is None
    monkeypatch.setenv("WATCHDOG_USEC", "60000000")
    monkeypatch.setenv("BALENA_SUPERVISOR_ADDRESS", "http://127.0.0.1:9")
    assert ServiceNotifier().watchdog_s == 60.0


def test_a_process_that_stands_still_ends_and_shows_where() -> None:
    program = (
        "from agent.host.machine import ServiceNotifier\n"
        "manager = ServiceNotifier(own_watchdog_s=2.0)\n"
        "manager.working()\n"
        "import threading\n"
        "def stands_still(): threading.Event().wait()\n"
        "stands_still()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "stands_still" in done.stderr


def test_a_site_s_name_reaches_systemd_as_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.settimeout(60)
        systemd.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        ServiceNotifier().ready("0016c001f1370001 L’Île-Bouchard, Sacré-Cœur\nWATCHDOG=trigger")
        sent = systemd.recv(4096).decode()
    assert sent == "READY=1\nSTATUS=0016c001f1370001 L’Île-Bouchard, Sacré-Cœur WATCHDOG=trigger"
