"""Certificates of our own over ten virtual years: never past their end, always of our authority."""

import msgspec
import pytest
from cryptography import x509

from fleet.durations import DAY_US
from fleet.identity.authority import SERVER_DAYS
from fleet.identity.ends import (
    OWN,
    Credential,
    DeclaredEnds,
    Ending,
    due,
    endings,
    read_credentials,
    renew_own,
)
from fleet.identity.foundation import found_keys
from tests.unit.fleet.founded import NOW_US

YEARS_DAYS = 10 * 365


def test_ten_years_of_looks_keep_every_certificate_in_force(tmp_path):
    founded = found_keys(tmp_path, broker_host="broker.example.fr", now_us=NOW_US)
    keys, renewals = tmp_path / "keys", 0
    before = {name: x509.load_pem_x509_certificate((keys / f"{name}.pem").read_bytes()) for name in OWN}
    for day in range(0, YEARS_DAYS, 5):
        now_us = NOW_US + day * DAY_US
        renewals += len(renew_own(keys, founded.authority, now_us))
        for each in read_credentials(keys):
            assert each.begins_at_us < now_us
            assert each.ends_at_us - now_us > SERVER_DAYS * DAY_US * 2 // 3 - 6 * DAY_US
    assert renewals == 2 * (YEARS_DAYS // (SERVER_DAYS // 3 + 5))
    for name in OWN:
        newest = x509.load_pem_x509_certificate((keys / f"{name}.pem").read_bytes())
        newest.verify_directly_issued_by(founded.authority.certificate)
        assert newest.public_key() == before[name].public_key()
        assert newest.subject == before[name].subject
        for kind in (x509.ExtendedKeyUsage, x509.KeyUsage):
            assert newest.extensions.get_extension_for_class(kind) == before[
                name
            ].extensions.get_extension_for_class(kind)
    newest = x509.load_pem_x509_certificate((keys / "broker.pem").read_bytes())
    assert names_of(newest) == names_of(before["broker"])


def names_of(certificate):
    return set(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)


def credential(ends_at_us, name="ca"):
    return Credential(name=name, begins_at_us=0, ends_at_us=ends_at_us, renews_itself=False)


@pytest.mark.parametrize(
    ("days", "step"), [(61, None), (60, None), (59, 60), (30, 60), (29, 30), (7, 30), (6, 7), (0, 7), (-3, 7)]
)
def test_an_end_is_told_at_sixty_thirty_and_seven_days(days, step):
    found = endings([credential(NOW_US + days * DAY_US)], NOW_US)
    ends_at_us = NOW_US + days * DAY_US
    expected = Ending(name="ca", days_left=days, ends_at_us=ends_at_us, told_at_days=step or 0)
    assert found == (() if step is None else (expected,))


def test_the_soonest_end_comes_first():
    soon, late = credential(NOW_US + 2 * DAY_US, "soon"), credential(NOW_US + 20 * DAY_US, "late")
    assert [each.name for each in endings([late, soon], NOW_US)] == ["soon", "late"]


@pytest.mark.parametrize(("now_us", "is_due"), [(299, False), (300, True), (301, True)])
def test_a_third_of_its_life(now_us, is_due):
    assert due(credential(900), now_us) is is_due


def test_ends_that_only_people_know_are_declared_as_days():
    declared = DeclaredEnds(smtp="2027-03-01")
    (smtp,) = declared.credentials()
    assert (smtp.name, endings([smtp], smtp.ends_at_us - 3 * DAY_US)[0].ends_on) == ("smtp", "2027-03-01")
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"smtp": "1 mars 2027"}, DeclaredEnds)
