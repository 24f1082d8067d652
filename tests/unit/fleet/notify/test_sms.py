import stat
from pathlib import Path

import pytest

from fleet.notify.model import Channel, NotSent, Outgoing, Unconfirmed
from fleet.notify.settings import Channels
from fleet.notify.sms import inject, sms_sender
from tests.unit.fleet.notify.servers import serving


def outgoing(text: str = "CRITIQUE Azay") -> Outgoing:
    return Outgoing(
        id=1,
        key="page/1/sms",
        channel=Channel.SMS,
        address="+33612345678",
        subject="",
        text=text,
        html="",
        attempts=1,
        created_at_us=0,
    )


def send(server_url: str) -> str:
    channels = Channels(
        sms_url=server_url.replace("http://", "http://TOKEN@") + "/sms/jobs", sms_sender="VDL"
    )
    return sms_sender(channels)(outgoing(), 0)


def test_a_job_is_posted_with_its_key_and_the_number_comes_back() -> None:
    with serving(lambda _: (200, {"ids": [4711], "invalidReceivers": []})) as server:
        assert send(server.url) == "sms-4711"
    (seen,) = server.seen
    assert seen.json == {
        "receivers": ["+33612345678"],
        "message": "CRITIQUE Azay",
        "sender": "VDL",
        "tag": "page/1/sms",
    }
    assert (seen.headers["Authorization"], seen.headers["Idempotency-Key"]) == ("Bearer TOKEN", "page/1/sms")


@pytest.mark.parametrize(
    ("answer", "words", "final"),
    [
        ((200, {"ids": [], "invalidReceivers": ["+33612345678"]}), "refuses the number", True),
        ((200, b"<html>"), "no JSON", True),
        ((200, [1]), "no JSON", True),
        ((500, b"oops"), "500", False),
        ((401, b"who?"), "401", False),
        ((400, b"what?"), "400", True),
        ((302, b""), "302", False),
    ],
)
def test_each_failure_is_named_and_sorted(answer: tuple[int, object], words: str, final: bool) -> None:
    with serving(lambda _: answer) as server, pytest.raises(NotSent, match=words) as caught:
        send(server.url)
    assert caught.value.final is final


def test_a_gateway_that_takes_it_without_a_number_is_no_failure() -> None:
    with (
        serving(lambda _: (200, {"ids": []})) as server,
        pytest.raises(Unconfirmed, match="no number"),
    ):
        send(server.url)


def test_no_gateway_is_tried_again() -> None:
    with serving(lambda _: (200, {})) as server:
        url = server.url
    with pytest.raises(NotSent) as caught:
        send(url)
    assert not caught.value.final


def fake_modem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int = 0) -> Path:
    """Put a gammu on the path that writes down what it is told."""
    program = tmp_path / "gammu-smsd-inject"
    told = tmp_path / "told"
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >> {told}\necho "no modem" >&2\nexit {status}\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    return told


@pytest.mark.parametrize(("text", "unicode"), [("Église é", []), ("Île", ["-unicode"])])
def test_the_modem_gets_the_whole_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, unicode: list[str]
) -> None:
    told = fake_modem(tmp_path, monkeypatch)
    inject(outgoing(text), "/etc/gammu-smsdrc")
    wanted = ["-c", "/etc/gammu-smsdrc", "TEXT", "+33612345678", *unicode]
    assert told.read_text().split("\n")[:-1] == [*wanted, "-len", str(len(text)), "-textutf8", text]


def test_a_modem_that_refuses_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_modem(tmp_path, monkeypatch, status=1)
    with pytest.raises(NotSent, match="no modem"):
        inject(outgoing(), "/etc/gammu-smsdrc")


def both(url: str) -> str:
    channels = Channels(sms_url=url, sms_backup_url="gammu:/etc/gammu-smsdrc")
    return sms_sender(channels)(outgoing(), 0)


def test_a_gateway_that_fails_hands_over_to_the_modem_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = fake_modem(tmp_path, monkeypatch)
    with serving(lambda _: (503, b"down")) as server:
        both(server.url)
        assert told.exists()
        told.unlink()
        server.answer = lambda _: (200, {"ids": [1]})
        assert both(server.url) == "sms-1"
    assert not told.exists()


def test_a_number_that_is_refused_is_not_tried_on_the_modem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = fake_modem(tmp_path, monkeypatch)
    refused = {"ids": [], "invalidReceivers": ["+33612345678"]}
    with serving(lambda _: (200, refused)) as server, pytest.raises(NotSent, match="refuses the number"):
        both(server.url)
    assert not told.exists()


def test_what_may_have_taken_it_is_not_asked_again_when_the_backup_fails_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_modem(tmp_path, monkeypatch, status=1)
    with serving(lambda _: (200, b"<html>")) as server, pytest.raises(NotSent, match="no JSON") as caught:
        both(server.url)
    assert caught.value.final


def test_both_ways_down_names_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_modem(tmp_path, monkeypatch, status=1)
    with (
        serving(lambda _: (503, b"down")) as server,
        pytest.raises(NotSent, match="503 down; then the backup: gammu-smsd-inject: no modem") as caught,
    ):
        both(server.url)
    assert not caught.value.final


def test_a_modem_that_is_not_there_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotSent, match="apt install gammu-smsd"):
        inject(outgoing(), "/etc/gammu-smsdrc")


def test_a_modem_that_cannot_be_started_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "gammu-smsd-inject").write_bytes(b"\x7fELF of another machine")
    (tmp_path / "gammu-smsd-inject").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotSent, match="Exec format error") as caught:
        inject(outgoing(), "/etc/gammu-smsdrc")
    assert not caught.value.final
