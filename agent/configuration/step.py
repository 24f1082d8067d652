"""The A/B machine of configurations: one pure function.

    state     event                           ->  state     commands
    Good      newer configuration, believed   ->  Trial     KeepEnvelope, SaveLedger, Apply, Report TRIAL
    Good      not believed, failed before     ->  Good      Report REFUSED
    Trial     confirmation of its hash        ->  Good      SaveLedger, Report CONFIRMED
    Trial     Tick at the end of the trial    ->  Good      SaveLedger, ApplyGood, Report ROLLED_BACK
    Trial     ApplyFailed                     ->  Good      SaveLedger, ApplyGood, Report ROLLED_BACK
    Trial     Booted (power cut, crash)       ->  Good      SaveLedger, Report ROLLED_BACK
    Trial     newer configuration, believed   ->  Trial     as from Good; the first is taken back unjudged
    Good      ... that touches the service    ->  Waiting   KeepEnvelope, SaveLedger, Report WAITING
    Waiting   permit for its hash             ->  Trial     SaveLedger, Apply, Report TRIAL
    Waiting   Booted                          ->  Waiting   -
    any       older than what was seen        ->  unchanged - (counted ``older``)
    otherwise                                 ->  unchanged -

A broker that forgets gives back an older retained document, or a word for the second time: neither changes
what runs nor what is reported.  Going back on purpose is a newer version with the older content.

A document that rolled back is remembered by its hash and tried again only with an explicitly signed retry.
Expiry limits acceptance, never what runs.
"""

from dataclasses import dataclass, replace
from typing import Any

import msgspec

from agent.configuration.model import (
    FAILED_LIMIT,
    Apply,
    ApplyFailed,
    ApplyGood,
    Arrived,
    Booted,
    Command,
    Event,
    Held,
    KeepEnvelope,
    Ledger,
    Report,
    SaveLedger,
    Slot,
    State,
    Tick,
)
from agent.fleet_key import FleetKey
from agent.wire import reasons
from agent.wire.configuration import (
    Configuration,
    ConfigurationError,
    decode_configuration,
    is_service_affecting,
)
from agent.wire.envelope import Envelope, EnvelopeKind, EnvelopeRefused, decode_envelope, judge
from agent.wire.messages import ConfigReported, ConfigState
from agent.wire.reasons import Reason

