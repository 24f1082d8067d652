"""Seals are stamped by an authority (RFC 3161), verified by `fleet check`; its failures stop nothing."""

import hashlib
import io
import subprocess
import zipfile
from types import SimpleNamespace

import pytest
from sqlalchemy import update

from fleet.durations import MINUTE_US
from fleet.errors import SettingsError
from fleet.facts.settings import DEFAULTS
from fleet.months.check_store import check_month
from fleet.months.stamping import (
    ANSWER_LIMIT_BYTES,
    WAIT_LIMIT_US,
    Stamper,
    Unstamped,
    due,
    stamp_of,
    wait_us,
)
from fleet.months.tables import month_timestamps, month_versions
from fleet.months.timestamp import ATTEMPTS_LIMIT, read_authority
from fleet.months.versions import newest_version
from fleet.reports.store import contest_bundle, monthly_report
from fleet.reports.terms import DEFAULT_TERMS
from tests.unit.fleet.founded import StandingClock
from tests.unit.fleet.months.authority import StampAuthority
from tests.unit.fleet.months.closed import CLOSED_US, MONTH, closed_month


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    authority = StampAuthority(tmp_path_factory.mktemp("stamps") / "authority")
    with authority.serving() as url:
        yield SimpleNamespace(authority=authority, url=url, ca=str(authority.ca))


@pytest.fixture
def bench(tmp_path, server):
    server.authority.status, server.authority.content = 200, None
    database, clock = closed_month(tmp_path), StandingClock(CLOSED_US)
    authority = read_authority(server.url, server.ca)
    stamper = Stamper(database, clock, authority)
    yield SimpleNamespace(database=database, clock=clock, stamper=stamper, authority=authority)
    database.close()


def stamp(bench):
    with bench.database.read() as connection:
        return stamp_of(connection, MONTH, 1)


def findings(bench, authority):
    with bench.database.read() as connection:
        found = check_month(connection, MONTH, DEFAULTS, now_us=CLOSED_US, authority=authority)
        return [(one.what, one.is_fault) for one in found]


def test_a_seal_is_stamped_once_and_checks(bench):
    assert findings(bench, bench.authority) == [("unstamped", False)]
    assert findings(bench, None) == []
    assert bench.stamper.look() is True
    assert bench.stamper.look() is None
    assert findings(bench, bench.authority) == []
    assert findings(bench, None) == [("timestamp", True)]


def test_anybody_verifies_it_with_openssl(bench, server, tmp_path):
    assert bench.stamper.look() is True
    with bench.database.read() as connection:
        (tmp_path / "seal.txt").write_text(newest_version(connection, MONTH).seal)
    (tmp_path / "sceau.tsr").write_bytes(stamp(bench)["response"])
    verify = ["openssl", "ts", "-verify", "-data", "seal.txt", "-in", "sceau.tsr", "-CAfile", server.ca]
    assert subprocess.run(verify, cwd=tmp_path, check=True, capture_output=True).returncode == 0


def bundle(bench):
    with bench.database.read() as connection:
        content = contest_bundle(connection, MONTH, DEFAULTS, CLOSED_US, DEFAULT_TERMS, epci="")
        archive = zipfile.ZipFile(io.BytesIO(content))
        return archive, newest_version(connection, MONTH)


def test_a_member_verifies_the_stamp_of_its_bundle_as_the_bundle_says(bench, server, tmp_path):
    assert bench.stamper.look() is True
    archive, version = bundle(bench)
    archive.extractall(tmp_path)
    assert hashlib.sha256((tmp_path / "scelle.txt").read_bytes()).hexdigest() == version.seal
    assert (tmp_path / "scelle.txt").read_text().split()[:3] == [MONTH, "1", version.hash]
    (tmp_path / "AUTORITE.pem").write_bytes(server.authority.ca.read_bytes())
    words = (tmp_path / "LISEZMOI.txt").read_text()
    assert version.seal in words
    command = next(line.strip() for line in words.splitlines() if "openssl" in line)
    assert subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True).returncode == 0
    (tmp_path / "sceau.txt").write_text("0" * 64)
    assert subprocess.run(command.split(), cwd=tmp_path, check=False, capture_output=True).returncode != 0


def test_a_bundle_without_a_stamp_says_so(bench):
    archive, version = bundle(bench)
    assert "sceau.tsr" not in archive.namelist()
    assert archive.read("sceau.txt").decode() == version.seal
    assert "Aucune autorité n’a horodaté ce sceau" in archive.read("LISEZMOI.txt").decode()


