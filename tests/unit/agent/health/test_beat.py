import pytest

from agent.health.beat import heartbeat
from agent.health.reporting import next_due
from agent.health.usage import TrafficKind, why_stopped
from agent.host.vitals import Vitals
from agent.observation import ConnectorState, DataPathState
from agent.status.say import Lang
from agent.status.screen import render
from agent.status.status import ConnectorStatus, ReleaseStatus
from agent.wire import reasons
from agent.wire.messages import Heartbeat, Radio, TimeQuality
from tests.controlpath.virtual import status


def state(**changes: object) -> DataPathState:
    base: dict[str, object] = {
        "radio": Radio.RECEIVING,
        "radio_reason": reasons.radio.off(),
        "radio_since_us": 0,
        "connectors": (
            ConnectorState(
                name="lns",
                contractual=True,
                up=True,
                reason=reasons.lns.answers(),
                last_answer_us=4_000_000,
                queued=2,
            ),
            ConnectorState(
                name="two",
                contractual=False,
                up=False,
                reason=reasons.lns.no_answer(),
                last_answer_us=None,
                queued=0,
            ),
        ),
        "spool_records": 3,
        "spool_accepting": True,
        "dropped": {"age": 2, "room": 1},
        "crc_failed": 9,
        "transmitted": 4,
        "temperature_c": 51.6,
    }
    return DataPathState(**(base | changes))  # type: ignore[arg-type]


def beat(vitals: Vitals | None, **changes: object) -> Heartbeat:
    return heartbeat(
        state(**changes),
        vitals,
        boot=1,
        seq=2,
        uptime_ms=30_000,
        journal_seq=5,
        at_us=7,
        time_quality=TimeQuality.NTP,
        now_us=5_000_000,
        config_version=3,
        interval_s=30,
        backhaul_rtt_ms=40,
    )


def test_a_heartbeat_tells_the_state() -> None:
    one = beat(None)
    assert [(c.name, c.up, c.answer_age_ms, c.queued) for c in one.connectors] == [
        ("lns", True, 1000, 2),
        ("two", False, -1, 0),
    ]
    assert (one.dropped, one.spool_records) == (3, 3)
    assert (one.temperature_c, one.crc_failed, one.backhaul_rtt_ms) == (None, None, None)


def test_the_board_s_own_temperature_wins() -> None:
    vitals = Vitals(cpu_percent=1, memory_percent=2, disk_percent=3, temperature_c=40)
    assert beat(vitals).temperature_c == 52
    assert beat(vitals, temperature_c=None).temperature_c == 40
    assert (beat(vitals).crc_failed, beat(vitals).transmitted, beat(vitals).backhaul_rtt_ms) == (9, 4, 40)


@pytest.mark.parametrize(
    ("now_us", "expected"),
    [(29, (30, 0)), (30, (30, 0)), (31, (60, 1)), (60, (60, 1)), (61, (90, 2)), (3_000, (3_000, 99))],
)
def test_the_grid_of_heartbeats_holds(now_us: int, expected: tuple[int, int]) -> None:
    assert next_due(0, 30, now_us) == expected


def test_the_screen_is_french_and_complete() -> None:
    text = render(status())
    assert "EN SERVICE" in text
    assert "12\u202f345" in text
    assert "1 j 1 h" in text
    assert "non mesurable" in text
    assert len(text.splitlines()) <= 24


PARITY = reasons.radio.parity_error(program="AGC")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"radio": "DEAF", "radio_reason": PARITY}, "SOURDE — erreur de parité du programme AGC"),
        ({"link_online": False, "link_reason": reasons.system.no_route()}, "COUPÉ"),
        ({"spool_accepting": False}, "RÉSERVE PLEINE"),
        ({"unbalanced": 26}, "COMPTE FAUX de 26"),
        ({"restored": 26, "losses": {"spool_lost": 2}}, "reprises 26, reçues"),
        ({"losses": {"spool_lost": 2}}, "(réserve abîmée 2)"),
        ({"enrolment": "used", "certificate_expires_at_us": None}, "jeton déjà utilisé"),
        (
            {"config_state": "ROLLED_BACK", "config_reason": reasons.configuration.restarted_on_trial()},
            "annulée",
        ),
        ({"config_state": "WAITING"}, "accord"),
        ({"config_state": "FETCHING"}, "attend le téléchargement"),
        (
            {
                "release": ReleaseStatus(
                    fields={
                        "release": "0.2.0",
                        "release_slot": "a",
                        "release_trial": "0.2.0",
                        "releases_ready": "0.1.0, 0.2.0",
                    },
                    reason=reasons.release.being_fetched(name="0.3.0"),
                )
            },
            "0.2.0 — la version 0.3.0 est en cours de téléchargement",
        ),
        (
            {
                "connectors": (
                    ConnectorStatus(
                        name="l", up=False, reason=reasons.lns.no_answer(), queued=7, answer_age_ms=-1
                    ),
                )
            },
            "7",
        ),
    ],
)
def test_each_trouble_has_its_word(changes: dict[str, object], words: str) -> None:
    assert words in render(status(**changes))


FULL = {
    "power": "UNDER_VOLTAGE",
    "month": {"month_used_mb": 450, "month_cap_mb": 500},
    "month_stopped": why_stopped(frozenset({TrafficKind.BULK, TrafficKind.EVENTS})),
    "backhaul_rtt_ms": 41,
    "duty_percent": 12,
    "gnss": {"gnss_fix": 1, "gnss_satellites": 9, "gnss_pulse": 1},
    "hearing": (reasons.hearing.silent(silent_min=90, usual_frames=120),),
    "onsite_code": "123456",
}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("gnss", "GNSS"),
        ("hearing", "À VÉRIFIER"),
        ("onsite_code", "prouve votre présence"),
        ("backhaul_rtt_ms", "41\u202fms"),
    ],
)
def test_what_nobody_measured_has_no_line(name: str, words: str) -> None:
    without = {field: value for field, value in FULL.items() if field != name}
    assert words in render(status(**FULL))
    assert words not in render(status(**without))


def test_the_screen_holds_all_on_one_screen_in_french() -> None:
    text = render(status(**FULL))
    for words in (
        "À VÉRIFIER",
        "aucune trame depuis 90 min",
        "TENSION TROP BASSE",
        "450\u202fMo sur 500\u202fMo",
        "notes et esquisses",
        "9 satellites",
        "12\u202f%",
        "123 456",
    ):
        assert words in text
    assert len(text.splitlines()) <= 24


def test_the_screen_in_english_has_no_french_word() -> None:
    text = render(status(**FULL, radio="DEAF", radio_reason=reasons.radio.counter_still()), Lang.EN)
    assert "DEAF — the counter stands still" in text
    assert "on-site code" in text.lower()
    for french in ("é", "ê", "Serveur", "Trames", "Heure", "\u202f:", "jamais"):
        assert french not in text.replace(status().site, "")
