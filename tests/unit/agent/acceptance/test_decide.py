"""What each check makes of the facts, at its limits; what all of them come to."""

from dataclasses import replace

import pytest

from agent.acceptance.decide import Facts, SiteFacts, Watch, conclude, decide
from agent.downlink.antenna import antenna_of
from agent.observation import ConnectorState, Position
from agent.wire import reasons
from agent.wire.acceptance import CheckVerdict, Conclusion
from agent.wire.configuration import RadioConfig
from agent.wire.messages import Radio

NOW_US = 100_000_000
EUI, OTHER = "0016c001f12a3b4c", "0016c001f1000001"
LATITUDE, LONGITUDE = 47.4111, 0.7989
DEGREE_M = 111_195
LNS = ConnectorState(
    name="lns", contractual=True, up=True, reason=reasons.downlink.sent(), last_answer_us=NOW_US, queued=0
)
WATCHED = Watch(whole_s=600, done_s=600, answers_ms=(40,) * 100, kbit_per_s=8_000)
GOOD = Facts(
    expected_eui=EUI,
    chip_eui=EUI,
    radio=Radio.RECEIVING,
    radio_reason=reasons.downlink.sent(),
    floors_dbm={868_100_000: -110.0, 868_300_000: -104.0, 868_500_000: -112.0},
    has_gnss=True,
    position=Position(latitude_deg=LATITUDE, longitude_deg=LONGITUDE, altitude_m=None),
    site=SiteFacts(commune="Vouvray", latitude_deg=LATITUDE, longitude_deg=LONGITUDE),
    antenna=antenna_of(RadioConfig(antenna_gain_db=3.0)),
    watch=WATCHED,
    lns=LNS,
    neighbours=2,
)


def verdict(check: str, facts: Facts) -> CheckVerdict:
    return next(one.verdict for one in decide(facts, NOW_US) if one.check == check)


def test_a_good_site_is_accepted_without_reserve() -> None:
    findings = decide(GOOD, NOW_US)
    assert {one.verdict for one in findings} == {CheckVerdict.GOOD}
    assert conclude(findings) is Conclusion.ACCEPTED


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"chip_eui": OTHER}, CheckVerdict.BAD),
        ({"radio": Radio.DEAF}, CheckVerdict.BAD),
        ({"radio": Radio.OFF, "chip_eui": ""}, CheckVerdict.BAD),
        (
            {"radio": Radio.OFF, "chip_eui": "", "radio_reason": reasons.radio.not_started_yet()},
            CheckVerdict.WAITING,
        ),
        ({"chip_eui": ""}, CheckVerdict.WAITING),
    ],
)
def test_the_concentrator_receives_and_is_the_ordered_one(change: dict, expected: CheckVerdict) -> None:
    assert verdict("concentrator", replace(GOOD, **change)) is expected


def test_noise_says_whether_it_was_measured_or_estimated() -> None:
    measured, estimated = GOOD, replace(GOOD, floors_dbm={}, noise_dbm=-108.24, noise_frames=9)
    neither = replace(GOOD, floors_dbm={})
    found = [next(one for one in decide(facts, NOW_US) if one.check == "noise").why for facts in
             (measured, estimated, neither)]  # fmt: skip
    assert [one.code for one in found] == [
        "acceptance.noise_measured",
        "acceptance.noise_estimated",
        "acceptance.noise_unknown",
    ]
    assert found[0].values == {
        "channels": 3,
        "median_dbm": -110.0,
        "worst_dbm": -104.0,
        "worst_hz": 868_300_000,
    }
    assert found[1].values["dbm"] == -108.2


@pytest.mark.parametrize(
    ("away_m", "expected"),
    [
        (299, CheckVerdict.GOOD),
        (302, CheckVerdict.RESERVED),
        (2_999, CheckVerdict.RESERVED),
        (3_005, CheckVerdict.BAD),
    ],
)
def test_the_position_is_compared_with_the_site(away_m: int, expected: CheckVerdict) -> None:
    there = Position(latitude_deg=LATITUDE + away_m / DEGREE_M, longitude_deg=LONGITUDE, altitude_m=None)
    assert verdict("position", replace(GOOD, position=there)) is expected


