from dataclasses import replace

import msgspec
import pytest

from agent.configuration.model import (
    FAILED_LIMIT,
    Apply,
    ApplyFailed,
    ApplyGood,
    Arrived,
    Booted,
    Held,
    KeepEnvelope,
    Ledger,
    Report,
    SaveLedger,
    State,
    Tick,
)
from agent.configuration.report import reported
from agent.configuration.step import Now, step
from agent.wire import reasons
from agent.wire.configuration import (
    Configuration,
    ConnectorConfig,
    FleetConfig,
    Intervals,
    encode_configuration,
)
from agent.wire.envelope import EnvelopeKind, decode_envelope
from agent.wire.messages import ConfigState
from tests.controlpath.virtual import EUI, SigningFleet, configuration

FLEET = SigningFleet()
OTHER = SigningFleet()
ONE = configuration()
TWO = configuration(fleet=FleetConfig(host="10.0.0.1", port=1883, tls=False))
TRIAL_US = 300_000_000
SENT_TWO = FLEET.configuration(2, TWO)
SHA_ONE = decode_envelope(FLEET.configuration(1, ONE)).sha256
SHA_TWO = decode_envelope(SENT_TWO).sha256
GOOD = State(ledger=Ledger(good=Held(version=1, sha256=SHA_ONE, slot="a"), seen_version=1))


def at(monotonic_us: int = 0, *, utc_us: int = 1_000, trusted: bool = True, good: Configuration = ONE) -> Now:
    return Now(
        monotonic_us=monotonic_us,
        utc_us=utc_us,
        utc_trusted=trusted,
        device=EUI,
        key=FLEET.public,
        good=good,
    )


TRIAL, _ = step(GOOD, Arrived(payload=SENT_TWO), at())


NO_BOARD = reasons.radio.request_refused(detail="no such board")


def kinds(commands: tuple[object, ...]) -> list[type]:
    return [type(command) for command in commands]


def test_newer_configuration_goes_on_trial_marker_before_apply() -> None:
    state, commands = step(GOOD, Arrived(payload=SENT_TWO), at())
    assert kinds(commands) == [KeepEnvelope, SaveLedger, Apply, Report]
    assert state.ledger.trial == Held(version=2, sha256=SHA_TWO, slot="b")
    assert state.ledger.good.version == 1
    assert state.trial_until_us == TRIAL_US
    assert reported(state, at().utc_us).state is ConfigState.TRIAL


def test_of_the_contents_that_failed_the_newest_are_remembered() -> None:
    many = tuple(f"{number:064x}" for number in range(FAILED_LIMIT))
    full = replace(TRIAL, ledger=msgspec.structs.replace(TRIAL.ledger, failed=many))
    state, _ = step(full, Tick(), at(TRIAL_US))
    assert state.ledger.failed == (*many[1:], SHA_TWO)
    again = replace(TRIAL, ledger=msgspec.structs.replace(TRIAL.ledger, failed=(SHA_TWO, *many[:3])))
    assert step(again, Tick(), at(TRIAL_US))[0].ledger.failed == (*many[:3], SHA_TWO)


def test_confirmation_of_its_hash_makes_the_trial_good() -> None:
    state, commands = step(TRIAL, Arrived(payload=FLEET.confirmation(1, SHA_TWO)), at())
    assert kinds(commands) == [SaveLedger, Report]
    assert (state.ledger.good.version, state.ledger.good.slot, state.ledger.trial) == (2, "b", None)
    assert reported(state, at().utc_us).state is ConfigState.CONFIRMED
    assert state.trial_until_us is None


@pytest.mark.parametrize(
    "word",
    [
        FLEET.confirmation(1, SHA_ONE),
        FLEET.confirmation(0, SHA_TWO),
        OTHER.confirmation(1, SHA_TWO),
        FLEET.envelope(EnvelopeKind.CONFIRMATION, 1, SHA_TWO.encode(), device="0016c001f12a3b4d"),
        FLEET.envelope(EnvelopeKind.CONFIRMATION, 1, b"\xff\xfe"),
        FLEET.envelope(EnvelopeKind.CONFIRMATION, 1, SHA_TWO.encode(), expires_at_us=1_000),
    ],
)
def test_no_other_word_confirms(word: bytes) -> None:
    state, _ = step(TRIAL, Arrived(payload=word), at())
    assert state.ledger.trial == TRIAL.ledger.trial


