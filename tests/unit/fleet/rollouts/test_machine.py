"""The machine of rollouts: every step as a table, and its rules on random lives."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.rollouts import machine
from fleet.rollouts.machine import NotNow, advance, failed_share_low
from fleet.rollouts.model import (
    OPEN_STATES,
    Act,
    ActKind,
    Failure,
    GatewayStep,
    Hold,
    Judgement,
    Observed,
    Rollout,
    RolloutSettings,
    RolloutState,
    Seen,
    Situation,
    Step,
    Wave,
    WaveState,
)

HOUR_US = 3_600_000_000
SOAK_US = 4 * HOUR_US
NOW_US = 1_796_000_000_000_000
WAVES = tuple(Wave(name=name, soak_us=SOAK_US) for name in ("canary", "100 %"))
UP = Observed(serving=True)
WORKING = Observed(serving=True, seen=Seen.WORKING)
CALM = RolloutSettings(judged=False)


def rollout(waves="aab", *, settings=CALM, **fields):
    """A rollout of gateways 0, 1, 2 … in waves a, b."""
    steps = {
        str(number): GatewayStep(eui=str(number), wave="ab".index(wave)) for number, wave in enumerate(waves)
    }
    return Rollout(
        waves=WAVES, wave_since_us=NOW_US, since_us=NOW_US, steps=steps, settings=settings, **fields
    )


def seen(now_us=NOW_US, *, observed=None, may=None, default=UP, **fields):
    euis = [str(number) for number in range(9)]
    found = dict.fromkeys(euis, default) | (observed or {})
    return Situation(
        now_us=now_us, observed=found, may_begin=frozenset(euis if may is None else may), **fields
    )


def steps(one):
    return {eui: step.step.value for eui, step in one.steps.items()}


def under_way(**fields):
    return advance(rollout(**fields), seen())[0]


def test_the_first_wave_begins_and_the_second_does_not():
    after, acts = advance(rollout(), seen())
    assert acts == (Act(kind=ActKind.ISSUE, eui="0"), Act(kind=ActKind.ISSUE, eui="1"))
    assert steps(after) == {"0": "applying", "1": "applying", "2": "pending"}


@pytest.mark.parametrize(
    ("fields", "hold"),
    [
        ({"may": "1"}, Hold.NEEDED),
        ({"observed": {"0": replace(UP, hold=Hold.OFFLINE)}}, Hold.OFFLINE),
        ({"observed": {"0": replace(UP, hold=Hold.MAINTENANCE)}}, Hold.MAINTENANCE),
        ({"hold": Hold.WINDOW}, Hold.WINDOW),
        ({"hold": Hold.BUDGET}, Hold.BUDGET),
    ],
)
def test_a_gateway_that_may_not_begin_says_why(fields, hold):
    after, acts = advance(rollout(), seen(**fields))
    assert (after.steps["0"].step, after.steps["0"].hold) == (Step.PENDING, hold)
    assert Act(kind=ActKind.ISSUE, eui="0") not in acts


def test_no_more_at_a_time_than_the_setting():
    after, acts = advance(rollout(settings=replace(CALM, together_max=1)), seen())
    assert len(acts) == 1
    again, more = advance(after, seen())
    assert (more, steps(again)) == ((), steps(after))


@pytest.mark.parametrize(
    ("observed", "later_us", "step", "failure"),
    [
        (UP, 0, Step.APPLYING, Failure.NONE),
        (WORKING, 0, Step.DONE, Failure.NONE),
        (Observed(serving=True, seen=Seen.ROLLED_BACK), 0, Step.FAILED, Failure.ROLLED_BACK),
        (Observed(serving=True, seen=Seen.REFUSED), 0, Step.FAILED, Failure.REFUSED),
        (UP, CALM.silent_limit_us - 1, Step.APPLYING, Failure.NONE),
        (UP, CALM.silent_limit_us, Step.FAILED, Failure.SILENT),
        (replace(UP, registered=False), 0, Step.SKIPPED, Failure.NONE),
    ],
)
def test_what_becomes_of_a_gateway_that_began(observed, later_us, step, failure):
    after, acts = advance(under_way(), seen(NOW_US + later_us, observed={"0": observed, "1": UP}))
    assert (after.steps["0"].step, after.steps["0"].failure) == (step, failure)
    reverted = Act(kind=ActKind.REVERT, eui="0") in acts
    assert reverted == (step is Step.FAILED), "what failed is no longer desired of it"


def test_one_failed_canary_halts_and_takes_the_wave_back():
    bad = Observed(serving=True, seen=Seen.ROLLED_BACK)
    after, _ = advance(under_way(), seen(observed={"0": bad}, default=WORKING))
    assert (after.state, after.halted_why) == (RolloutState.ROLLING_BACK, "failures")
    back, acts = advance(after, seen(default=WORKING))
    assert acts == (Act(kind=ActKind.REVERT, eui="1"),)
    end, _ = advance(back, seen(default=WORKING))
    assert (end.state, steps(end)) == (
        RolloutState.ROLLED_BACK,
        {"0": "reverted", "1": "reverted", "2": "skipped"},
    )


def test_a_wave_that_halts_stays_when_it_does_not_go_back_by_itself():
    bad = Observed(serving=True, seen=Seen.REFUSED)
    settings = replace(CALM, roll_back_by_itself=False)
    halted, _ = advance(under_way(settings=settings), seen(observed={"0": bad}, default=WORKING))
    assert halted.state is RolloutState.HALTED
    assert advance(halted, seen(default=WORKING))[1] == ()
    again = machine.resumed(halted, NOW_US)
    after, _ = advance(again, seen(default=WORKING))
    assert after.state is RolloutState.RUNNING, "forgiven"


def soaking(**fields):
    began = under_way(**fields)
    done, _ = advance(began, seen(default=WORKING))
    after, _ = advance(done, seen(default=WORKING))
    assert after.wave_state is WaveState.SOAKING
    return after


@pytest.mark.parametrize(
    ("later_us", "judgement", "judged", "state", "wave"),
    [
        (SOAK_US - 1, None, False, RolloutState.RUNNING, 0),
        (SOAK_US, None, False, RolloutState.RUNNING, 1),
        (SOAK_US, Judgement.FINE, True, RolloutState.RUNNING, 1),
        (SOAK_US, Judgement.NOT_ENOUGH, True, RolloutState.RUNNING, 0),
        (SOAK_US, None, True, RolloutState.RUNNING, 0),
        (1, Judgement.WORSE, True, RolloutState.ROLLING_BACK, 0),
        (1, Judgement.WORSE, False, RolloutState.RUNNING, 0),
    ],
)
def test_a_wave_soaks_until_its_time_and_its_judge_are_content(later_us, judgement, judged, state, wave):
    one = soaking(settings=replace(CALM, judged=judged))
    after, _ = advance(one, seen(NOW_US + later_us, default=WORKING, judgement=judgement))
    assert (after.state, after.wave) == (state, wave)


def test_a_gateway_that_is_lost_while_it_is_watched_is_a_failure():
    gone = Observed(serving=False, seen=Seen.WORKING)
    after, _ = advance(soaking(), seen(observed={"1": gone}, default=WORKING))
    assert after.steps["1"].failure is Failure.LOST
    assert after.state is RolloutState.ROLLING_BACK
    _, acts = advance(after, seen(observed={"1": gone}, default=WORKING, may="0"))
    assert {act.eui for act in acts} == {"0", "1"}, "one that serves nobody needs no permission"


def test_one_of_an_earlier_wave_that_no_longer_serves_is_not_held_against_this_one():
    late = rollout(wave=1)
    done = {eui: replace(late.steps[eui], step=Step.DONE) for eui in "01"}
    gone = Observed(serving=False)
    after, _ = advance(replace(late, steps=late.steps | done), seen(observed={"0": gone}))
    assert (after.steps["0"].step, after.state) == (Step.DONE, RolloutState.RUNNING)


def test_a_deferred_gateway_comes_with_the_next_wave():
    away = {"0": replace(UP, hold=Hold.OFFLINE)}
    began, _ = advance(rollout(), seen(observed=away))
    done, _ = advance(began, seen(observed=away, default=WORKING))
    after, _ = advance(done, seen(observed=away, default=WORKING))
    assert (after.wave_state, after.steps["0"].wave) == (WaveState.SOAKING, 1)


def test_a_wave_of_deferred_gateways_only_waits():
    away = replace(UP, hold=Hold.OFFLINE)
    after, acts = advance(rollout(), seen(NOW_US + SOAK_US, default=away))
    assert (acts, after.wave_state, after.wave) == ((), WaveState.APPLYING, 0)


def test_stragglers_of_the_last_wave_are_waited_for_and_then_left_aside():
    one = replace(rollout("b", wave=1), since_us=NOW_US - CALM.straggler_limit_us)
    away = replace(UP, hold=Hold.OFFLINE)
    limit_us = CALM.straggler_limit_us
    assert advance(one, seen(NOW_US + limit_us - 1, default=away))[0].steps["0"].step is Step.PENDING
    after, _ = advance(one, seen(NOW_US + limit_us, default=away))
    assert (after.steps["0"].step, after.wave_state) == (Step.SKIPPED, WaveState.SOAKING)
    assert advance(after, seen(NOW_US + limit_us, default=away))[0].state is RolloutState.DONE


@pytest.mark.parametrize("state", RolloutState)
@pytest.mark.parametrize(
    ("order", "allowed", "to"),
    [
        (machine.paused, {"running"}, "paused"),
        (machine.resumed, {"paused", "halted"}, "running"),
        (lambda one, at: machine.halted(one, "", at), {"running", "paused"}, "halted"),
        (machine.taken_back, {"running", "paused", "halted", "done"}, "rolling_back"),
    ],
)
def test_every_order_in_every_state(state, order, allowed, to):
    before = replace(soaking(), state=state)
    if state.value not in allowed:
        with pytest.raises(NotNow):
            order(before, NOW_US)
        return
    after = order(before, NOW_US + 5)
    assert (after.state.value, after.since_us, after.wave_since_us) == (to, NOW_US + 5, before.wave_since_us)


GONE = Observed(serving=False, registered=False)
DEAD = Observed(serving=False)
SILENT_US = CALM.silent_limit_us


@pytest.mark.parametrize(
    ("before", "observed", "may", "age_us", "after", "failure", "reverts"),
    [
        (Step.PENDING, UP, "0", 0, Step.SKIPPED, Failure.NONE, False),
        (Step.DONE, UP, "0", 0, Step.REVERTING, Failure.NONE, True),
        (Step.APPLYING, UP, "0", 0, Step.REVERTING, Failure.NONE, True),
        (Step.DONE, UP, "", 0, Step.DONE, Failure.NONE, False),
        (Step.DONE, DEAD, "", 0, Step.REVERTING, Failure.NONE, True),
        (Step.DONE, GONE, "0", 0, Step.SKIPPED, Failure.NONE, False),
        (Step.FAILED, UP, "0", 0, Step.REVERTED, Failure.NONE, False),
        (Step.REVERTING, UP, "0", SILENT_US - 1, Step.REVERTING, Failure.NONE, False),
        (Step.REVERTING, UP, "0", SILENT_US, Step.REVERTED, Failure.SILENT, False),
        (Step.REVERTING, WORKING, "0", SILENT_US, Step.REVERTED, Failure.NONE, False),
        (Step.REVERTING, GONE, "0", 0, Step.SKIPPED, Failure.NONE, False),
        (Step.REVERTED, GONE, "0", SILENT_US, Step.REVERTED, Failure.NONE, False),
        (Step.REVERTED, UP, "0", SILENT_US, Step.REVERTED, Failure.NONE, False),
        (Step.SKIPPED, UP, "0", SILENT_US, Step.SKIPPED, Failure.NONE, False),
    ],
)
def test_what_becomes_of_a_gateway_while_the_rollout_goes_back(
    before, observed, may, age_us, after, failure, reverts
):
    one = GatewayStep(eui="0", wave=0, step=before, since_us=NOW_US)
    back = replace(rollout("a", state=RolloutState.ROLLING_BACK), steps={"0": one})
    left, acts = advance(back, seen(NOW_US + age_us, observed={"0": observed}, may=may))
    assert (left.steps["0"].step, left.steps["0"].failure) == (after, failure)
    assert acts == ((Act(kind=ActKind.REVERT, eui="0"),) if reverts else ())
    under_way = after in (Step.DONE, Step.APPLYING, Step.REVERTING)
    assert left.state is (RolloutState.ROLLING_BACK if under_way else RolloutState.ROLLED_BACK)


def test_gateways_go_back_in_the_order_of_their_names():
    done = {eui: GatewayStep(eui=eui, wave=0, step=Step.DONE, since_us=NOW_US) for eui in "201"}
    back = replace(rollout("aaa", state=RolloutState.ROLLING_BACK), steps=done)
    assert [act.eui for act in advance(back, seen())[1]] == ["0", "1", "2"]


def test_where_no_failure_is_allowed_none_halts_nothing():
    strict = replace(CALM, failed_max_ppm=0)
    after, _ = advance(under_way(settings=strict), seen(default=WORKING))
    assert (after.state, steps(after)["0"]) == (RolloutState.RUNNING, "done")
    failed = {"0": Observed(serving=True, seen=Seen.REFUSED), "1": WORKING}
    assert advance(under_way(settings=strict), seen(observed=failed))[0].halted_why == "failures"


def test_waves_before_the_first_that_goes_back_keep_what_they_have():
    one = replace(soaking(), wave=1)
    after = machine.taken_back(one, NOW_US, from_wave=1)
    end, acts = advance(after, seen(default=WORKING))
    assert (acts, end.state, end.steps["0"].step) == ((), RolloutState.ROLLED_BACK, Step.DONE)


@pytest.mark.parametrize(("failed", "of"), [(1, 1), (1, 10), (5, 50), (16, 1211), (3, 3)])
def test_the_bound_of_a_share_solves_wilsons_equation(failed, of):
    low, share = failed_share_low(failed, of), failed / of
    assert 0 < low < share
    assert (low - share) ** 2 == pytest.approx(machine.CONFIDENCE_Z**2 * low * (1 - low) / of)


def test_no_failure_is_no_share():
    assert failed_share_low(0, 3) == failed_share_low(0, 0) == 0.0


SEEN = st.sampled_from(Seen)
LIVES = st.lists(
    st.tuples(
        st.dictionaries(st.sampled_from("01234"), st.tuples(SEEN, st.booleans(), st.booleans()), max_size=5),
        st.sets(st.sampled_from("01234")),
        st.sampled_from([None, *Judgement]),
        st.integers(1, 6),
    ),
    max_size=40,
)


@given(LIVES)
def test_whatever_is_seen_the_rules_hold(life):
    one, now_us = rollout("aabbb", settings=RolloutSettings()), NOW_US
    wave = 0
    for told, may, judgement, hours in life:
        now_us += hours * HOUR_US // 2
        observed = {
            eui: Observed(seen=found, serving=serving, hold=Hold.OFFLINE if away else Hold.NONE)
            for eui, (found, serving, away) in told.items()
        }
        before = one
        one, acts = advance(one, seen(now_us, observed=observed, may=may, judgement=judgement))
        issued = {act.eui for act in acts if act.kind is ActKind.ISSUE}
        assert issued <= may, "only those that the oracle lets go begin"
        assert all(before.steps[eui].step is Step.PENDING for eui in issued)
        assert all(before.steps[eui].wave <= before.wave for eui in issued), "never beyond the present wave"
        assert one.wave >= wave
        if one.wave > wave:
            assert judgement is Judgement.FINE or not any(
                step.step in (Step.DONE, Step.FAILED) for step in before.of_wave(wave)
            ), "a wave passes by a verdict, never by silence"
        wave = one.wave
        if before.state not in OPEN_STATES:
            assert (one, acts) == (before, ())
        if one.state in (RolloutState.DONE, RolloutState.ROLLED_BACK):
            assert not any(step.step in (Step.APPLYING, Step.REVERTING) for step in one.steps.values())
