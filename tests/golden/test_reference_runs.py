"""Our driver through the scenarios in which a libloragw was recorded, field by field.

``passerelle hal compare --record`` made the recording (``SOURCES.md``); nobody's library is needed here.
"""

from dataclasses import replace

import pytest

from hal.compare.differences import FSK_START, OTP_INDEX, Difference, differences
from hal.compare.recording import Run, observed_of, read, scenario_of
from hal.compare.run import Observed, observe
from hal.compare.scenario import Scenario, begins_us
from hal.compare.sides import OurSide
from hal.twin.facts import TICKS_PER_US
from tests.golden.files import GOLDEN

RUNS = {run.name: run for run in read(GOLDEN / "reference/sx1302_hal-2.1.0.json.gz").runs}
SHIPPED = 7
"""The SX1250 files beside Semtech's packet forwarder."""


def ours(scenario: Scenario) -> Observed:
    return observe(scenario, lambda chip: OurSide(chip, scenario.settings))


def compared(run: Run) -> list[Difference]:
    scenario = scenario_of(run)
    return differences(ours(scenario), observed_of(run), scenario)


def test_the_recording_has_what_it_should() -> None:
    assert sum(name.startswith("global_conf.json.sx1250.") for name in RUNS) == SHIPPED
    assert {"lbt_blocked", "lbt_free", "fsk_timestamped", "beacon", "fine_time"} <= set(RUNS)
    drawn = [run.observed for name, run in RUNS.items() if "/" in name]
    assert len(drawn) == 40
    assert sum(len(each.packets) for each in drawn) > 50
    assert sum(len(each.emissions) for each in drawn) > 50


@pytest.mark.parametrize("name", RUNS)
def test_no_difference_but_those_with_a_reason(name: str) -> None:
    assert [str(each) for each in compared(RUNS[name]) if not each.reason] == []


def test_the_reasons_are_two() -> None:
    assert {each.reason for run in RUNS.values() for each in compared(run)} == {FSK_START, OTP_INDEX}


def test_what_is_configured_otherwise_is_found() -> None:
    run = RUNS["lora_timestamped"]
    scenario = scenario_of(run)
    other = replace(scenario, settings=replace(scenario.settings, public=False))
    found = {each.where for each in differences(ours(other), observed_of(run), other) if not each.reason}
    assert "emissions[0].public" in found
    assert any(where.startswith("registers.") for where in found)


@pytest.mark.parametrize(
    ("name", "outcome", "emissions"), [("lbt_blocked", "blocked", 0), ("lbt_free", "sent", 1)]
)
def test_the_reference_sees_what_listen_before_talk_decided(name: str, outcome: str, emissions: int) -> None:
    recorded = RUNS[name].observed
    assert (recorded.outcomes, len(recorded.emissions)) == ([outcome], emissions)
    assert ours(scenario_of(RUNS[name])).outcomes == [outcome]


def test_the_beacon_is_at_the_antenna_1500_us_after_its_pulse() -> None:
    pulse = (begins_us(0) + 500_000) * TICKS_PER_US
    for seen in (RUNS["beacon"].observed, ours(scenario_of(RUNS["beacon"]))):
        (beacon,) = seen.emissions
        assert beacon["started_at_ticks"] + beacon["group_delay_ticks"] - pulse == 1500 * TICKS_PER_US


def test_a_timestamped_packet_is_at_the_antenna_18_us_late_on_both_sides() -> None:
    at = (begins_us(0) + 200_000) * TICKS_PER_US
    for seen in (RUNS["lora_timestamped"].observed, ours(scenario_of(RUNS["lora_timestamped"]))):
        (sent,) = seen.emissions
        assert sent["started_at_ticks"] == at
        assert round(sent["group_delay_ticks"] / TICKS_PER_US) == 18


def test_the_two_lineages_of_fsk_are_1500_us_apart_where_the_register_counts() -> None:
    (stock,) = RUNS["fsk_timestamped"].observed.emissions
    (mine,) = ours(scenario_of(RUNS["fsk_timestamped"])).emissions
    assert stock["started_at_ticks"] - mine["started_at_ticks"] == 1500 * TICKS_PER_US


def test_fine_times_are_the_references() -> None:
    packets = RUNS["fine_time"].observed.packets
    assert [packet["ftime_ok"] for packet in packets] == ["1"] * len(packets)
    assert len(packets) >= 6