@pytest.mark.parametrize(("now_us", "ended"), [(TRIAL_US - 1, False), (TRIAL_US, True), (TRIAL_US + 1, True)])
def test_trial_ends_by_timer(now_us: int, ended: bool) -> None:
    state, commands = step(TRIAL, Tick(), at(now_us))
    assert (state.ledger.trial is None) is ended
    assert kinds(commands) == ([SaveLedger, ApplyGood, Report] if ended else [])
    if ended:
        assert reported(state, at().utc_us).state is ConfigState.ROLLED_BACK
        assert reported(state, at().utc_us).why == reasons.configuration.rolled_back(
            version=2, good_version=1, cause=reasons.configuration.not_confirmed(limit_s=300)
        )


def test_boot_in_trial_rolls_back_without_applying() -> None:
    state, commands = step(TRIAL, Booted(), at())
    assert kinds(commands) == [SaveLedger, Report]
    assert state.ledger.good.version == 1
    assert state.ledger.failed == (SHA_TWO,)


def test_boot_and_tick_without_trial_do_nothing() -> None:
    assert step(GOOD, Booted(), at()) == (GOOD, ())
    assert step(GOOD, Tick(), at(10**15)) == (GOOD, ())


def test_a_part_that_refuses_rolls_back() -> None:
    state, commands = step(TRIAL, ApplyFailed(sha256=SHA_TWO, why=NO_BOARD), at())
    assert kinds(commands) == [SaveLedger, ApplyGood, Report]
    assert state.ledger.why == reasons.configuration.rolled_back(
        version=2, good_version=1, cause=reasons.configuration.not_applied(cause=NO_BOARD)
    )
    assert step(TRIAL, ApplyFailed(sha256=SHA_ONE, why=NO_BOARD), at()) == (TRIAL, ())
    assert step(GOOD, ApplyFailed(sha256=SHA_ONE, why=NO_BOARD), at()) == (GOOD, ())


def test_failed_content_runs_again_only_on_signed_retry() -> None:
    failed, _ = step(TRIAL, Booted(), at())
    again, commands = step(failed, Arrived(payload=FLEET.configuration(3, TWO)), at())
    assert again.ledger.trial is None
    assert reported(again, at().utc_us).state is ConfigState.REFUSED
    assert kinds(commands) == [SaveLedger, Report]
    retried, _ = step(again, Arrived(payload=FLEET.configuration(4, TWO, retry=True)), at())
    assert retried.ledger.trial is not None
    good, _ = step(retried, Arrived(payload=FLEET.confirmation(1, SHA_TWO)), at())
    assert good.ledger.failed == ()


def test_a_confirmation_forgives_its_own_content_alone() -> None:
    ledger = msgspec.structs.replace(TRIAL.ledger, failed=("00", SHA_TWO))
    good, _ = step(replace(TRIAL, ledger=ledger), Arrived(payload=FLEET.confirmation(1, SHA_TWO)), at())
    assert good.ledger.failed == ("00",)


def test_the_same_retained_message_again_changes_nothing() -> None:
    for state in (TRIAL, step(TRIAL, Booted(), at())[0]):
        assert step(state, Arrived(payload=SENT_TWO), at()) == (state, ())


def test_same_content_under_a_newer_version_needs_no_trial() -> None:
    state, commands = step(GOOD, Arrived(payload=FLEET.configuration(5, ONE)), at())
    assert kinds(commands) == [SaveLedger, Report]
    assert state.ledger.good.version == 5


@pytest.mark.parametrize(
    ("payload", "counter"),
    [
        (b"", "malformed"),
        (b"\x93\x01\x02\x03", "malformed"),
        (bytes(256 * 1024 + 1), "too_large"),
        (OTHER.configuration(2, TWO), "bad_signature"),
        (SENT_TWO[:-1] + bytes([SENT_TWO[-1] ^ 1]), "bad_signature"),
        (FLEET.configuration(2, TWO, device="0016c001f12a3b4d"), "foreign"),
        (FLEET.configuration(2, TWO, expires_at_us=1_000), "expired"),
        (FLEET.envelope(EnvelopeKind.COMMAND, 2, b""), "wrong_kind"),
        (FLEET.envelope(EnvelopeKind.CONFIGURATION, 2, b"{}"), "schema"),
        (FLEET.envelope(EnvelopeKind.CONFIGURATION, 2, encode_configuration(TWO)[:-1]), "schema"),
    ],
)
def test_each_kind_of_bad_envelope_is_refused_counted_and_told(payload: bytes, counter: str) -> None:
    state, commands = step(GOOD, Arrived(payload=payload), at())
    assert dict(state.counts) == {counter: 1}
    assert state.ledger.good == GOOD.ledger.good
    assert state.ledger.trial is None
    assert Report in kinds(commands)
    assert Apply not in kinds(commands)
    assert reported(state, at().utc_us).state is ConfigState.REFUSED
    assert reported(state, at().utc_us).why is not None


