"""A watched wave over a database: measured every hour, halted, waiting, or accepted by a person."""

from functools import partial

import pytest
from sqlalchemy import insert, select

from fleet.approvals.model import DEFAULT_RULES
from fleet.durations import DAY_US, HOUR_US, MINUTE_US
from fleet.evidence.deliveries import SLOT_US, SLOTS
from fleet.evidence.tables import delivered_frames, heartbeat_runs, vitals
from fleet.evidence.vitals import HOUR_S
from fleet.facts.settings import DEFAULTS
from fleet.facts.states import GatewayState
from fleet.identity.tables import audit_log
from fleet.rollouts import store
from fleet.rollouts.authorised import ask_for, content_of, way_back_seals
from fleet.rollouts.judge import CONTROL_MIN, Measured, Metric
from fleet.rollouts.judging import control_group, keep, ruled, ruling_of
from fleet.rollouts.look import Looking, carry_out
from fleet.rollouts.measurements import LATE_US, USUAL_DAYS, measure, span_of
from fleet.rollouts.model import (
    Controls,
    GatewayStep,
    Judgement,
    Rollout,
    RolloutSettings,
    RolloutState,
    Step,
    Wave,
    WaveState,
)
from fleet.rollouts.start import Order, RolloutRefused, give
from fleet.rollouts.weighing import weigh
from fleet.rollouts.words import ruling_in_words
from tests.unit.fleet.configurations.test_reconcile import KEY
from tests.unit.fleet.founded import empty_database
from tests.unit.fleet.safety.networks import view_of

SOAK_US = 4 * HOUR_US
WATCHED_US = 1_796_000_400_000_000 // DAY_US * DAY_US + 10 * HOUR_US
OVER_US = WATCHED_US + SOAK_US
EUIS = [f"{number:016x}" for number in range(1, 46)]
WAVE, REST = EUIS[:5], EUIS[5:]


class Watched:
    """A database with a rollout of five gateways whose first wave is watched, beside forty others."""

    def __init__(self, folder):
        self.database = empty_database(folder)
        self.network = view_of(dict.fromkeys(EUIS, GatewayState.SERVING), {"x": EUIS}).network
        steps = {
            eui: GatewayStep(eui=eui, wave=0, step=Step.DONE, since_us=WATCHED_US - MINUTE_US) for eui in WAVE
        }
        steps |= {eui: GatewayStep(eui=eui, wave=1) for eui in REST[:2]}
        rollout = Rollout(
            waves=(Wave(name="canary", soak_us=SOAK_US), Wave(name="100 %", soak_us=SOAK_US)),
            wave_state=WaveState.SOAKING,
            wave_since_us=WATCHED_US,
            since_us=WATCHED_US,
            steps=steps,
            settings=RolloutSettings(),
        )
        with self.database.write() as connection:
            bases = dict.fromkeys(steps, 1)
            store.create(
                connection,
                rollout,
                reason="essai",
                changes={},
                base_versions=bases,
                seals=partial(way_back_seals, KEY),
                who="anne",
                now_us=WATCHED_US,
            )
            told = {"needs_second": False, "who": "anne", "reason": "essai"}
            content = content_of({}, rollout, {})
            ask_for(connection, KEY, DEFAULT_RULES, 1, content, now_us=WATCHED_US, **told)

    def write(self, kept=1.0, days=9, rtt_ms=80):
        """Frames, health and boots of every gateway; the wave keeps a share of its frames today."""
        today = WATCHED_US // DAY_US
        with self.database.write() as connection:
            for number, eui in enumerate(EUIS):
                for back in range(days):
                    share = kept if eui in WAVE and back == 0 else 1.0
                    slots = [round((50 + number) * share)] * SLOTS
                    connection.execute(
                        insert(delivered_frames).values(eui=eui, day_number=today - back, slots=slots)
                    )
                    hours = [
                        {
                            "eui": eui,
                            "span_s": HOUR_S,
                            "from_at_us": (today - back) * DAY_US + hour * HOUR_US,
                            "told": {
                                "backhaul_rtt_ms": [2, 2 * (rtt_ms + number), 1, 99],
                                "memory_percent": [1, 40, 40, 40],
                            },
                        }
                        for hour in range(24)
                    ]
                    connection.execute(insert(vitals), hours)
                connection.execute(insert(heartbeat_runs).values(_run(eui, 1, WATCHED_US - 30 * DAY_US)))

    def judged(self, now_us):
        with self.database.write() as connection:
            stored = store.get(connection, 1)
            ruling = ruled(connection, stored, self.network, now_us)
            keep(connection, stored, ruling)
            return ruling.valid

    def look(self, now_us):
        """As the engine does; return the state, the wave and what it does."""
        with self.database.read() as connection:
            weighed = weigh(connection, self.network, DEFAULTS, now_us)
        with self.database.write() as connection:
            looking = Looking(
                connection=connection, key=KEY, network=self.network, contract=DEFAULTS, now_us=now_us
            )
            carry_out(looking, weighed)
        rollout = self.stored().rollout
        return rollout.state, rollout.wave, rollout.wave_state

    def stored(self):
        with self.database.read() as connection:
            return store.get(connection, 1)

    def order(self, order, now_us, reason=""):
        with self.database.write() as connection:
            give(connection, 1, order, who="anne", now_us=now_us, reason=reason)