def test_a_position_that_nobody_knows_is_no_proof() -> None:
    assert verdict("position", replace(GOOD, position=None)) is CheckVerdict.RESERVED
    assert verdict("position", replace(GOOD, position=None, has_gnss=False)) is CheckVerdict.UNMEASURED
    unplaced = SiteFacts(commune="Vouvray", latitude_deg=None, longitude_deg=None)
    assert verdict("position", replace(GOOD, site=unplaced)) is CheckVerdict.UNMEASURED


def test_the_antenna_must_be_set_and_lawful() -> None:
    assert verdict("power", replace(GOOD, antenna=antenna_of(RadioConfig()))) is CheckVerdict.RESERVED
    loss_alone = antenna_of(RadioConfig(cable_loss_db=1.0))
    assert verdict("power", replace(GOOD, antenna=loss_alone)) is CheckVerdict.GOOD
    silent = replace(GOOD.antenna, powers_dbm=())
    assert verdict("power", replace(GOOD, antenna=silent)) is CheckVerdict.BAD


@pytest.mark.parametrize(
    ("lost", "answer_ms", "expected"),
    [
        (1, 40, CheckVerdict.GOOD),
        (2, 40, CheckVerdict.RESERVED),
        (5, 40, CheckVerdict.RESERVED),
        (6, 40, CheckVerdict.BAD),
        (0, 1_000, CheckVerdict.GOOD),
        (0, 1_001, CheckVerdict.RESERVED),
    ],
)
def test_the_backhaul_is_judged_by_loss_and_median(lost: int, answer_ms: int, expected: CheckVerdict) -> None:
    watch = replace(WATCHED, answers_ms=(None,) * lost + (answer_ms,) * (100 - lost))
    assert verdict("backhaul", replace(GOOD, watch=watch)) is expected


@pytest.mark.parametrize(
    ("done_s", "answers_ms", "expected"),
    [
        (599, (40,), CheckVerdict.WAITING),
        (59, (None,) * 11, CheckVerdict.WAITING),
        (60, (None,) * 12, CheckVerdict.RESERVED),
        (60, (40, None), CheckVerdict.WAITING),
    ],
)
def test_the_watch_ends_early_only_where_nothing_ever_answered(
    done_s: int, answers_ms: tuple, expected: CheckVerdict
) -> None:
    watch = replace(WATCHED, done_s=done_s, answers_ms=answers_ms)
    assert verdict("backhaul", replace(GOOD, watch=watch)) is expected


def test_a_silent_server_is_a_reserve_without_network_and_a_fault_with_it() -> None:
    silent = replace(LNS, up=False)
    dark = Watch(whole_s=600, done_s=60, answers_ms=(None,))
    assert verdict("server", replace(GOOD, lns=silent)) is CheckVerdict.BAD
    assert verdict("server", replace(GOOD, lns=silent, watch=dark)) is CheckVerdict.RESERVED
    assert verdict("server", replace(GOOD, lns=silent, watch=replace(dark, done_s=5))) is CheckVerdict.WAITING
    assert verdict("server", replace(GOOD, lns=None)) is CheckVerdict.WAITING


def test_a_test_device_that_nobody_processes_is_a_reserve() -> None:
    processed = reasons.lns.processed(latency_ms=80)
    unprocessed = reasons.lns.not_processed(missed_frames=3, period_s=60)
    assert verdict("server", replace(GOOD, lns_proof=processed)) is CheckVerdict.GOOD
    assert verdict("server", replace(GOOD, lns_proof=unprocessed)) is CheckVerdict.RESERVED


def test_the_worst_check_decides() -> None:
    waiting = replace(GOOD, watch=replace(WATCHED, done_s=1))
    assert conclude(decide(waiting, NOW_US)) is Conclusion.WAITING
    assert conclude(decide(replace(waiting, chip_eui=OTHER), NOW_US)) is Conclusion.REFUSED
    assert conclude(decide(replace(GOOD, position=None), NOW_US)) is Conclusion.WITH_RESERVES
    assert conclude(decide(replace(GOOD, neighbours=0), NOW_US)) is Conclusion.ACCEPTED
