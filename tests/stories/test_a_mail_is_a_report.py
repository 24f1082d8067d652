import io
import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from fastapi.testclient import TestClient

from fleet.cli import commands
from fleet.cli import main as cli
from fleet.durations import DAY_US
from fleet.intake import mail_in
from fleet.intake.mail_in import hook_token
from fleet.intake.report_mail import MAIL_LIMIT_BYTES, mail_key
from fleet.intake.tables import report_mails
from fleet.shift import log as shift
from fleet.tickets.model import Origin
from tests.golden.files import GOLDEN
from tests.stories.pages import client_of
from tests.stories.world import MINUTE, World, paris
from tests.unit.fleet.intake.test_report_mail import PHONE

RECEIVED = paris("2026-11-22 02:15:00")


def post(world: World, text: str = PHONE, token: str = "") -> tuple[int, object]:
    client: TestClient = client_of(world)
    address = f"/api/v1/mail/{token or hook_token(b's' * 32)}"
    answer = client.post(address, content=text.encode("utf-8", "surrogateescape"))
    return answer.status_code, answer.json()


def test_it_is_a_ticket_whose_clock_runs_from_its_arrival(azay: World) -> None:
    azay.pass_time(10 * MINUTE)
    assert post(azay) == (202, {"new": True})
    azay.cycle()
    ticket = azay.ticket()
    assert (ticket.origin, ticket.reported_at_us) == (Origin.MAIL, RECEIVED)
    assert (ticket.commune_insee, ticket.caller) == ("37015", "Mairie d'Azay <mairie@azay.fr>")
    assert azay.postman.taken[0].address == "anne@example.fr"


def test_delivered_twice_it_is_one_ticket(azay: World) -> None:
    azay.pass_time(10 * MINUTE)
    post(azay)
    assert post(azay) == (202, {"new": False})
    azay.cycle()
    post(azay)
    azay.cycle()
    assert azay.trail().count("Report") == 1
    assert azay.trail().count("Note") == 0


def test_about_a_loss_that_is_known_it_joins_and_its_time_counts(azay: World) -> None:
    azay.pass_time(2 * MINUTE)
    azay.lose("a1")
    azay.pass_time(3 * MINUTE)
    assert azay.ticket().reported_at_us > RECEIVED
    post(azay)
    azay.cycle()
    assert azay.ticket().reported_at_us == RECEIVED
    assert "Note" in azay.trail()


def test_without_a_commune_it_waits_on_the_main_courante(azay: World) -> None:
    azay.pass_time(10 * MINUTE)
    post(azay, PHONE.replace("+37015", "").replace("<1@azay>", "<3@x>"))
    azay.cycle()
    with azay.reading() as connection:
        (entry,) = shift.open_entries(connection)
    assert "sans commune reconnue" in entry.text
    assert "Plus aucun relevé" in entry.text


def test_two_communes_wait_there_too_with_the_mail_as_it_came(azay: World) -> None:
    text = PHONE.replace("+37015", "").replace("Azay", "X").replace("Plus aucun", "\x00 <script> Plus aucun")
    azay.pass_time(10 * MINUTE)
    post(azay, text)
    azay.cycle()
    with azay.reading() as connection:
        (entry,) = shift.open_entries(connection)
    answer = client_of(azay).get(f"/main-courante/courriels/{entry.mail_key}.eml")
    assert (answer.status_code, answer.content) == (200, text.encode())
    assert answer.headers["content-disposition"].startswith("attachment")
    assert client_of(azay).get(f"/main-courante/courriels/{'0' * 64}.eml").status_code == 404


@pytest.mark.parametrize("text", ["nonsense", "From: \udcff", "Content-Type: multipart/mixed\n\nx", "\x00"])
def test_what_cannot_be_read_is_kept_and_somebody_looks(azay: World, text: str) -> None:
    assert post(azay, text) == (202, {"new": True})
    azay.cycle()
    with azay.reading() as connection:
        (entry,) = shift.open_entries(connection)
        assert mail_in.raw_mail(connection, entry.mail_key) == text.encode("utf-8", "surrogateescape")


def test_a_mail_whose_reader_died_is_on_the_main_courante(azay: World) -> None:
    raw, now_us = PHONE.encode(), azay.clock.at_us
    row = {"key": mail_key(raw), "raw": raw, "sender": "", "recipients": [], "subject": "", "text": ""}
    with azay.database.write() as connection:
        connection.execute(report_mails.insert().values(received_at_us=now_us, recorded_at_us=now_us, **row))
    azay.cycle()
    with azay.reading() as connection:
        assert shift.open_entries(connection) == ()
    azay.pass_time(2 * MINUTE)
    with azay.reading() as connection:
        (entry,) = shift.open_entries(connection)
    assert "illisible" in entry.text
    assert entry.mail_key == mail_key(raw)


def test_an_automatic_answer_is_kept_and_asks_nobody(azay: World) -> None:
    assert post(azay, f"Auto-Submitted: auto-replied\n{PHONE}") == (202, {"new": True})
    azay.cycle()
    with azay.reading() as connection:
        assert shift.open_entries(connection) == ()
        assert connection.execute(report_mails.select()).one().raw.startswith(b"Auto-Submitted")


def test_above_the_limit_the_server_keeps_them_and_comes_again(azay: World) -> None:
    rows = [
        {"key": f"{number}", "sender": "", "recipients": [], "subject": "", "text": "", "recorded_at_us": 0}
        | {"received_at_us": 0}
        for number in range(mail_in.WAITING_LIMIT_ROWS)
    ]
    with azay.database.write() as connection:
        connection.execute(report_mails.insert(), rows)
    assert post(azay)[0] == 503
    with azay.database.write() as connection:
        connection.execute(report_mails.delete().where(report_mails.c.key == "0"))
    assert post(azay)[0] == 202


def test_its_bytes_are_forgotten_after_their_time(azay: World) -> None:
    post(azay)
    azay.cycle()
    key, now_us = mail_key(PHONE.encode()), azay.clock.at_us
    with azay.database.write() as connection:
        assert mail_in.forget_raw(connection, now_us + mail_in.RAW_DAYS * DAY_US) == 0
        assert mail_in.raw_mail(connection, key) == PHONE.encode()
        assert mail_in.forget_raw(connection, now_us + mail_in.RAW_DAYS * DAY_US + 1) == 1
        assert mail_in.raw_mail(connection, key) is None


def test_an_empty_post_is_no_mail(azay: World) -> None:
    assert post(azay, " \n")[0] == 422


def test_a_foreign_address_does_not_exist(azay: World) -> None:
    assert post(azay, token="0" * 32)[0] == 404


def test_a_mail_server_pipes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "fleet"
    commands.init(folder, public_url="", broker="127.0.0.1:8883")

    def pipe(raw: bytes) -> int:
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(raw)))
        return cli.main(["report-mail", "--data", str(folder)])

    assert [pipe(PHONE.encode()), pipe(PHONE.encode())] == [0, 0]
    assert capsys.readouterr().out.split("\n")[:2] == ["kept", "known already"]
    outlook = (GOLDEN / "cases" / "02-outlook-message-id" / "outlook.eml").read_bytes()
    kept = [
        b"nonsense",
        f"Precedence: bulk\n{PHONE}".encode(),
        outlook,
        PHONE.encode() + b"a" * (MAIL_LIMIT_BYTES + 1),
    ]
    assert [pipe(raw) for raw in kept] == [0] * len(kept)
    assert pipe(b"") == os.EX_DATAERR
    (folder / "fleet.json").write_text("{")
    assert pipe(outlook) == os.EX_TEMPFAIL