def test_the_report_says_who_stamped_its_seal_and_when(bench):
    def words():
        with bench.database.read() as connection:
            report = monthly_report(connection, MONTH, DEFAULTS, CLOSED_US)
        return " ".join(report.sentences)

    assert "horodaté" not in words()
    bench.stamper.look()
    with bench.database.read() as connection:
        seal = newest_version(connection, MONTH).seal
    assert f"Sceau {seal}, horodaté (RFC 3161) par 127.0.0.1 le " in words()


def test_figures_changed_with_their_seal_do_not_check(bench):
    """Who holds the database can make a new seal, not a new stamp."""
    bench.stamper.look()
    with bench.database.write() as connection:
        version = newest_version(connection, MONTH)
        figures = version.figures | {"whole": version.figures["whole"] | {"served": 1}}
        connection.execute(update(month_versions).values(figures=figures))
    assert ("timestamp", True) in findings(bench, bench.authority)


def test_a_stamp_of_another_authority_does_not_check(bench, server, tmp_path):
    bench.stamper.look()
    other = StampAuthority(tmp_path / "other", name="somebody")
    assert findings(bench, read_authority(server.url, str(other.ca))) == [("timestamp", True)]


def test_a_time_written_beside_the_stamp_does_not_count(bench):
    bench.stamper.look()
    with bench.database.write() as connection:
        connection.execute(update(month_timestamps).values(stamped_at_us=CLOSED_US))
    assert findings(bench, bench.authority) == [("timestamp", True)]


@pytest.mark.parametrize(
    ("status", "content", "error"),
    [
        (503, b"", "HTTP 503"),
        (200, b"<html>", "ValueError"),
        (200, bytes(ANSWER_LIMIT_BYTES + 1), "more than 65536 bytes"),
    ],
)
def test_an_answer_that_proves_nothing_is_noted_and_asked_again(bench, server, status, content, error):
    server.authority.status, server.authority.content = status, content
    assert bench.stamper.look() is False
    assert (stamp(bench)["attempts"], stamp(bench)["response"]) == (1, None)
    assert error in stamp(bench)["error"]
    assert findings(bench, bench.authority) == [("unstamped", False)]
    server.authority.status, server.authority.content = 200, None
    bench.clock.now += MINUTE_US - 1
    assert bench.stamper.look() is None
    bench.clock.now += 1
    assert bench.stamper.look() is True
    assert (stamp(bench)["attempts"], stamp(bench)["error"]) == (2, "")


def test_an_old_answer_is_none_to_a_new_request(bench, server):
    """The nonce of the request is in its answer."""
    bench.stamper.look()
    server.authority.content = stamp(bench)["response"]
    with bench.database.write() as connection:
        connection.execute(month_timestamps.delete())
    assert bench.stamper.look() is False
    assert "Nonce" in stamp(bench)["error"]


def test_an_authority_that_is_away_is_given_up_at_the_limit(bench, server):
    away = read_authority("http://127.0.0.1:1/tsr", server.ca)
    stamper = Stamper(bench.database, bench.clock, away)
    for _ in range(ATTEMPTS_LIMIT - 1):
        assert stamper.look() is False
        bench.clock.now += WAIT_LIMIT_US
    assert findings(bench, away) == [("unstamped", False)]
    assert stamper.look() is False
    bench.clock.now += WAIT_LIMIT_US
    assert stamper.look() is None
    assert findings(bench, away) == [("timestamp", True)]


def test_waits_double_up_to_their_limit_and_the_newest_month_goes_first():
    waits = [wait_us(attempts) for attempts in range(12)]
    assert waits[:4] == [0, MINUTE_US, 2 * MINUTE_US, 4 * MINUTE_US]
    assert waits[9:] == [256 * MINUTE_US, WAIT_LIMIT_US, WAIT_LIMIT_US]
    some = [
        Unstamped(month=month, number=1, seal="s", attempts=attempts, tried_at_us=0)
        for month, attempts in (("2026-08", 0), ("2026-09", 0), ("2026-10", 1))
    ]
    assert due(some, 0).month == "2026-09"
    assert due(some[2:], MINUTE_US - 1) is None


def test_settings_that_cannot_be_used_are_refused(tmp_path, server):
    assert read_authority("", "") is None
    for url, ca in (("ftp://x", server.ca), (server.url, ""), (server.url, str(tmp_path / "no.pem"))):
        with pytest.raises(SettingsError, match="timestamp_"):
            read_authority(url, ca)
    signer = str(server.authority.folder / "signer.pem")
    with pytest.raises(SettingsError, match="no root"):
        read_authority(server.url, signer)
