"""Details: every number names its unit, what the machine tells is there, and what counts as a change."""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from agent.gnss.receiver import GnssState
from agent.health.details import (
    DETAILS_EVERY_S,
    LOOK_EVERY_S,
    RESERVE,
    STEPS,
    WORDS,
    DetailsSent,
    changes,
    judge,
    radio_fields,
)
from agent.hearing.noise_meter import MEASURE_EVERY_US, SCANNED_HZ, NoiseMeter
from agent.host.details import machine_details, medium_fields, modem_fields, parse_life, parse_modem
from agent.host.fields import Fields, without_unit
from agent.host.supply import parse_throttled, power_state, throttling
from agent.observation import ConnectorState, DataPathState
from agent.wire.messages import Noted, Radio, encode
from hal.errors import HalError, OurMistake
from hal.packets import ConcentratorStatus, Spectrum
from hal.units import Dbm, Hz, Micros

SECOND_US = 1_000_000
PATH = DataPathState(
    radio=Radio.RECEIVING,
    radio_reason="",
    radio_since_us=0,
    connectors=(
        ConnectorState(name="lns", contractual=True, up=True, reason="", last_answer_us=SECOND_US, queued=3),
    ),
    spool_records=7,
    spool_accepting=True,
    received=30,
    crc_failed=10,
    temperature_c=41.26,
    eui="0016c001f12a3b4c",
    chip=ConcentratorStatus(
        counter_us=Micros(9 * SECOND_US), agc_status=0x10, agc_parity_ok=True, arb_parity_ok=False
    ),
    chip_at_us=2 * SECOND_US,
    airtime={"M": (360_000, 36_000_000), "P": (0, 360_000_000)},
    noise_dbm=-104.26,
    noise_samples=55,
)
GNSS = GnssState(fix=True, pps=False, satellites=9, latitude=47.4, longitude=0.8, reason="")


