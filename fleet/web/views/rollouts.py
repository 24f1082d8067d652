"""Rollouts as pages show them: rows, waves, gateways with their reasons."""

from collections.abc import Mapping
from dataclasses import dataclass

from fleet.approvals.model import Fault
from fleet.rollouts.model import (
    GatewayStep,
    Rollout,
    RolloutState,
    Step,
    WaveState,
)
from fleet.rollouts.plan import Plan
from fleet.rollouts.store import StoredRollout
from fleet.rollouts.summaries import Summary
from fleet.rollouts.words import hold_in_words, wave_name
from fleet.web.rendering import Words

REVOCATION = "revocation"
LISTED_LIMIT = 300
"""Gateways of one page, those that need somebody first."""
HELD_LIMIT = 8
"""Gateways of a wave that the plan names as held."""
_ORDER = (Step.FAILED, Step.APPLYING, Step.REVERTING, Step.PENDING, Step.DONE, Step.REVERTED, Step.SKIPPED)


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutRow:
    """One rollout in a list."""

    id: int
    reason: str
    state: str
    sentence: str
    wave: str
    done: int
    failed: int
    total: int
    who: str
    at_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveRow:
    """One wave as it is foreseen, or as it is."""

    name: str
    state: str
    total: int
    done: int = 0
    failed: int = 0
    batches: int = 0
    soak_us: int = 0
    held: tuple[str, ...] = ()
    more: int = 0
    """Held ones that are not named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayRow:
    """One gateway of a rollout."""

    eui: str
    name: str
    wave: str
    step: str
    why: str
    since_us: int


def rollout_row(words: Words, one: Summary) -> RolloutRow:
    """Return a rollout as a row and as the sentence above its page."""
    why = one.halted_why
    known = why in ("failures", "worse") or why in tuple(Fault)
    return RolloutRow(
        id=one.id,
        reason=one.reason,
        state=one.state.value,
        sentence=words.t(f"rollout.halted.{why}") if known else why,
        wave=wave_name(words.lang, one.wave),
        done=one.counts.get(Step.DONE, 0),
        failed=one.counts.get(Step.FAILED, 0),
        total=sum(one.counts.values()),
        who=one.created_by,
        at_us=one.created_at_us,
    )


def wave_rows(words: Words, plan: Plan, names: Mapping[str, str]) -> list[WaveRow]:
    """Return the waves of a plan."""
    return [
        WaveRow(
            name=wave_name(words.lang, one.wave.name),
            state="pending",
            total=len(one.euis),
            batches=len(one.batches),
            soak_us=one.wave.soak_us,
            held=tuple(names.get(eui, eui) for eui in one.held[:HELD_LIMIT]),
            more=max(0, len(one.held) - HELD_LIMIT),
        )
        for one in plan.waves
    ]


def wave_states(words: Words, stored: StoredRollout) -> list[WaveRow]:
    """Return the waves of a rollout as they are."""
    rollout = stored.rollout
    found = []
    for number, wave in enumerate(rollout.waves):
        members = rollout.of_wave(number)
        found.append(
            WaveRow(
                name=wave_name(words.lang, wave.name),
                state=_wave_state(stored, number),
                total=len(members),
                done=sum(one.step is Step.DONE for one in members),
                failed=sum(one.step is Step.FAILED for one in members),
                soak_us=wave.soak_us,
            )
        )
    return found


def _wave_state(stored: StoredRollout, number: int) -> str:
    rollout = stored.rollout
    if number < rollout.wave or rollout.state is RolloutState.DONE:
        return "verified"
    if number > rollout.wave:
        return "pending"
    if rollout.state is not RolloutState.RUNNING:
        return rollout.state.value
    return "soaking" if rollout.wave_state is WaveState.SOAKING else "applying"


def gateway_rows(words: Words, stored: StoredRollout, names: Mapping[str, str]) -> list[GatewayRow]:
    """Return the gateways, those that need somebody first."""
    rollout = stored.rollout

    def urgency(one: GatewayStep) -> tuple[int, bool, int, str]:
        return _ORDER.index(one.step), not one.hold, one.wave, names.get(one.eui, one.eui)

    return [
        GatewayRow(
            eui=one.eui,
            name=names.get(one.eui, one.eui),
            wave=wave_name(words.lang, rollout.waves[one.wave].name),
            step=one.step.value,
            why=hold_in_words(words.lang, one, names),
            since_us=one.since_us,
        )
        for one in sorted(rollout.steps.values(), key=urgency)
    ]


def step_counts(words: Words, stored: StoredRollout) -> list[tuple[str, str, int]]:
    """Return (step, its word, how many gateways), of those steps where there are any."""
    steps = [one.step for one in stored.rollout.steps.values()]
    return [
        (step.value, words.t(f"rollout.step.{step}"), steps.count(step)) for step in _ORDER if step in steps
    ]


def orders_of(stored: StoredRollout) -> list[str]:
    """Return what people may order of a rollout now, as the last part of an address."""
    if stored.revoked_at_us is not None:
        return []
    return [*_orders_of(stored.rollout), REVOCATION]


def _orders_of(rollout: Rollout) -> list[str]:
    watched = rollout.settings.judged and rollout.wave_state is WaveState.SOAKING
    running = {
        RolloutState.RUNNING: ["pause", *(["acceptation"] if watched else []), "arret", "retour"],
        RolloutState.PAUSED: ["reprise", "arret", "retour"],
    }
    return running.get(rollout.state) or {
        RolloutState.HALTED: ["reprise", "retour"],
        RolloutState.DONE: ["retour"],
    }.get(rollout.state, [])