OLDER = "envelope.older"
_WELL: dict[str, Any] = {"reason": "", "why": None}
_STATES = {
    "confirmed": ConfigState.CONFIRMED,
    "refused": ConfigState.REFUSED,
    "rolled_back": ConfigState.ROLLED_BACK,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    """Everything outside that a decision needs."""

    monotonic_us: int
    utc_us: int
    utc_trusted: bool
    device: str
    key: FleetKey
    good: Configuration
    """The last good one: how long a trial lasts, and whether a change needs a permit, stand in it."""


def step(state: State, event: Event, now: Now) -> tuple[State, tuple[Command, ...]]:
    """Return the state after ``event`` and what to carry out, in order."""
    trial = state.ledger.trial
    match event:
        case Arrived():
            return _arrived(state, event.payload, now)
        case Booted() if trial is not None:
            return _roll_back(state, reasons.configuration.restarted_on_trial(), now, apply=False)
        case ApplyFailed() if trial is not None and trial.sha256 == event.sha256:
            return _roll_back(state, reasons.configuration.not_applied(cause=event.why), now, apply=True)
        case Tick() if state.trial_until_us is not None and now.monotonic_us >= state.trial_until_us:
            why = reasons.configuration.not_confirmed(limit_s=now.good.intervals.config_trial_s)
            return _roll_back(state, why, now, apply=True)
    return state, ()


def reported(state: State, now: Now) -> ConfigReported:
    """Return the report to the fleet about ``state``."""
    ledger = state.ledger
    return ConfigReported(
        version=ledger.runs.version,
        sha256=ledger.runs.sha256,
        state=_state_of(ledger),
        seen_version=ledger.seen_version,
        reason="" if ledger.trial or ledger.waiting else ledger.reason,
        at_us=now.utc_us,
        why=_why(ledger),
    )


def _state_of(ledger: Ledger) -> ConfigState:
    if ledger.trial:
        return ConfigState.TRIAL
    return ConfigState.WAITING if ledger.waiting else _STATES[ledger.last]


def _why(ledger: Ledger) -> Reason | None:
    if ledger.trial:
        return None
    if ledger.waiting:
        return reasons.configuration.waits_for_permit(version=ledger.waiting.version)
    return ledger.why


def _arrived(state: State, payload: bytes, now: Now) -> tuple[State, tuple[Command, ...]]:
    try:
        envelope = decode_envelope(payload)
        if envelope.kind is EnvelopeKind.CONFIRMATION:
            return _signed_message(state, envelope, now)
        if envelope.kind is EnvelopeKind.PERMIT:
            return _permit(state, envelope, now)
        return _configuration(state, envelope, payload, now)
    except EnvelopeRefused as refused:
        if refused.why.code == OLDER:
            return _counted(state, refused.counter), ()
        return _refuse(_counted(state, refused.counter), refused.why, now)


def _configuration(
    state: State, envelope: Envelope, payload: bytes, now: Now
) -> tuple[State, tuple[Command, ...]]:
    ledger = state.ledger
    if envelope.kind is not EnvelopeKind.CONFIGURATION:
        raise EnvelopeRefused(reasons.envelope.wrong_kind(kind=envelope.kind))
    seen_again = envelope.version == ledger.seen_version
    _believe(envelope, now, newest=ledger.seen_version - 1 if seen_again else ledger.seen_version)
    if seen_again:
        return state, ()
    ledger = msgspec.structs.replace(ledger, seen_version=envelope.version)
    save = SaveLedger(ledger=ledger)
    if envelope.sha256 == ledger.good.sha256 and ledger.trial is None:
        held = msgspec.structs.replace(ledger.good, version=envelope.version)
        ledger = msgspec.structs.replace(ledger, good=held, waiting=None, last="confirmed", **_WELL)
        return _saved(replace(state, ledger=ledger, waiting=None), now)
    if envelope.sha256 in ledger.failed and not envelope.retry:
        why = reasons.configuration.failed_before(version=envelope.version)
        state, commands_after = _refuse(_counted(replace(state, ledger=ledger), "failed_before"), why, now)
        return state, (save, *commands_after)
    try:
        configuration = decode_configuration(envelope.payload)
    except ConfigurationError as error:
        state = _counted(replace(state, ledger=ledger), "schema")
        state, commands_after = _refuse(state, reasons.configuration.unfit(cause=error.why), now)
        return state, (save, *commands_after)
    slot: Slot = "b" if ledger.good.slot == "a" else "a"
    held = Held(version=envelope.version, sha256=envelope.sha256, slot=slot)
    keep = KeepEnvelope(slot=slot, envelope=payload)
    if now.good.permit_needed and is_service_affecting(now.good, configuration):
        ledger = msgspec.structs.replace(ledger, waiting=held, trial=None)
        back = (ApplyGood(held=ledger.good),) if state.ledger.trial else ()
        state = replace(state, ledger=ledger, waiting=configuration, trial_until_us=None)
        return state, (keep, save_of(state), *back, Report(reported=reported(state, now)))
    state, commands = _begin_trial(replace(state, ledger=ledger), held, configuration, now)
    return state, (keep, *commands)


def _begin_trial(
    state: State, held: Held, configuration: Configuration, now: Now
) -> tuple[State, tuple[Command, ...]]:
    ledger = msgspec.structs.replace(state.ledger, trial=held, waiting=None)
    trial_us = now.good.intervals.config_trial_s * 1_000_000
    state = replace(state, ledger=ledger, waiting=None, trial_until_us=now.monotonic_us + trial_us)
    return state, (
        save_of(state),
        Apply(configuration=configuration, sha256=held.sha256),
        Report(reported=reported(state, now)),
    )


def save_of(state: State) -> SaveLedger:
    """Return the command that makes the ledger durable."""
    return SaveLedger(ledger=state.ledger)


def _permit(state: State, envelope: Envelope, now: Now) -> tuple[State, tuple[Command, ...]]:
    ledger = state.ledger
    _believe(
        envelope,
        now,
        newest=ledger.permit_version,
        own_clock=True,
        newest_issued_at_us=ledger.newest_issued_at_us,
    )
    ledger = msgspec.structs.replace(
        ledger,
        permit_version=envelope.version,
        newest_issued_at_us=max(ledger.newest_issued_at_us, envelope.issued_at_us),
    )
    state = replace(state, ledger=ledger)
    waiting = ledger.waiting
    if waiting is None or state.waiting is None or envelope.payload != waiting.sha256.encode():
        return _counted(state, "permits_nothing"), (save_of(state),)
    return _begin_trial(state, waiting, state.waiting, now)


def _signed_message(state: State, envelope: Envelope, now: Now) -> tuple[State, tuple[Command, ...]]:
    ledger = state.ledger
    _believe(envelope, now, newest=ledger.word_version)
    ledger = msgspec.structs.replace(ledger, word_version=envelope.version)
    state = replace(state, ledger=ledger)
    if ledger.trial is None or envelope.payload.decode("ascii", "replace") != ledger.trial.sha256:
        return _counted(state, "confirms_nothing"), (SaveLedger(ledger=ledger),)
    failed = tuple(sha for sha in ledger.failed if sha != ledger.trial.sha256)
    ledger = msgspec.structs.replace(
        ledger, good=ledger.trial, trial=None, failed=failed, last="confirmed", **_WELL
    )
    return _saved(replace(state, ledger=ledger, trial_until_us=None), now)


def _believe(
    envelope: Envelope, now: Now, *, newest: int, own_clock: bool = False, newest_issued_at_us: int = 0
) -> None:
    """Judge; with ``own_clock`` expiry counts even by a clock that is not trusted."""
    trusted = now.utc_trusted or own_clock
    judge(
        envelope,
        now.key,
        device=now.device,
        newest_version=newest,
        now_us=max(now.utc_us, newest_issued_at_us) if trusted else None,
    )


def _roll_back(state: State, why: Reason, now: Now, *, apply: bool) -> tuple[State, tuple[Command, ...]]:
    trial = state.ledger.trial
    assert trial is not None
    failed = (*(sha for sha in state.ledger.failed if sha != trial.sha256), trial.sha256)[-FAILED_LIMIT:]
    ledger = msgspec.structs.replace(
        state.ledger,
        trial=None,
        failed=failed,
        last="rolled_back",
        reason="",
        why=reasons.configuration.rolled_back(
            version=trial.version, good_version=state.ledger.good.version, cause=why
        ),
    )
    state = replace(state, ledger=ledger, trial_until_us=None)
    back = (ApplyGood(held=ledger.good),) if apply else ()
    return state, (SaveLedger(ledger=ledger), *back, Report(reported=reported(state, now)))


def _refuse(state: State, why: Reason, now: Now) -> tuple[State, tuple[Command, ...]]:
    """A refusal never ends a trial, and what was not believed wears no disk."""
    if state.ledger.trial is not None or state.ledger.waiting is not None:
        return state, ()
    state = replace(state, ledger=msgspec.structs.replace(state.ledger, last="refused", reason="", why=why))
    return state, (Report(reported=reported(state, now)),)


def _saved(state: State, now: Now) -> tuple[State, tuple[Command, ...]]:
    return state, (SaveLedger(ledger=state.ledger), Report(reported=reported(state, now)))


def _counted(state: State, counter: str) -> State:
    counts = dict(state.counts)
    counts[counter] = counts.get(counter, 0) + 1
    return replace(state, counts=tuple(sorted(counts.items())))