def _run(eui, boot, at_us, until_us=OVER_US):
    numbers = {"first_seq": 1, "last_seq": 9, "interval_ms": 30_000, "journal_seq": 1, "radio": 1}
    spans = {"first_at_us": at_us, "last_at_us": until_us, "first_uptime_ms": 0, "last_uptime_ms": 1}
    others = {
        "contractual": "lns",
        "lns_up": True,
        "spool_accepting": True,
        "time_quality": 1,
        "trusted": True,
    }
    return {"eui": eui, "boot": boot, "recorded_at_us": at_us, **numbers, **spans, **others}


@pytest.fixture
def watched(tmp_path):
    found = Watched(tmp_path)
    yield found
    found.database.close()


def test_what_is_compared_lies_before_any_change_and_after_the_last():
    span = span_of(WATCHED_US + 1, WATCHED_US - HOUR_US, OVER_US + 1)
    assert (span.from_us, span.until_us) == (WATCHED_US + SLOT_US, OVER_US - LATE_US)
    assert span.before[0][1] <= WATCHED_US - HOUR_US
    long = span_of(WATCHED_US, WATCHED_US - HOUR_US, WATCHED_US + 3 * DAY_US)
    assert long.until_us - long.from_us == DAY_US
    assert WATCHED_US - HOUR_US - DAY_US < long.before[0][1] <= WATCHED_US - HOUR_US
    young = span_of(WATCHED_US, WATCHED_US, WATCHED_US + MINUTE_US)
    assert young.from_us == young.until_us


def test_measurements_are_what_evidence_holds(watched):
    watched.write(kept=0.5)
    span = span_of(WATCHED_US, WATCHED_US - HOUR_US, OVER_US)
    with watched.database.write() as connection:
        connection.execute(insert(heartbeat_runs).values(_run(WAVE[1], 2, WATCHED_US + HOUR_US)))
        found = measure(connection, span, WAVE, REST)
    slots = (span.until_us - span.from_us) // SLOT_US
    assert found[Metric.FRAMES].wave[0] == Measured(now=25 * slots, usual=(50 * slots,) * USUAL_DAYS)
    assert found[Metric.FRAMES].control[0].now == 55 * slots
    assert found[Metric.RTT].wave[3] == Measured(now=83.0, usual=(83.0,) * USUAL_DAYS)
    assert found[Metric.MEMORY].wave[0].now == 40.0
    assert [one.now for one in found[Metric.RESTARTS].wave] == [0, 1, 0, 0, 0]
    assert found[Metric.RESTARTS].wave[0].usual == (0,) * USUAL_DAYS


def test_a_wave_as_usual_is_fine_and_one_that_lost_frames_is_worse(watched):
    watched.write()
    assert watched.judged(OVER_US) is Judgement.FINE
    with watched.database.write() as connection:
        connection.execute(delivered_frames.delete())
        connection.execute(vitals.delete())
        connection.execute(heartbeat_runs.delete())
    watched.write(kept=0.8)
    assert watched.judged(OVER_US + HOUR_US) is Judgement.WORSE
    lines = ruling_in_words("fr", ruling_of(watched.stored()))
    assert lines[0].replace("\u202f", " ").startswith("moins de trames qu’à l’ordinaire : −20 %")


def test_the_engine_goes_on_after_a_fine_wave_at_the_end_of_its_soak(watched):
    watched.write()
    assert watched.look(OVER_US - 1) == (RolloutState.RUNNING, 0, WaveState.SOAKING)
    assert watched.look(OVER_US + MINUTE_US) == (RolloutState.RUNNING, 1, WaveState.APPLYING)


def test_the_engine_takes_a_worse_wave_back(watched):
    watched.write(kept=0.8)
    assert watched.look(OVER_US)[0] is RolloutState.ROLLING_BACK
    assert watched.stored().rollout.halted_why == "worse"


