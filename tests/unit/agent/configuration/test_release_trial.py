"""A configuration on trial that wants another release: a boot as that one goes on, any other goes back."""

import asyncio
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from agent.configuration.boot import open_state
from agent.configuration.control import AskedRelease, ConfigurationControl
from agent.configuration.model import (
    Apply,
    ApplyGood,
    Arrived,
    Booted,
    Held,
    Ledger,
    SaveLedger,
    State,
    Tick,
)
from agent.configuration.report import reported
from agent.configuration.slots import Slots
from agent.configuration.step import Now, step
from agent.journal_port import MemoryJournal
from agent.wire import reasons
from agent.wire.configuration import (
    Configuration,
    ConfigurationError,
    ReleaseConfig,
    decode_configuration,
    encode_configuration,
    is_service_affecting,
)
from agent.wire.envelope import EnvelopeKind, decode_envelope
from agent.wire.messages import ConfigState
from tests.controlpath.virtual import EUI, SigningFleet, VirtualClock, VirtualReleases, configuration

FLEET = SigningFleet()
ONE = configuration()
ROOT = "0" * 64
TWO = configuration(release=ReleaseConfig(wanted="x", root_sha256=ROOT, trial_s=900))
SENT_TWO = FLEET.configuration(2, TWO)
TRIAL_US = 900_000_000
HERE = frozenset({"", "x"})


def at(
    release: str = "",
    monotonic_us: int = 0,
    *,
    releases: frozenset[str] = HERE,
    good: Configuration = ONE,
) -> Now:
    return Now(
        monotonic_us=monotonic_us,
        utc_us=1_000,
        utc_trusted=True,
        device=EUI,
        key=FLEET.public,
        release=release,
        releases=releases,
        good=good,
    )


@pytest.fixture
def slots(tmp_path: Path) -> Slots:
    """Slots as a power cut, or the restart into the release, leaves them in the middle of the trial."""
    made = Slots(tmp_path, device=EUI, key=FLEET.public)
    ledger = made.begin(FLEET.configuration(1, ONE))
    state, commands = step(State(ledger=ledger), Arrived(payload=SENT_TWO), at())
    assert Apply(configuration=TWO, sha256=decode_envelope(SENT_TWO).sha256) in commands
    made.keep("b", SENT_TWO)
    made.save(state.ledger)
    return made


def booted(slots: Slots) -> State:
    ledger = slots.ledger()
    assert ledger is not None
    assert ledger.trial is not None
    return State(ledger=ledger, trial=slots.load(ledger.trial))


def test_the_release_that_was_asked_for_goes_on_with_the_trial(slots: Slots) -> None:
    state, commands = step(booted(slots), Booted(), at("x", 7))
    assert state.ledger.trial is not None
    assert state.trial_until_us == TRIAL_US + 7
    assert [type(each).__name__ for each in commands] == ["Report"]


def test_any_other_release_goes_back_and_says_why(slots: Slots) -> None:
    state, commands = step(booted(slots), Booted(), at())
    assert (state.ledger.trial, state.trial) == (None, None)
    assert isinstance(commands[0], SaveLedger)
    assert not [each for each in commands if isinstance(each, ApplyGood)]
    assert state.ledger.why is not None
    assert state.ledger.why.values["cause"] == (reasons.release.not_running(name="x"),)


def test_the_proof_keeps_the_release_before_the_configuration(slots: Slots) -> None:
    state, _ = step(booted(slots), Booted(), at("x"))
    sha256 = decode_envelope(SENT_TWO).sha256
    state, commands = step(state, Arrived(payload=FLEET.confirmation(1, sha256)), at("x"))
    assert [type(each).__name__ for each in commands] == ["KeepRelease", "SaveLedger", "Report"]
    assert state.ledger.good.sha256 == sha256
    assert state.trial is None


def test_without_proof_the_good_configuration_and_with_it_its_release_come_back(slots: Slots) -> None:
    state, _ = step(booted(slots), Booted(), at("x"))
    assert step(state, Tick(), at("x", TRIAL_US - 1)) == (state, ())
    state, commands = step(state, Tick(), at("x", TRIAL_US))
    assert [type(each).__name__ for each in commands] == ["SaveLedger", "ApplyGood", "Report"]
    assert decode_envelope(SENT_TWO).sha256 in state.ledger.failed


def test_a_trial_without_another_release_goes_back_at_a_boot_as_ever(slots: Slots) -> None:
    state = replace(booted(slots), trial=configuration(metrics_port=9_000))
    state, _ = step(state, Booted(), at())
    assert state.ledger.why is not None
    assert state.ledger.why.values["cause"] == (reasons.configuration.restarted_on_trial(),)


@pytest.mark.parametrize(("release", "runs"), [("x", TWO), ("", ONE)])
def test_the_agent_begins_with_the_configuration_that_goes_on(
    slots: Slots, release: str, runs: object
) -> None:
    state, good, damage = open_state(slots, FLEET.order(ONE))
    assert (good, damage) == (ONE, None)
    releases = VirtualReleases(running=release, names=HERE)
    control = ConfigurationControl(
        state,
        good,
        slots=slots,
        clock=VirtualClock(),
        device=EUI,
        key=FLEET.public,
        apply=_apply,
        journal=MemoryJournal(VirtualClock()),
        changed=lambda: None,
        releases=releases,
    )
    assert control.running == runs
    assert control.reported().state is ConfigState.TRIAL
    asyncio.run(control.event(Booted()))
    confirmation = FLEET.confirmation(1, decode_envelope(SENT_TWO).sha256)
    asyncio.run(control.arrived(confirmation))
    assert releases.kept == (1 if release else 0)
    assert control.version == (2 if release else 1)


async def _apply(_: object) -> None:
    return None