def test_what_a_broker_gives_back_after_a_newer_version_changes_nothing_and_is_counted() -> None:
    six, _ = step(GOOD, Arrived(payload=FLEET.configuration(6, ONE)), at())
    for payload in (SENT_TWO, FLEET.configuration(5, TWO), FLEET.configuration(5, TWO, retry=True)):
        state, commands = step(six, Arrived(payload=payload), at())
        assert (state.ledger, commands, dict(state.counts)) == (six.ledger, (), {"older": 1})
        assert reported(state, at().utc_us) == reported(six, at().utc_us)
    on_trial, _ = step(six, Arrived(payload=FLEET.configuration(7, TWO)), at())
    state, commands = step(on_trial, Arrived(payload=FLEET.configuration(5, ONE)), at())
    assert (state.ledger, commands) == (on_trial.ledger, ())


def test_going_back_on_purpose_is_a_newer_version_with_the_older_content() -> None:
    two, _ = step(TRIAL, Arrived(payload=FLEET.confirmation(1, SHA_TWO)), at())
    state, commands = step(two, Arrived(payload=FLEET.configuration(3, ONE)), at())
    assert Apply in kinds(commands)
    assert state.ledger.trial is not None
    assert state.ledger.trial.version == 3


def test_expiry_is_not_judged_by_an_untrusted_clock() -> None:
    late = FLEET.configuration(2, TWO, expires_at_us=1_000)
    state, _ = step(GOOD, Arrived(payload=late), at(trusted=False))
    assert state.ledger.trial is not None


def test_refusal_during_a_trial_does_not_end_it() -> None:
    state, commands = step(TRIAL, Arrived(payload=b"?"), at())
    assert (state.ledger, commands) == (TRIAL.ledger, ())


def test_newer_configuration_replaces_a_trial() -> None:
    three = FLEET.configuration(3, configuration(fleet=FleetConfig(host="10.0.0.3", port=1, tls=False)))
    state, _ = step(TRIAL, Arrived(payload=three), at(5))
    assert state.ledger.trial is not None
    assert state.ledger.trial.version == 3
    assert state.ledger.good.version == 1


CAREFUL = configuration(permit_needed=True)
MOVED = configuration(
    connectors=(ConnectorConfig(name="lns", host="10.9.9.9", port=1700, contractual=True),),
    permit_needed=True,
)
SENT_MOVED = FLEET.configuration(2, MOVED)
SHA_MOVED = decode_envelope(SENT_MOVED).sha256
WAITING, _ = step(GOOD, Arrived(payload=SENT_MOVED), at(good=CAREFUL))


def test_change_of_service_waits_for_its_permit() -> None:
    state, commands = step(GOOD, Arrived(payload=SENT_MOVED), at(good=CAREFUL))
    assert kinds(commands) == [KeepEnvelope, SaveLedger, Report]
    assert reported(state, at().utc_us).state is ConfigState.WAITING
    assert state.ledger.runs.version == 1
    permit = FLEET.envelope(EnvelopeKind.PERMIT, 1, SHA_MOVED.encode(), expires_at_us=2_000)
    state, commands = step(state, Arrived(payload=permit), at(7, good=CAREFUL))
    assert kinds(commands) == [SaveLedger, Apply, Report]
    assert state.ledger.runs.version == 2
    assert state.trial_until_us == 7 + TRIAL_US


def test_change_of_intervals_needs_no_permit() -> None:
    quick = FLEET.configuration(2, configuration(permit_needed=True, intervals=Intervals(stat_s=5)))
    state, _ = step(GOOD, Arrived(payload=quick), at(good=CAREFUL))
    assert state.ledger.trial is not None


@pytest.mark.parametrize(
    "permit",
    [
        FLEET.envelope(EnvelopeKind.PERMIT, 1, SHA_TWO.encode()),
        FLEET.envelope(EnvelopeKind.PERMIT, 1, SHA_MOVED.encode(), expires_at_us=1_000),
        FLEET.envelope(EnvelopeKind.PERMIT, 0, SHA_MOVED.encode()),
        OTHER.envelope(EnvelopeKind.PERMIT, 1, SHA_MOVED.encode()),
    ],
)
def test_no_other_permit_ends_the_waiting(permit: bytes) -> None:
    state, commands = step(WAITING, Arrived(payload=permit), at(good=CAREFUL, trusted=False))
    assert state.ledger.waiting is not None
    assert Apply not in kinds(commands)


def test_waiting_survives_a_boot() -> None:
    assert step(WAITING, Booted(), at(good=CAREFUL)) == (WAITING, ())


def test_going_back_to_what_runs_ends_the_waiting() -> None:
    state, _ = step(WAITING, Arrived(payload=FLEET.configuration(3, ONE)), at(good=CAREFUL))
    assert (state.ledger.waiting, state.waiting) == (None, None)