def tool(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def test_the_data_path_tells_what_the_noc_asks_for() -> None:
    fields = radio_fields(PATH, 10 * SECOND_US)
    assert fields == {
        "radio": "RECEIVING",
        "radio_since_s": 10,
        "crc_failed_percent": 25.0,
        "concentrator_c": 41.3,
        "concentrator_eui": "0016c001f12a3b4c",
        "concentrator_counter_s": 9,
        "concentrator_said_age_s": 8,
        "agc_parity": 1,
        "arb_parity": 0,
        "agc_status": "0x10",
        "noise_estimated_dbm": -104.3,
        "noise_samples_count": 55,
        "lns_lns_up": 1,
        "lns_lns_queued_count": 3,
        "lns_lns_answer_age_s": 9,
        "spool_count": 7,
        "spool_accepting": 1,
        "duty_M_used_percent": 1.0,
        "duty_M_used_ms": 360,
    }


def test_this_machine_tells_processor_memory_disk_network_and_versions(tmp_path: Path) -> None:
    fields = machine_details(tmp_path)
    wanted = {"cpu_count", "memory_available_mb", "disk_free_mb", "agent_rss_mb", "agent_threads_count"}
    assert wanted | {"version_agent", "version_kernel", "version_os", "version_python"} <= fields.keys()
    assert any(name.startswith("net_") and name.endswith("_sent_kb") for name in fields) == (
        len(list(Path("/sys/class/net").iterdir())) > 1
    )


def test_no_number_is_without_a_unit(tmp_path: Path) -> None:
    everything = (
        machine_details(tmp_path)
        | radio_fields(PATH, 10 * SECOND_US)
        | GNSS.fields()
        | parse_throttled("throttled=0x50005")
        | parse_life("0x01 0x02", "0x01")
        | parse_modem("modem.signal.lte.rsrp: -98.00\nmodem.generic.signal-quality.value: 67")
        | {"month_used_mb": 1, "backhaul_rtt_ms": 40, "certificate_days": 80, "journal_pending_count": 0}
    )
    assert without_unit(everything) == []
    assert without_unit({"load": 1.0}) == ["load"]


def test_a_message_of_details_stays_small(tmp_path: Path) -> None:
    fields = machine_details(tmp_path) | radio_fields(PATH, SECOND_US) | GNSS.fields()
    assert len(encode(Noted(2**63 - 1, 9_999, 1_790_000_000_000_000, "details", fields))) < 2_500


def test_throttling_of_a_raspberry_pi() -> None:
    assert parse_throttled("throttled=0x50005\n") == {
        "under_voltage": 1,
        "throttled": 1,
        "under_voltage_seen": 1,
        "throttled_seen": 1,
    }
    assert parse_throttled("") == {}
    assert parse_throttled("throttled=?") == {}


def test_the_supply_is_read_where_something_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    gone = tmp_path / "gone"
    assert throttling(gone, gone) == {}
    sensor = tmp_path / "hwmon" / "hwmon1"
    sensor.mkdir(parents=True)
    (sensor / "name").write_text("rpi_volt\n")
    (sensor / "in0_lcrit_alarm").write_text("1\n")
    assert power_state(throttling(gone, tmp_path / "hwmon")) == "UNDER_VOLTAGE"
    tool(tmp_path, "vcgencmd", "echo throttled=0x0")
    assert power_state(throttling(gone, tmp_path / "hwmon")) == "GOOD"
    (tmp_path / "get_throttled").write_text("50004\n")
    assert power_state(throttling(tmp_path / "get_throttled", gone)) == "THROTTLED"


def test_a_modem_is_asked_over_its_tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    asked = tmp_path / "asked"
    tool(
        tmp_path,
        "mmcli",
        f'echo "$*" >> {asked}\n'
        'case "$*" in\n'
        '*signal-get*) [ -e "$0.setup" ] && echo "modem.signal.lte.rsrp : -98.00" || exit 1;;\n'
        '*signal-setup*) : > "$0.setup";;\n'
        '*) echo "modem.generic.state : connected"; echo "modem.3gpp.operator-name : Orange F";'
        ' echo "modem.generic.signal-quality.value : 67"; echo "other : --";;\n'
        "esac",
    )
    told = {"modem_state": "connected", "modem_operator": "Orange F", "modem_signal_percent": 67.0}
    assert modem_fields() == told
    assert modem_fields() == told | {"modem_rsrp_dbm": -98.0}
    assert "--signal-setup=60" in asked.read_text()
    tool(tmp_path, "mmcli", "exit 1")
    assert modem_fields() == {}


def test_the_wear_of_an_emmc_partition(tmp_path: Path) -> None:
    number = tmp_path.stat().st_dev
    disk = tmp_path / "mmcblk0"
    (disk / "mmcblk0p2").mkdir(parents=True)
    (disk / "device").mkdir()
    (disk / "mmcblk0p2" / "partition").write_text("2\n")
    (disk / "stat").write_text("1 2 3 4 5 6 4000000 8\n")
    (disk / "device" / "life_time").write_text("0x03 0x0b\n")
    (disk / "device" / "pre_eol_info").write_text("0x02\n")
    (disk / "device" / "type").write_text("MMC\n")
    (tmp_path / f"{os.major(number)}:{os.minor(number)}").symlink_to(disk / "mmcblk0p2")
    assert medium_fields(tmp_path, tmp_path) == {
        "disk_name": "mmcblk0",
        "disk_kind": "MMC",
        "disk_written_mb": 2_048,
        "disk_wear_percent": 100,
        "disk_reserve": "warning",
    }
    assert medium_fields(tmp_path, tmp_path / "nothing") == {}
    assert parse_life("0x00 zz", "") == {}


@pytest.mark.parametrize(("name", "step"), sorted(STEPS.items()))
def test_a_number_is_told_when_it_moved_by_its_step(name: str, step: float) -> None:
    assert changes({name: 100.0}, {name: 100.0 + step * 0.99}) == []
    assert len(changes({name: 100.0}, {name: 100.0 + step})) == 1
    assert len(changes({name: 100.0}, {name: 100.0 - step})) == 1


@pytest.mark.parametrize("name", [*sorted(WORDS), "net_wwan0_up", "lns_chirpstack_up"])
def test_a_word_is_told_when_it_changes_or_comes_or_goes(name: str) -> None:
    assert len(changes({name: "a"}, {name: "b"})) == 1
    assert len(changes({}, {name: "b"})) == 1
    assert len(changes({name: "a"}, {})) == 1
    assert changes({name: "a"}, {name: "a"}) == []


def test_everything_else_waits_for_the_quarter_of_an_hour() -> None:
    told, because = judge(None, {"cpu_mhz": 600}, 0)
    assert because == "start"
    almost = DETAILS_EVERY_S * SECOND_US - 1
    told, because = judge(told, {"cpu_mhz": 1_500}, almost)
    assert because == ""
    _, because = judge(told, {"cpu_mhz": 1_500}, almost + 1)
    assert because == "interval"


def test_what_flutters_is_told_a_few_times_and_then_at_the_pace_of_the_reserve() -> None:
    told: DetailsSent | None = None
    out_of_turn = 0
    for look in range(24 * 60):
        fields: Fields = {"gnss_fix": look % 2}
        told, because = judge(told, fields, look * LOOK_EVERY_S * SECOND_US)
        out_of_turn += because.startswith("gnss_fix")
    assert RESERVE <= out_of_turn <= RESERVE + 24


async def _measured(meter: NoiseMeter) -> float | None:
    await meter.look(MEASURE_EVERY_US)
    return meter.dbm


class Scanner:
    """A chip whose spectral scan finds -101 dBm in the middle; or that has no SX1261."""

    def __init__(self, *, present: bool) -> None:
        self.present = present

    def spectral_scan(self, frequency_hz: Hz) -> Spectrum:
        if not self.present:
            raise OurMistake("needs an SX1261 that the settings enable", where="spectral scan")
        levels_dbm = (Dbm(-110.0), Dbm(-101.0), Dbm(-80.0))
        return Spectrum(frequency_hz=frequency_hz, levels_dbm=levels_dbm, counts=(10, 80, 10))


@pytest.mark.parametrize(("present", "expected"), [(True, -101.0), (False, None)])
def test_the_noise_floor_is_measured_where_there_is_an_sx1261(present: bool, expected: float | None) -> None:
    chip = Scanner(present=present)

    def on_radio(job: Callable[[Any], Any]) -> "Future[Any]":
        future: Future[Any] = Future()
        try:
            future.set_result(job(chip))
        except HalError as error:
            future.set_exception(error)
        return future

    told: dict[int, float] = {}
    assert asyncio.run(_measured(NoiseMeter(on_radio, told.__setitem__))) == expected
    assert told == ({} if expected is None else dict.fromkeys(SCANNED_HZ, expected))