def test_the_engine_waits_for_observations_or_a_person(watched):
    assert watched.look(OVER_US + 9 * DAY_US) == (RolloutState.RUNNING, 0, WaveState.SOAKING)
    watched.order(Order.ACCEPT, OVER_US + 9 * DAY_US, "parc neuf")
    assert watched.look(OVER_US + 10 * DAY_US) == (RolloutState.RUNNING, 1, WaveState.APPLYING)


def test_it_is_measured_once_an_hour_and_at_the_end(watched):
    instants = []
    for now_us in (HOUR_US - 1, HOUR_US, HOUR_US + 1, 2 * HOUR_US - 1, 2 * HOUR_US, SOAK_US - 1, SOAK_US):
        watched.judged(WATCHED_US + now_us)
        instants.append(ruling_of(watched.stored()).at_us - WATCHED_US)
    assert instants == [HOUR_US - 1, HOUR_US, HOUR_US, HOUR_US, 2 * HOUR_US, SOAK_US - 1, SOAK_US]


def test_a_fresh_fleet_waits_until_a_person_accepts(watched):
    assert watched.judged(OVER_US) is Judgement.NOT_ENOUGH
    assert "pas assez d’observations" in ruling_in_words("fr", ruling_of(watched.stored()))[0]
    with pytest.raises(RolloutRefused) as caught:
        watched.order(Order.ACCEPT, OVER_US)
    assert caught.value.key == "rollout.refused.reason"
    watched.order(Order.ACCEPT, OVER_US, "parc neuf")
    assert watched.judged(OVER_US + 9 * HOUR_US) is Judgement.FINE
    assert "anne" in ruling_in_words("fr", ruling_of(watched.stored()))[-1]
    with watched.database.read() as connection:
        asked = select(audit_log.c.after).where(audit_log.c.action == "rollout.accept")
        assert connection.execute(asked).scalar_one()["reason"] == "parc neuf"


def test_who_resumes_what_was_worse_accepts_it(watched):
    watched.write(kept=0.5)
    assert watched.judged(OVER_US) is Judgement.WORSE
    with watched.database.write() as connection:
        connection.execute(store.rollouts.update().values(state=RolloutState.HALTED, halted_why="worse"))
    with pytest.raises(RolloutRefused) as caught:
        watched.order(Order.ACCEPT, OVER_US, "tant pis")
    assert caught.value.key == "rollout.refused.not_watched"
    watched.order(Order.RESUME, OVER_US)
    assert watched.judged(OVER_US) is Judgement.FINE


def test_a_ruling_ends_with_its_wave(watched):
    watched.order(Order.ACCEPT, OVER_US, "parc neuf")
    with watched.database.write() as connection:
        connection.execute(store.rollouts.update().values(wave=1))
    assert ruling_of(watched.stored()) is None
    assert watched.judged(OVER_US) is Judgement.NOT_ENOUGH


def test_who_is_compared_with(watched):
    rollout = watched.stored().rollout
    assert set(control_group(rollout, watched.network)) == set(REST)
    left = EUIS[: CONTROL_MIN + 4]
    few = view_of(dict.fromkeys(left, GatewayState.SERVING), {"x": left}).network
    assert set(control_group(rollout, few)) == set(EUIS[5 : CONTROL_MIN + 4]), "the wave itself never"
    with watched.database.write() as connection:
        connection.execute(store.rollouts.update().values(wave=1))
    after = watched.stored().rollout
    assert set(control_group(after, few)) == set(EUIS[: CONTROL_MIN + 4]), "few are left: those judged before"
    assert not set(WAVE) & set(control_group(after, watched.network))


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (CONTROL_MIN, "comparée à 20 passerelles témoins, redémarrées en même temps"),
        (CONTROL_MIN - 1, "les passerelles témoins n’ont pas redémarré"),
    ],
)
def test_a_verdict_says_whether_the_controls_restarted_too(watched, count, words):
    watched.write()
    told = Controls(needed=True, restarted=dict.fromkeys(REST[:count], WATCHED_US))
    with watched.database.write() as connection:
        connection.execute(store.rollouts.update().values(waves=[{"name": "canary", "soak_us": SOAK_US}]))
        store.save_controls(connection, 1, told)
    assert watched.judged(OVER_US) is Judgement.FINE
    ruling = ruling_of(watched.stored())
    assert ruling.findings[0].control == (count if count >= CONTROL_MIN else len(REST))
    assert any(line.replace("\u202f", " ").startswith(words) for line in ruling_in_words("fr", ruling))
