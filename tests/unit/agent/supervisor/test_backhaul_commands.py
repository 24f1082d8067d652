"""The backhaul's ladder on virtual links: each rung mends its trouble, and the real tools are called."""

from dataclasses import replace
from pathlib import Path

import pytest

from agent.host.details import default_interface
from agent.supervisor.backhaul_commands import (
    Command,
    Device,
    Links,
    commands_of,
    parse_devices,
    parse_sim_slots,
)
from agent.supervisor.network_tools import NetworkTools, StageImpossible
from agent.supervisor.step import BACKHAUL_LADDER, Stage
from agent.wire import reasons

MODEM = Device(name="cdc-wdm0", kind="gsm", state=100, interface="wwan0")
CABLE = Device(name="eth0", kind="ethernet", state=30, interface="eth0")
LOOPBACK = Device(name="lo", kind="loopback", state=100, interface="lo")
ON_4G = Links(route="wwan0", devices=(LOOPBACK, MODEM, CABLE), sim_slots=2, sim_slot=1)
SHOWN = (
    "GENERAL.DEVICE:cdc-wdm0\nGENERAL.TYPE:gsm\nGENERAL.STATE:100 (connected)\nGENERAL.IP-IFACE:wwan0\n\n"
    "GENERAL.DEVICE:eth0\nGENERAL.TYPE:ethernet\nGENERAL.STATE:30 (disconnected)\nGENERAL.IP-IFACE:eth0\n"
)


class VirtualNetwork:
    """A gateway's links with one trouble, mended by the command that mends it in the field."""

    def __init__(self, trouble: str, links: Links) -> None:
        self.trouble, self.links = trouble, links

    def obey(self, command: Command) -> None:
        mends = {
            "lease lost": ("nmcli", "device", "connect", "cdc-wdm0"),
            "modem hangs": ("mmcli", "--modem=any", "--reset"),
            "modem hangs hard": ("mmcli", "--modem=any", "--set-power-state-on"),
            "operator gone": ("nmcli", "device", "connect", "eth0"),
            "SIM refused": ("mmcli", "--modem=any", "--set-primary-sim-slot=2"),
        }
        if command == mends.get(self.trouble):
            self.trouble = ""


@pytest.mark.parametrize(
    ("trouble", "links", "stages_needed"),
    [
        ("lease lost", ON_4G, 1),
        ("modem hangs", ON_4G, 2),
        ("modem hangs hard", ON_4G, 3),
        ("operator gone", ON_4G, 4),
        ("SIM refused", replace(ON_4G, devices=(LOOPBACK, MODEM)), 4),
    ],
)
def test_each_trouble_is_mended_by_its_stage(trouble: str, links: Links, stages_needed: int) -> None:
    network = VirtualNetwork(trouble, links)
    climbed = 0
    for _, stage in BACKHAUL_LADDER[:-1]:
        if not network.trouble:
            break
        climbed += 1
        for command in commands_of(stage, links):
            network.obey(command)
    assert (network.trouble, climbed) == ("", stages_needed)


def test_the_other_interface_takes_over_by_its_metric() -> None:
    assert commands_of(Stage.OTHER_INTERFACE, ON_4G) == (
        ("nmcli", "device", "connect", "eth0"),
        ("nmcli", "device", "modify", "cdc-wdm0", "ipv4.route-metric", "20000", "ipv6.route-metric", "20000"),
    )


def test_the_last_sim_is_followed_by_the_first() -> None:
    links = Links(route="wwan0", devices=(MODEM,), sim_slots=2, sim_slot=2)
    (command,) = commands_of(Stage.OTHER_INTERFACE, links)
    assert command[-1] == "--set-primary-sim-slot=1"


def test_with_nothing_to_choose_from_networking_is_switched_off_and_on() -> None:
    everything = (("nmcli", "networking", "off"), ("nmcli", "networking", "on"))
    assert commands_of(Stage.OTHER_INTERFACE, Links(route="eth0", devices=())) == everything
    assert commands_of(Stage.RENEW_ADDRESS, Links(route=None)) == everything


def test_without_a_route_every_device_that_could_is_connected() -> None:
    links = Links(route=None, devices=(LOOPBACK, CABLE, replace(CABLE, name="wlan0", kind="wifi", state=20)))
    assert commands_of(Stage.RENEW_ADDRESS, links) == (("nmcli", "device", "connect", "eth0"),)


def test_what_the_tools_print_is_understood() -> None:
    assert parse_devices(SHOWN) == (MODEM, CABLE)
    assert parse_devices("") == ()
    assert parse_sim_slots("modem.generic.sim-slots.length : 2\nmodem.generic.primary-sim-slot : 1") == (2, 1)
    assert parse_sim_slots("modem.generic.state : failed") == (0, 0)
    assert default_interface("Iface Destination\neth0 0000FEA9\nwwan0 00000000 01") == "wwan0"
    assert default_interface("Iface\n") is None


def test_the_real_tools_are_asked_and_then_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = tmp_path / "asked"
    for name, answer in (("nmcli", SHOWN), ("mmcli", "modem.generic.state : connected")):
        (tmp_path / name).write_text(f"#!/bin/sh\necho \"$0 $*\" >> {asked}\ncat <<'END'\n{answer}\nEND\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    means = NetworkTools(route=lambda: "wwan0")
    assert means.carry_out(Stage.RENEW_ADDRESS) == reasons.recovery.carried_out(
        commands="nmcli device connect cdc-wdm0"
    )
    assert asked.read_text().splitlines()[-1].endswith("nmcli device connect cdc-wdm0")


def test_a_tool_that_is_missing_or_fails_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StageImpossible, match="mmcli is not installed"):
        NetworkTools(route=lambda: None).carry_out(Stage.RESET_MODEM)
    (tmp_path / "mmcli").write_text('#!/bin/sh\necho "error: couldn\'t find modem" >&2\nexit 1\n')
    (tmp_path / "mmcli").chmod(0o755)
    with pytest.raises(StageImpossible, match=r"--reset: failed \(error: couldn't find modem\)"):
        NetworkTools(route=lambda: None).carry_out(Stage.RESET_MODEM)
