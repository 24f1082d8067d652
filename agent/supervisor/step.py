"""Staged recovery of radio and backhaul: one pure function, one table.

    trouble                                    after      stage             spends
    radio not RECEIVING (its own thread        10 min     RESTART_PROCESS   restart_process
      restarts and resets it meanwhile)        30 min     REBOOT            reboot
    radio suspected deaf (expectation)         at once    RESTART_RADIO     restart_radio
    backhaul lost: neither fleet nor any LNS   5 min      RENEW_ADDRESS     renew_address
      answers, and the line failed             15 min     RESET_MODEM       reset_modem
                                               30 min     POWER_MODEM       power_modem
                                               60 min     OTHER_INTERFACE   other_interface
                                               3 h        REBOOT            reboot

Each stage is tried once per trouble and only while its budget has a token; without one it is told and
skipped.  A reboot for the backhaul waits while a configuration is on trial: the trial's own end comes first.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from agent.supervisor.budget import Budgets
from agent.wire.messages import Radio

MINUTE_US = 60_000_000


class Stage(StrEnum):
    """One rung; the value is the name of its budget."""

    RESTART_RADIO = "restart_radio"
    RESTART_PROCESS = "restart_process"
    REBOOT = "reboot"
    RENEW_ADDRESS = "renew_address"
    RESET_MODEM = "reset_modem"
    POWER_MODEM = "power_modem"
    OTHER_INTERFACE = "other_interface"


RADIO_LADDER = ((10 * MINUTE_US, Stage.RESTART_PROCESS), (30 * MINUTE_US, Stage.REBOOT))
BACKHAUL_LADDER = (
    (5 * MINUTE_US, Stage.RENEW_ADDRESS),
    (15 * MINUTE_US, Stage.RESET_MODEM),
    (30 * MINUTE_US, Stage.POWER_MODEM),
    (60 * MINUTE_US, Stage.OTHER_INTERFACE),
    (180 * MINUTE_US, Stage.REBOOT),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is seen at one instant; instants are monotonic."""

    radio: Radio
    radio_since_us: int
    suspected_deaf: str = ""
    """Why the silence is against this gateway's own past, or empty."""
    backhaul_lost_since_us: int | None = None
    on_trial: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Rungs already tried in the present troubles, and what may still be spent."""

    budgets: Budgets = Budgets()
    radio_tried: int = 0
    backhaul_tried: int = 0
    deaf_tried: bool = False
    at_us: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recover:
    """Carry out a stage."""

    stage: Stage
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """Tell that a stage was due and its budget empty."""

    stage: Stage
    reason: str


Command = Recover | Skipped


def step(state: State, facts: Facts, now_us: int) -> tuple[State, tuple[Command, ...]]:
    """Return the state after looking at ``facts``, and what to carry out."""
    elapsed_s = 0.0 if state.at_us is None else (now_us - state.at_us) / 1_000_000
    state = replace(state, budgets=state.budgets.alive(elapsed_s), at_us=now_us)
    state, radio = _radio(state, facts, now_us)
    state, deaf = _deaf(state, facts)
    state, backhaul = _backhaul(state, facts, now_us)
    return state, (*radio, *deaf, *backhaul)


def _radio(state: State, facts: Facts, now_us: int) -> tuple[State, tuple[Command, ...]]:
    if facts.radio is Radio.RECEIVING:
        return replace(state, radio_tried=0), ()
    for_us = now_us - facts.radio_since_us
    due = sum(for_us >= after for after, _ in RADIO_LADDER)
    if due <= state.radio_tried:
        return state, ()
    stage = RADIO_LADDER[state.radio_tried][1]
    reason = f"radio {facts.radio.name} for {for_us // MINUTE_US} min"
    return _spend(replace(state, radio_tried=state.radio_tried + 1), stage, reason)


def _deaf(state: State, facts: Facts) -> tuple[State, tuple[Command, ...]]:
    if not facts.suspected_deaf:
        return replace(state, deaf_tried=False), ()
    if state.deaf_tried:
        return state, ()
    return _spend(replace(state, deaf_tried=True), Stage.RESTART_RADIO, facts.suspected_deaf)


def _backhaul(state: State, facts: Facts, now_us: int) -> tuple[State, tuple[Command, ...]]:
    if facts.backhaul_lost_since_us is None:
        return replace(state, backhaul_tried=0), ()
    for_us = now_us - facts.backhaul_lost_since_us
    due = sum(for_us >= after for after, _ in BACKHAUL_LADDER)
    if due <= state.backhaul_tried:
        return state, ()
    stage = BACKHAUL_LADDER[state.backhaul_tried][1]
    if stage is Stage.REBOOT and facts.on_trial:
        return state, ()
    reason = f"backhaul lost for {for_us // MINUTE_US} min"
    return _spend(replace(state, backhaul_tried=state.backhaul_tried + 1), stage, reason)


def _spend(state: State, stage: Stage, reason: str) -> tuple[State, tuple[Command, ...]]:
    budgets = state.budgets.spend(stage.value)
    if budgets is None:
        return state, (Skipped(stage=stage, reason=f"{reason}; budget of {stage.value} is spent"),)
    return replace(state, budgets=budgets), (Recover(stage=stage, reason=reason),)
