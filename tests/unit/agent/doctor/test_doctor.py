import contextlib
import os
import re
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from agent.cli import main
from agent.doctor.judge import Endpoint, Facts, judge
from agent.doctor.report import write_report
from agent.doctor.trouble import Severity, running
from agent.enrol.step import Outcome
from agent.health.usage import TrafficKind, why_stopped
from agent.identity import Identity
from agent.journal.journal import Journal
from agent.status.say import Lang
from agent.status.screen import render
from agent.status.status import ConnectorStatus
from agent.wire import reasons
from agent.wire.messages import TimeQuality
from agent.wire.order import encode_order
from agent.wire.reasons import Reason
from tests.controlpath.virtual import EUI, SigningFleet, VirtualClock, configuration, status

NOBODY = 65_534
GOOD = Facts(
    settings_error="",
    key_mode=0o600,
    disk_free_bytes=10**10,
    state_writable=True,
    enrolment=Outcome.ENROLLED,
    certificate_until_us=80 * 86_400_000_000,
    now_us=0,
    time_quality=TimeQuality.NTP,
    bus="spi:/dev/spidev0.0",
    bus_there=True,
    images="",
    endpoints=(Endpoint(what="Courtier MQTT", host="b", port=8883, resolved=True, reached=True),),
    status=None,
)


def wrong(facts: Facts) -> dict[str, Severity]:
    return {one.what: one.severity for one in judge(facts) if one.severity is not Severity.GOOD}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {}),
        ({"settings_error": "missing"}, {"Réglages": Severity.WRONG}),
        ({"key_mode": 0o644}, {"Clé privée": Severity.WRONG}),
        ({"disk_free_bytes": 199_999_999}, {"Disque": Severity.WATCH}),
        ({"state_writable": False}, {"Dossier d’état": Severity.WRONG}),
        ({"certificate_until_us": None, "enrolment": Outcome.USED}, {"Enrôlement": Severity.WRONG}),
        ({"certificate_until_us": None, "enrolment": None}, {"Enrôlement": Severity.WATCH}),
        ({"certificate_until_us": 0}, {"Certificat": Severity.WRONG}),
        ({"certificate_until_us": 19 * 86_400_000_000}, {"Certificat": Severity.WATCH}),
        ({"time_quality": TimeQuality.UNTRUSTED}, {"Heure": Severity.WATCH}),
        ({"bus_there": False}, {"Bus du concentrateur": Severity.WRONG}),
        ({"images": "missing"}, {"Microcode": Severity.WRONG}),
        (
            {"endpoints": (Endpoint(what="LNS", host="b", port=1, resolved=False, reached=None),)},
            {"LNS": Severity.WRONG},
        ),
        (
            {"endpoints": (Endpoint(what="LNS", host="b", port=1, resolved=True, reached=False),)},
            {"LNS": Severity.WRONG},
        ),
        ({"endpoints": (Endpoint(what="LNS", host="b", port=1, resolved=True, reached=None),)}, {}),
    ],
)
def test_each_trouble_is_found_with_a_remedy(
    changes: dict[str, object], expected: dict[str, Severity]
) -> None:
    fields = {name: getattr(GOOD, name) for name in Facts.__slots__}
    facts = Facts(**(fields | changes))  # type: ignore[arg-type]
    assert wrong(facts) == expected | {"Agent": Severity.WRONG}
    assert all(one.remedy for one in judge(facts) if one.severity is not Severity.GOOD)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    order = SigningFleet().order(configuration(), token="SECRET-TOKEN-0123456789")
    folder = tmp_path / "state"
    folder.mkdir()
    (folder / "settings.json").write_bytes(encode_order(order))
    Identity(folder / "identity", eui=EUI)
    Journal(folder / "journal", boot=1, clock=VirtualClock()).stop(reasons.ending.asked_to_stop())
    return folder


def test_the_bundle_holds_no_secret(state: Path, tmp_path: Path) -> None:
    names = write_report(state, tmp_path / "r.tar.gz", VirtualClock())
    assert {"doctor.json", "journal.json", "settings.json"} <= set(names)
    with tarfile.open(tmp_path / "r.tar.gz") as bundle:
        content = b"".join(bundle.extractfile(member).read() for member in bundle)  # type: ignore[union-attr]
    assert b"SECRET-TOKEN" not in content
    assert b"PRIVATE KEY" not in content
    key = (state / "identity" / "key.pem").read_bytes().splitlines()[1]
    assert key not in content
    assert b"STARTED" in content