def test_another_release_touches_the_service_and_a_download_does_not() -> None:
    assert is_service_affecting(ONE, TWO)
    assert not is_service_affecting(
        ONE, configuration(release=ReleaseConfig(fetch="x", root_sha256="0" * 64))
    )


LACKING = frozenset({""})
AT_US = 1_000


def waiting(good: Configuration = ONE) -> State:
    """Return the state of a gateway that got the configuration and has not the release."""
    sha256 = decode_envelope(FLEET.configuration(1, good)).sha256
    ledger = Ledger(good=Held(version=1, sha256=sha256, slot="a"), seen_version=1)
    state, commands = step(State(ledger=ledger), Arrived(payload=SENT_TWO), at(releases=LACKING, good=good))
    assert [type(each).__name__ for each in commands] == ["KeepEnvelope", "SaveLedger", "Report"]
    return state


def test_a_release_that_is_not_here_is_waited_for_and_no_permit_is_asked_for() -> None:
    state = waiting()
    told = reported(state, 1)
    assert (told.state, told.version, told.seen_version) == (ConfigState.FETCHING, 1, 2)
    assert told.why == reasons.release.being_fetched(name="x")
    assert step(state, Tick(), at(releases=LACKING)) == (state, ())
    state, commands = step(state, Tick(), at())
    assert [type(each).__name__ for each in commands] == ["SaveLedger", "Apply", "Report"]
    assert reported(state, 1).state is ConfigState.TRIAL


def test_a_permit_counts_only_once_the_release_is_here() -> None:
    good = configuration(permit_needed=True)
    state = waiting(good)
    permit = FLEET.envelope(
        EnvelopeKind.PERMIT, 1, decode_envelope(SENT_TWO).sha256.encode(), expires_at_us=2_000
    )
    early, commands = step(state, Arrived(payload=permit), at(releases=LACKING, good=good))
    assert dict(early.counts) == {"permits_nothing": 1}
    assert [type(each).__name__ for each in commands] == ["SaveLedger"]
    state, commands = step(early, Tick(), at(good=good))
    assert [type(each).__name__ for each in commands] == ["Report"]
    assert reported(state, 1).state is ConfigState.WAITING
    permit = FLEET.envelope(
        EnvelopeKind.PERMIT, 2, decode_envelope(SENT_TWO).sha256.encode(), expires_at_us=2_000
    )
    state, commands = step(state, Arrived(payload=permit), at(good=good))
    assert reported(state, 1).state is ConfigState.TRIAL


@pytest.mark.parametrize(("releases", "state_after"), [(LACKING, "FETCHING"), (HERE, "WAITING")])
def test_a_boot_knows_what_it_waits_for(releases: frozenset[str], state_after: str) -> None:
    state, commands = step(waiting(), Booted(), at(releases=releases))
    assert commands == ()
    assert reported(state, 1).state.name == state_after


def test_a_configuration_that_wants_no_other_release_waits_for_none() -> None:
    good = configuration(release=ReleaseConfig(wanted="gone", root_sha256=ROOT))
    sent = FLEET.configuration(2, replace_interval(good))
    sha256 = decode_envelope(FLEET.configuration(1, good)).sha256
    ledger = Ledger(good=Held(version=1, sha256=sha256, slot="a"), seen_version=1)
    state, _ = step(State(ledger=ledger), Arrived(payload=sent), at(releases=LACKING, good=good))
    assert reported(state, 1).state is ConfigState.TRIAL


def replace_interval(good: Configuration) -> Configuration:
    return msgspec.structs.replace(good, metrics_port=9_100)


@pytest.mark.parametrize("field", ["fetch", "wanted"])
def test_a_release_without_a_root_of_trust_is_refused(field: str) -> None:
    sent = encode_configuration(TWO).replace(ROOT.encode(), b"").replace(b'"wanted"', f'"{field}"'.encode())
    if field == "fetch":
        sent = sent.replace(b'"fetch":"",', b"", 1)
    with pytest.raises(ConfigurationError) as refused:
        decode_configuration(sent)
    assert "root_sha256" in str(refused.value)


def test_while_this_process_gives_way_no_heartbeat_proves_the_new_version(slots: Slots) -> None:
    state, good, _ = open_state(slots, FLEET.order(ONE))
    control = ConfigurationControl(
        replace(state, ledger=msgspec.structs.replace(state.ledger, trial=None), trial=None),
        good,
        slots=slots,
        clock=VirtualClock(),
        device=EUI,
        key=FLEET.public,
        apply=_apply,
        journal=MemoryJournal(VirtualClock()),
        changed=lambda: None,
        releases=VirtualReleases(names=HERE),
    )
    asyncio.run(control.arrived(FLEET.configuration(3, TWO)))
    assert control.reported().state is ConfigState.TRIAL
    assert control.version == 1


def test_what_asks_for_a_release_says_when_it_was_signed(slots: Slots) -> None:
    state, good, _ = open_state(slots, FLEET.order(ONE))
    control = ConfigurationControl(
        replace(state, ledger=msgspec.structs.replace(state.ledger, trial=None), trial=None),
        good,
        slots=slots,
        clock=VirtualClock(),
        device=EUI,
        key=FLEET.public,
        apply=_apply,
        journal=MemoryJournal(VirtualClock()),
        changed=lambda: None,
        releases=VirtualReleases(),
    )
    assert control.release_asked() == AskedRelease(release=ONE.release)
    asyncio.run(control.arrived(FLEET.configuration(3, TWO, issued_at_us=AT_US)))
    assert control.reported().state is ConfigState.FETCHING
    assert control.release_asked() == AskedRelease(release=TWO.release, is_waiting=True, signed_at_us=AT_US)
    (slots._folder / "b.envelope").write_bytes(b"torn")
    assert control.release_asked().signed_at_us == 0
