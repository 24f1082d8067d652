"""The A/B machine of configurations: one pure function.

    state     event                           ->  state     commands
    Good      newer configuration, believed   ->  Trial     KeepEnvelope, SaveLedger, Apply, Report TRIAL
    Good      not believed, failed before     ->  Good      Report REFUSED
    Trial     confirmation of its hash        ->  Good      SaveLedger, Report CONFIRMED
    Trial     Tick at the end of the trial    ->  Good      SaveLedger, ApplyGood, Report ROLLED_BACK
    Trial     ApplyFailed                     ->  Good      SaveLedger, ApplyGood, Report ROLLED_BACK
    Trial     Booted as the release it wants  ->  Trial     Report TRIAL; its time begins anew
    Trial     Booted (power cut, crash)       ->  Good      SaveLedger, Report ROLLED_BACK
    Trial     newer configuration, believed   ->  Trial     as from Good; the first is taken back unjudged
    Good      ... that touches the service    ->  Waiting   KeepEnvelope, SaveLedger, Report WAITING
    Waiting   permit for its hash             ->  Trial     SaveLedger, Apply, Report TRIAL
    Good      ... wants a release not here    ->  Fetching  KeepEnvelope, SaveLedger, Report FETCHING
    Fetching  Tick, the release is here       ->  Waiting   Report WAITING; Trial where no permit is needed
    Waiting   Booted                          ->  Waiting, or Fetching
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
    KeepRelease,
    Report,
    SaveLedger,
    Slot,
    State,
    Tick,
)
from agent.configuration.report import reported
from agent.fleet_key import FleetKey
from agent.wire import reasons
from agent.wire.configuration import (
    Configuration,
    ConfigurationError,
    decode_configuration,
    is_service_affecting,
)
from agent.wire.envelope import Envelope, EnvelopeKind, EnvelopeRefused, decode_envelope, judge
from agent.wire.reasons import Reason

OLDER = "envelope.older"
_WELL: dict[str, Any] = {"reason": "", "why": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    """Everything outside that a decision needs."""

    monotonic_us: int
    utc_us: int
    utc_trusted: bool
    device: str
    key: FleetKey
    release: str = ""
    """The release of the agent that runs; empty: the base."""
    releases: frozenset[str] = frozenset({""})
    """Those that can be started here."""
    good: Configuration
    """The last good one: how long a trial lasts, and whether a change needs a permit, stand in it."""


def step(state: State, event: Event, now: Now) -> tuple[State, tuple[Command, ...]]:
    """Return the state after ``event`` and what to carry out, in order."""
    trial = state.ledger.trial
    match event:
        case Arrived():
            return _arrived(state, event.payload, now)
        case Booted():
            return _booted(state, now)
        case ApplyFailed() if trial is not None and trial.sha256 == event.sha256:
            return _roll_back(state, reasons.configuration.not_applied(cause=event.why), now, apply=True)
        case Tick() if state.trial_until_us is not None and now.monotonic_us >= state.trial_until_us:
            limit_s = now.good.intervals.config_trial_s if state.trial is None else _trial_s(state.trial, now)
            why = reasons.configuration.not_confirmed(limit_s=limit_s)
            return _roll_back(state, why, now, apply=True)
        case Tick() if state.fetching:
            return _fetched(state, now)
    return state, ()


def _booted(state: State, now: Now) -> tuple[State, tuple[Command, ...]]:
    if state.trial is not None and goes_on(state, now.good, now.release):
        until_us = now.monotonic_us + _trial_s(state.trial, now) * 1_000_000
        return replace(state, trial_until_us=until_us), (_report(state, now),)
    if state.ledger.trial is not None:
        return _roll_back(state, _why_not_on(state, now), now, apply=False)
    if state.waiting is not None:
        return replace(state, fetching=_lacks_release(state.waiting, now)), ()
    return state, ()


def goes_on(state: State, good: Configuration, release: str) -> bool:
    """Return whether a boot goes on with the trial: it wants another release, and runs as it."""
    wanted = None if state.trial is None else state.trial.release.wanted
    return wanted is not None and wanted == release != good.release.wanted


def _trial_s(configuration: Configuration, now: Now) -> int:
    """Return how long a configuration is on trial: by its own setting where it brings a release."""
    other = configuration.release.wanted != now.good.release.wanted
    return configuration.release.trial_s if other else now.good.intervals.config_trial_s


def _lacks_release(configuration: Configuration, now: Now) -> bool:
    """Return whether a configuration wants another release than the good one, and it is not here."""
    wanted = configuration.release.wanted
    return wanted != now.good.release.wanted and wanted not in now.releases


def _needs_permit(configuration: Configuration, now: Now) -> bool:
    return now.good.permit_needed and is_service_affecting(now.good, configuration)


def _fetched(state: State, now: Now) -> tuple[State, tuple[Command, ...]]:
    """Go on with what waited for a release, once it is here: ask for the permit, or begin."""
    waiting, held = state.waiting, state.ledger.waiting
    if waiting is None or held is None or _lacks_release(waiting, now):
        return state, ()
    if not _needs_permit(waiting, now):
        return _begin_trial(state, held, waiting, now)
    state = replace(state, fetching=False)
    return state, (_report(state, now),)


def _report(state: State, now: Now) -> Report:
    return Report(reported=reported(state, now.utc_us))


def _why_not_on(state: State, now: Now) -> Reason:
    """Return why a trial ends with this boot: its release does not run, or anything else."""
    if state.trial is not None and state.trial.release.wanted != now.good.release.wanted:
        return reasons.release.not_running(name=state.trial.release.wanted)
    return reasons.configuration.restarted_on_trial()


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
        return _saved(replace(state, ledger=ledger, waiting=None, fetching=False), now)
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
    fetching = _lacks_release(configuration, now)
    if fetching or _needs_permit(configuration, now):
        ledger = msgspec.structs.replace(ledger, waiting=held, trial=None)
        back = (ApplyGood(held=ledger.good),) if state.ledger.trial else ()
        state = replace(
            state, ledger=ledger, waiting=configuration, trial=None, trial_until_us=None, fetching=fetching
        )
        return state, (keep, save_of(state), *back, _report(state, now))
    state, commands = _begin_trial(replace(state, ledger=ledger), held, configuration, now)
    return state, (keep, *commands)


def _begin_trial(
    state: State, held: Held, configuration: Configuration, now: Now
) -> tuple[State, tuple[Command, ...]]:
    ledger = msgspec.structs.replace(state.ledger, trial=held, waiting=None)
    until_us = now.monotonic_us + _trial_s(configuration, now) * 1_000_000
    state = replace(state, ledger=ledger, waiting=None, trial=None, trial_until_us=until_us, fetching=False)
    return state, (
        save_of(state),
        Apply(configuration=configuration, sha256=held.sha256),
        _report(state, now),
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
    if (
        waiting is None
        or state.waiting is None
        or state.fetching
        or envelope.payload != waiting.sha256.encode()
    ):
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
    first = () if state.trial is None else (KeepRelease(),)
    state, commands = _saved(replace(state, ledger=ledger, trial_until_us=None, trial=None), now)
    return state, (*first, *commands)


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
    state = replace(state, ledger=ledger, trial_until_us=None, trial=None)
    back = (ApplyGood(held=ledger.good),) if apply else ()
    return state, (SaveLedger(ledger=ledger), *back, _report(state, now))


def _refuse(state: State, why: Reason, now: Now) -> tuple[State, tuple[Command, ...]]:
    """A refusal never ends a trial, and what was not believed wears no disk."""
    if state.ledger.trial is not None or state.ledger.waiting is not None:
        return state, ()
    state = replace(state, ledger=msgspec.structs.replace(state.ledger, last="refused", reason="", why=why))
    return state, (_report(state, now),)


def _saved(state: State, now: Now) -> tuple[State, tuple[Command, ...]]:
    return state, (SaveLedger(ledger=state.ledger), _report(state, now))


def _counted(state: State, counter: str) -> State:
    counts = dict(state.counts)
    counts[counter] = counts.get(counter, 0) + 1
    return replace(state, counts=tuple(sorted(counts.items())))