def test_the_commands_answer_in_french(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--state", str(state)]) == 1
    assert "ne tourne pas" in capsys.readouterr().out
    assert main(["status", "--state", str(state)]) == 1
    assert "ARRÊTÉ" in capsys.readouterr().out
    assert main(["config", "--schema"]) == 0
    assert msgspec.json.decode(capsys.readouterr().out)
    assert main(["config", "--explain"]) == 2
    assert main(["doctor", "--state", str(state / "no")]) == 2
    assert main(["status", "--state", str(state / "no")]) == 2


TROUBLED = status(
    radio="DEAF",
    radio_reason=reasons.radio.counter_still(),
    spool_accepting=False,
    link_online=False,
    link_reason=reasons.link.no_answer(limit_s=15.0),
    power="UNDER_VOLTAGE",
    month={"month_used_percent": 93.0},
    month_stopped=why_stopped(frozenset({TrafficKind.BULK})),
    vitals={"temperature_c": 90},
    connectors=(
        ConnectorStatus(name="lns", up=False, reason=reasons.lns.no_answer(), queued=7, answer_age_ms=-1),
    ),
)


@pytest.mark.parametrize("lang", list(Lang))
def test_the_running_agent_s_troubles_are_found_with_a_remedy(lang: Lang) -> None:
    found = [one for one in running(TROUBLED, lang) if one.severity is not Severity.GOOD]
    assert len(found) == 7
    assert all(one.remedy and one.detail for one in found)
    foreign = reasons.radio.other_gateway(chip_eui="0016c001ffffffff", order_eui="0016c001f12a3b4c")
    (refused, *_) = [one for one in running(status(radio="OFF", radio_reason=foreign), lang) if one.remedy]
    assert "0016c001ffffffff" in refused.detail
    wrong = [one for one in running(status(unbalanced=3), lang) if one.severity is Severity.WRONG]
    assert ["3" in one.detail for one in wrong] == [True]
    card = reasons.card.read_only_left(left_mb=80)
    (worn,) = [one for one in running(status(card=card), lang) if one.severity is Severity.WRONG]
    assert "80" in worn.detail
    assert "80" in render(status(card=card), lang)
    suspected = running(
        status(hearing=(reasons.hearing.test_frames_missed(missed_tests=2, sender="X", heard_tests=3),)), lang
    )
    assert [one.severity for one in suspected].count(Severity.WATCH) == 1


@pytest.mark.parametrize(
    ("end_to_end", "severity", "remedy"),
    [
        (reasons.lns.processed(latency_ms=250), Severity.GOOD, False),
        (reasons.lns.not_processed(missed_frames=2, period_s=300), Severity.WRONG, True),
    ],
)
def test_a_server_that_takes_frames_and_processes_none_is_found(
    end_to_end: Reason, severity: Severity, remedy: bool
) -> None:
    (found,) = (
        one for one in running(status(end_to_end=end_to_end), Lang.FR) if one.what.startswith("Traitement")
    )
    assert (found.severity, bool(found.remedy)) == (severity, remedy)
    assert "Bout en bout" in render(status(end_to_end=end_to_end))


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("chirpstack_mqtt", "subscribed"),
        ("semtech_udp", "a bridge would"),
        ("basics_station", "a bridge would"),
    ],
)
def test_an_answer_says_whose_it_is(kind: str, words: str) -> None:
    server = ConnectorStatus(
        name="lns", up=True, reason=reasons.lns.answers(), queued=0, answer_age_ms=5, kind=kind
    )
    details = [one.detail for one in running(status(connectors=(server,)), Lang.EN) if "lns" in one.what]
    assert [words in detail for detail in details] == [True]


def test_in_english_nothing_is_french() -> None:
    facts = [
        GOOD,
        replace(GOOD, settings_error="missing", key_mode=0o644, state_writable=False, disk_free_bytes=1),
        replace(GOOD, certificate_until_us=None, enrolment=Outcome.USED, bus_there=False, images="missing"),
        replace(GOOD, certificate_until_us=0, time_quality=TimeQuality.UNTRUSTED, status=TROUBLED),
    ]
    for one in (finding for each in facts for finding in judge(each, Lang.EN)):
        assert not re.search("[éèêàç’]", one.what + one.detail + one.remedy), one


SECRETS = ("s3cr3t-token", "s3cr3t-password", "s3cr3t-key", "s3cr3t-header", "s3cr3t-ledger")


def test_secrets_planted_everywhere_are_not_in_the_bundle(state: Path, tmp_path: Path) -> None:
    """The work order, the identity, files that a configuration names, and whatever else lies about."""
    order = SigningFleet().order(configuration(), token=SECRETS[0])
    (state / "settings.json").write_bytes(encode_order(order))
    (state / "identity" / "key-next.pem").write_text(SECRETS[2])
    (state / "identity" / "certificate-copy.pem").write_text(SECRETS[2])
    (state / "lns.token").write_text(f"Authorization: Bearer {SECRETS[3]}")
    (state / "cups").mkdir()
    (state / "cups" / "tc.key").write_text(SECRETS[3])
    (state / ".netrc").write_text(SECRETS[1])
    (state / "configuration").mkdir(exist_ok=True)
    (state / "configuration" / "slot-a").write_text(SECRETS[4])
    (state / "journal" / "lines.0").write_text("000000000001 info radio up\n")
    write_report(state, tmp_path / "r.tar.gz", VirtualClock())
    with tarfile.open(tmp_path / "r.tar.gz") as bundle:
        members = {member.name: bundle.extractfile(member).read() for member in bundle}  # type: ignore[union-attr]
    for secret in SECRETS:
        assert [name for name, content in members.items() if secret.encode() in content] == []
    key = (state / "identity" / "key.pem").read_bytes().splitlines()[1]
    assert not any(key in content for content in members.values())
    assert b"info radio up" in members["passerelle-report/lines.txt"]


@contextlib.contextmanager
def another_user(folder: Path) -> Iterator[None]:
    """Have no right to a folder: as root become nobody, else take the right away."""
    if os.geteuid() == 0:
        os.seteuid(NOBODY)
        yield
        os.seteuid(0)
    else:
        folder.chmod(0)
        yield
        folder.chmod(0o700)


@pytest.mark.parametrize("command", ["status", "doctor", "config", "report"])
def test_another_user_gets_a_sentence(
    state: Path, command: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    options = ["--output", str(tmp_path / "report.tar.gz")] if command == "report" else []
    main([command, "--state", str(state), *options])
    state.chmod(0o700)
    capsys.readouterr()
    with another_user(state):
        code = main([command, "--state", str(state), *options])
    said = capsys.readouterr()
    assert (code, said.out) == (2, "")
    assert "sudo" in said.err
