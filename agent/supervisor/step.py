"""Staged recovery of radio and backhaul: one pure function, one table.

    trouble                                    after      stage             spends
    radio not RECEIVING (its own thread        10 min     RESTART_PROCESS   restart_process
      restarts and resets it meanwhile)        30 min     REBOOT            reboot
    silent against its own past                at once    RESTART_RADIO     restart_radio
      (each stage: as strange a silence again)  again      RESTART_RADIO     restart_radio
                                               again      RESTART_PROCESS   restart_process
                                               again      REBOOT            reboot
    far fewer frames, a fallen noise floor,    once       RESTART_RADIO     restart_radio
      a neighbour's test frames missed,
      a reference sensor silent for 3 periods
    backhaul lost: neither fleet nor any LNS   5 min      RENEW_ADDRESS     renew_address
      answers, and the line failed             15 min     RESET_MODEM       reset_modem
                                               30 min     POWER_MODEM       power_modem
                                               60 min     OTHER_INTERFACE   other_interface
                                               3 h        REBOOT            reboot

A board of another gateway is refused and stays OFF: no stage is tried for it.
Each stage is tried once per trouble and only while its budget has a token; without one it is reported and
skipped.  Every start of the radio resets the concentrator, so restart of reception and reset are one stage
here.  A reboot for the backhaul waits while a configuration is on trial: the trial's own end comes first.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from agent.supervisor.budget import Budgets
from agent.wire import reasons
from agent.wire.messages import Radio
from agent.wire.reasons import Reason

MINUTE_US = 60_000_000


class Stage(StrEnum):
    """One stage of a ladder; the value is the name of its budget."""

    RESTART_RADIO = "restart_radio"
    RESTART_PROCESS = "restart_process"
    REBOOT = "reboot"
    RENEW_ADDRESS = "renew_address"
    RESET_MODEM = "reset_modem"
    POWER_MODEM = "power_modem"
    OTHER_INTERFACE = "other_interface"


RADIO_LADDER = ((10 * MINUTE_US, Stage.RESTART_PROCESS), (30 * MINUTE_US, Stage.REBOOT))
SILENCE_LADDER = (Stage.RESTART_RADIO, Stage.RESTART_RADIO, Stage.RESTART_PROCESS, Stage.REBOOT)
DEAF_ONCE = (Stage.RESTART_RADIO,)
"""The last stage while frames still arrive: an expectation justifies nothing heavier."""
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
    silent: Reason | None = None
    """Why the silence since the last stage is against this gateway's own past, or None."""
    less: Reason | None = None
    """Why this gateway hears less than its own past says, though not nothing; or None."""
    backhaul_lost_since_us: int | None = None
    on_trial: bool = False
    board_refused: bool = False
    """The board belongs to another gateway: no stage makes it ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Stages already tried in the present troubles, and what may still be spent."""

    budgets: Budgets = Budgets()
    radio_tried: int = 0
    backhaul_tried: int = 0
    silence_tried: int = 0
    less_tried: int = 0
    at_us: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recover:
    """Carry out a stage."""

    stage: Stage
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """Tell that a stage was due and its budget empty."""

    stage: Stage
    reason: Reason


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
    if facts.radio is Radio.RECEIVING or facts.board_refused:
        return replace(state, radio_tried=0), ()
    for_us = now_us - facts.radio_since_us
    due = sum(for_us >= after for after, _ in RADIO_LADDER)
    if due <= state.radio_tried:
        return state, ()
    stage = RADIO_LADDER[state.radio_tried][1]
    reason = reasons.recovery.radio_not_receiving(radio=facts.radio.name, lasting_min=for_us // MINUTE_US)
    return _spend(replace(state, radio_tried=state.radio_tried + 1), stage, reason)


def _deaf(state: State, facts: Facts) -> tuple[State, tuple[Command, ...]]:
    """Return a stage for each silence that is strange again; the caller counts from the last stage."""
    if facts.silent is not None:
        tried = state.silence_tried
        if tried >= len(SILENCE_LADDER):
            return state, ()
        return _spend(replace(state, silence_tried=tried + 1), SILENCE_LADDER[tried], facts.silent)
    if facts.less is None:
        return replace(state, less_tried=0), ()
    if state.silence_tried:
        return state, ()
    tried = state.less_tried
    if tried >= len(DEAF_ONCE):
        return state, ()
    return _spend(replace(state, less_tried=tried + 1), DEAF_ONCE[tried], facts.less)


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
    reason = reasons.recovery.backhaul_lost(lasting_min=for_us // MINUTE_US)
    return _spend(replace(state, backhaul_tried=state.backhaul_tried + 1), stage, reason)


def _spend(state: State, stage: Stage, reason: Reason) -> tuple[State, tuple[Command, ...]]:
    budgets = state.budgets.spend(stage.value)
    if budgets is None:
        spent = reasons.recovery.budget_spent(cause=reason, stage=stage.value)
        return state, (Skipped(stage=stage, reason=spent),)
    return replace(state, budgets=budgets), (Recover(stage=stage, reason=reason),)
