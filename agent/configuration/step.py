"""The A/B machine of configurations: one pure function.

    state     event                           ->  state     commands
    Good      newer configuration, believed   ->  Trial     KeepEnvelope, SaveLedger, Apply, Report TRIAL
    Good      not believed, failed before     ->  Good      Report REFUSED
    Trial     confirmation of its hash        ->  Good      SaveLedger, Report CONFIRMED
    Trial     Tick at the end of the trial    ->  Good      SaveLedger, ApplyGood, Report ROLLED_BACK
    Trial     ApplyFailed                     ->  Good      SaveLedger, ApplyGood, Report ROLLED_BACK
    Trial     Booted (power cut, crash)       ->  Good      SaveLedger, Report ROLLED_BACK
    Trial     newer configuration, believed   ->  Trial     as from Good; the first is taken back unjudged
    otherwise                                 ->  unchanged -

A document that rolled back is remembered by its hash and tried again only with an explicitly signed retry.
Expiry limits acceptance, never what runs.
"""

from dataclasses import dataclass, replace

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

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
    Report,
    SaveLedger,
    Slot,
    State,
    Tick,
)
from agent.wire.configuration import ConfigurationError, decode_configuration
from agent.wire.envelope import Envelope, EnvelopeRefused, Kind, decode_envelope, judge
from agent.wire.messages import ConfigReported, ConfigState

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
    key: Ed25519PublicKey
    trial_us: int
    """How long a trial lasts, of the running good configuration."""


def step(state: State, event: Event, now: Now) -> tuple[State, tuple[Command, ...]]:
    """Return the state after ``event`` and what to carry out, in order."""
    trial = state.ledger.trial
    match event:
        case Arrived():
            return _arrived(state, event.payload, now)
        case Booted() if trial is not None:
            return _roll_back(state, "the gateway restarted during the trial", now, apply=False)
        case ApplyFailed() if trial is not None and trial.sha256 == event.sha256:
            return _roll_back(state, f"could not be applied: {event.reason}", now, apply=True)
        case Tick() if state.trial_until_us is not None and now.monotonic_us >= state.trial_until_us:
            seconds = now.trial_us // 1_000_000
            return _roll_back(state, f"the fleet did not confirm it within {seconds} s", now, apply=True)
    return state, ()


def reported(state: State, now: Now) -> ConfigReported:
    """Return what the fleet is told about ``state``."""
    ledger = state.ledger
    return ConfigReported(
        version=ledger.runs.version,
        sha256=ledger.runs.sha256,
        state=ConfigState.TRIAL if ledger.trial else _STATES[ledger.last],
        seen_version=ledger.seen_version,
        reason="" if ledger.trial else ledger.reason,
        at_us=now.utc_us,
    )


def _arrived(state: State, payload: bytes, now: Now) -> tuple[State, tuple[Command, ...]]:
    try:
        envelope = decode_envelope(payload)
        if envelope.kind is Kind.CONFIRMATION:
            return _word(state, envelope, now)
        return _configuration(state, envelope, payload, now)
    except EnvelopeRefused as refused:
        return _refuse(_counted(state, refused.reason), str(refused), now)


