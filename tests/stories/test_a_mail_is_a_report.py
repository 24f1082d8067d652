import io
import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from fastapi.testclient import TestClient

from fleet.cli import commands
from fleet.cli import main as cli
from fleet.intake.mail_in import hook_token
from fleet.shift import log as shift
from fleet.tickets.model import Origin
from tests.stories.pages import client_of
from tests.stories.world import MINUTE, World, paris
from tests.unit.fleet.intake.test_report_mail import PHONE

RECEIVED = paris("2026-11-22 02:15:00")


def post(world: World, text: str = PHONE, token: str = "") -> tuple[int, object]:
    client: TestClient = client_of(world)
    address = f"/api/v1/mail/{token or hook_token(b's' * 32)}"
    answer = client.post(address, content=text.encode())
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


@pytest.mark.parametrize(("text", "status"), [("nonsense", 422), (f"Precedence: bulk\n{PHONE}", 422)])
def test_what_is_no_report_is_refused(azay: World, text: str, status: int) -> None:
    assert post(azay, text)[0] == status


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
    assert pipe(b"nonsense") == os.EX_DATAERR
    assert pipe(f"Precedence: bulk\n{PHONE}".encode()) == 0