def _configuration(
    state: State, envelope: Envelope, payload: bytes, now: Now
) -> tuple[State, tuple[Command, ...]]:
    ledger = state.ledger
    if envelope.kind is not Kind.CONFIGURATION:
        raise EnvelopeRefused("wrong_kind", f"envelope: kind {envelope.kind} is no configuration")
    seen_again = envelope.version == ledger.seen_version
    _believe(envelope, now, newest=ledger.seen_version - 1 if seen_again else ledger.seen_version)
    if seen_again:
        return state, ()
    ledger = msgspec.structs.replace(ledger, seen_version=envelope.version)
    save = SaveLedger(ledger=ledger)
    if envelope.sha256 == ledger.good.sha256 and ledger.trial is None:
        held = msgspec.structs.replace(ledger.good, version=envelope.version)
        ledger = msgspec.structs.replace(ledger, good=held, last="confirmed", reason="")
        return _saved(replace(state, ledger=ledger), now)
    if envelope.sha256 in ledger.failed and not envelope.retry:
        reason = f"version {envelope.version}: this content failed before; send it as an explicit retry"
        state, told = _refuse(_counted(replace(state, ledger=ledger), "failed_before"), reason, now)
        return state, (save, *told)
    try:
        configuration = decode_configuration(envelope.payload)
    except ConfigurationError as error:
        state = _counted(replace(state, ledger=ledger), "schema")
        state, told = _refuse(state, f"configuration: {error}", now)
        return state, (save, *told)
    slot: Slot = "b" if ledger.good.slot == "a" else "a"
    trial = Held(version=envelope.version, sha256=envelope.sha256, slot=slot)
    ledger = msgspec.structs.replace(ledger, trial=trial)
    state = replace(state, ledger=ledger, trial_until_us=now.monotonic_us + now.trial_us)
    return state, (
        KeepEnvelope(slot=slot, envelope=payload),
        SaveLedger(ledger=ledger),
        Apply(configuration=configuration, sha256=trial.sha256),
        Report(reported=reported(state, now)),
    )


def _word(state: State, envelope: Envelope, now: Now) -> tuple[State, tuple[Command, ...]]:
    ledger = state.ledger
    _believe(envelope, now, newest=ledger.word_version)
    ledger = msgspec.structs.replace(ledger, word_version=envelope.version)
    state = replace(state, ledger=ledger)
    if ledger.trial is None or envelope.payload.decode("ascii", "replace") != ledger.trial.sha256:
        return _counted(state, "confirms_nothing"), (SaveLedger(ledger=ledger),)
    failed = tuple(sha for sha in ledger.failed if sha != ledger.trial.sha256)
    ledger = msgspec.structs.replace(
        ledger, good=ledger.trial, trial=None, failed=failed, last="confirmed", reason=""
    )
    return _saved(replace(state, ledger=ledger, trial_until_us=None), now)


def _believe(envelope: Envelope, now: Now, *, newest: int) -> None:
    judge(
        envelope,
        now.key,
        device=now.device,
        newest_version=newest,
        now_us=now.utc_us if now.utc_trusted else None,
    )


def _roll_back(state: State, why: str, now: Now, *, apply: bool) -> tuple[State, tuple[Command, ...]]:
    trial = state.ledger.trial
    assert trial is not None
    failed = (*(sha for sha in state.ledger.failed if sha != trial.sha256), trial.sha256)[-FAILED_LIMIT:]
    ledger = msgspec.structs.replace(
        state.ledger,
        trial=None,
        failed=failed,
        last="rolled_back",
        reason=f"version {trial.version} rolled back to {state.ledger.good.version}: {why}",
    )
    state = replace(state, ledger=ledger, trial_until_us=None)
    back = (ApplyGood(held=ledger.good),) if apply else ()
    return state, (SaveLedger(ledger=ledger), *back, Report(reported=reported(state, now)))


def _refuse(state: State, reason: str, now: Now) -> tuple[State, tuple[Command, ...]]:
    """A refusal never ends a trial, and what was not believed wears no disk."""
    if state.ledger.trial is not None:
        return state, ()
    state = replace(state, ledger=msgspec.structs.replace(state.ledger, last="refused", reason=reason))
    return state, (Report(reported=reported(state, now)),)


def _saved(state: State, now: Now) -> tuple[State, tuple[Command, ...]]:
    return state, (SaveLedger(ledger=state.ledger), Report(reported=reported(state, now)))


def _counted(state: State, reason: str) -> State:
    counts = dict(state.counts)
    counts[reason] = counts.get(reason, 0) + 1
    return replace(state, counts=tuple(sorted(counts.items())))
