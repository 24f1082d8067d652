"""Roots that follow one another: files, crashes, ten virtual years in which every gateway gets in."""

import contextlib
import datetime as dt

import pytest
from cryptography import x509

from agent.identity import Identity
from fleet.durations import DAY_US, SECOND_US
from fleet.identity.authority import (
    Authority,
    check_request,
    found_authority,
    present_certificate,
    read_authority,
    revocation_list,
)
from fleet.identity.ends import read_credentials, renew_own
from fleet.identity.foundation import found_keys
from fleet.identity.keys import KeyFileError
from fleet.identity.roots import (
    HANDOVER_US,
    Roots,
    RootStep,
    forgotten,
    made,
    new_root,
    promoted,
    read_roots,
    write_roots,
)
from tests.unit.fleet.founded import EUIS, NOW_US

LIFE_DAYS = 6 * 365
"""Short enough for two successions in ten years."""
YEARS_DAYS = 10 * 365
LOOK_DAYS = 10
RENEWED_AFTER_DAYS = 30


def step(authority, now_us):
    """Do what the keeper does at a broker that lets coming roots in."""
    match authority.roots.next_step(now_us):
        case RootStep.MAKE:
            authority.roots = made(authority.roots, now_us)
        case RootStep.PROMOTE:
            authority.roots = promoted(authority.roots)
        case RootStep.FORGET:
            authority.roots = forgotten(authority.roots)


@pytest.mark.parametrize(
    ("day", "before", "coming", "due"),
    [
        (0, False, False, RootStep.NONE),
        (399, False, False, RootStep.NONE),
        (400, False, False, RootStep.MAKE),
        (400, True, False, RootStep.NONE),
        (0, False, True, RootStep.PROMOTE),
        (400, False, True, RootStep.PROMOTE),
        (599, True, False, RootStep.NONE),
        (600, True, False, RootStep.FORGET),
    ],
)
def test_what_is_due(day, before, coming, due):
    present = new_root(NOW_US, days=600)
    other = new_root(NOW_US, name="other", days=600)
    roots = Roots(present=present, before=other if before else None, coming=other if coming else None)
    assert roots.next_step(NOW_US + day * DAY_US) is due


def test_the_old_root_signs_the_brokers_certificate_until_shortly_before_its_end():
    old, new = new_root(NOW_US, days=700), new_root(NOW_US, name="new")
    roots = Roots(present=new, before=old)
    assert roots.of_servers(old.ends_us - HANDOVER_US - 1) is old
    assert roots.of_servers(old.ends_us - HANDOVER_US) is new


class Gateway:
    """An agent's identity; it renews when it is there, and is dark now and then."""

    def __init__(self, folder, eui, authority, now_us, dark_days=()):
        self.identity, self.order_pem = Identity(folder, eui=eui), authority.pem
        self.dark_days, self.eui = dark_days, eui
        self.take(authority, self.identity.csr_pem(), now_us)
        self.renewed_us = now_us

    def take(self, authority, csr_pem, now_us):
        issued = authority.issue_gateway(check_request(csr_pem, self.eui), self.eui, now_us)
        self.identity.accept(issued.pem, self.identity.believed(self.order_pem, authority.pem))
        self.identity.trust(self.order_pem)
        self.renewed_us = now_us

    def look(self, authority, day, now_us):
        """Return whether it is there; it renews first, over HTTPS, where that is due."""
        if any(first <= day < last for first, last in self.dark_days):
            return False
        if now_us - self.renewed_us >= RENEWED_AFTER_DAYS * DAY_US:
            request = self.identity.renewal(new_key=False)
            assert present_certificate(authority, request)
            self.take(authority, request.csr_pem, now_us)
        return True


def in_force(certificate, now_us):
    now = dt.datetime.fromtimestamp(now_us // SECOND_US, dt.UTC)
    return certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc


def chain_holds(certificate, roots, now_us):
    issuers = [one for one in roots if one.subject == certificate.issuer and in_force(one, now_us)]
    for issuer in issuers:
        certificate.verify_directly_issued_by(issuer)
    return bool(issuers) and in_force(certificate, now_us)


@pytest.mark.slow
def test_ten_years_two_successions_and_no_gap(tmp_path):
    keys = tmp_path / "keys"
    keys.mkdir()
    write_roots(keys, Roots(present=new_root(NOW_US, days=LIFE_DAYS)))
    authority = found_keys(tmp_path, broker_host="broker.example.fr", now_us=NOW_US).authority
    dark = [(day, day + 250) for day in range(100, YEARS_DAYS, 400)]
    gateways = [
        Gateway(tmp_path / "always", EUIS[0], authority, NOW_US),
        Gateway(tmp_path / "dark", EUIS[1], authority, NOW_US, dark),
        Gateway(tmp_path / "years", EUIS[2], authority, NOW_US, [(1_400, 2_300)]),
    ]
    steps, entries = [], 0
    for day in range(0, YEARS_DAYS, LOOK_DAYS):
        now_us, before = NOW_US + day * DAY_US, authority.roots
        step(authority, now_us)
        if authority.roots is not before:
            steps.append(day)
            write_roots(keys, authority.roots)
        renew_own(keys, authority, now_us)
        if day == 2_600:
            gateways.append(Gateway(tmp_path / "late", EUIS[0], authority, now_us))
        trusted = [root.certificate for root in authority.roots.trusted]
        own = [
            x509.load_pem_x509_certificate((keys / f"{name}.pem").read_bytes())
            for name in ("broker", "fleet")
        ]
        assert all(chain_holds(each, trusted, now_us) for each in own)
        for gateway in gateways:
            if not gateway.look(authority, day, now_us):
                continue
            mine = x509.load_pem_x509_certificate(gateway.identity.certificate_path.read_bytes())
            known = x509.load_pem_x509_certificates(gateway.identity.ca_path.read_bytes())
            assert chain_holds(mine, trusted, now_us), (gateway.identity.folder.name, day)
            assert chain_holds(own[0], known, now_us), (gateway.identity.folder.name, day)
            entries += 1
        assert min(one.ends_at_us for one in read_credentials(keys)) > now_us
    assert len(steps) == 2 * 2 + 1, steps
    assert entries > 2 * YEARS_DAYS // LOOK_DAYS


def test_a_gateway_believes_no_root_that_its_own_did_not_sign(tmp_path):
    ours = Authority(roots=Roots(present=new_root(NOW_US)))
    foreign = Authority(roots=made(Roots(present=new_root(NOW_US, name="foreign")), NOW_US))
    identity = Identity(tmp_path, eui=EUIS[0])
    assert identity.believed(ours.pem, foreign.pem) == ours.pem
    bare = Roots(present=ours.roots.present, coming=new_root(NOW_US, name="no link"))
    assert identity.believed(ours.pem, bare.pem) == ours.pem
    assert identity.believed(ours.pem, "rubbish") == ours.pem
    ours.roots = made(ours.roots, NOW_US)
    assert identity.believed(ours.roots.present.pem, ours.pem) != ours.roots.present.pem
    assert ours.roots.coming.pem in identity.believed(ours.roots.present.pem, ours.pem)


def test_the_files_are_read_as_they_were_written(tmp_path):
    authority = found_authority(tmp_path, NOW_US)
    for follow in (lambda roots: made(roots, NOW_US), promoted, forgotten):
        authority.roots = follow(authority.roots)
        write_roots(tmp_path, authority.roots)
        read = read_roots(tmp_path)
        assert [one.certificate for one in read.trusted] == [
            one.certificate for one in authority.roots.trusted
        ]
        assert read.pem == authority.pem
        assert read.present.key.public_key() == authority.key.public_key()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "ca-links.pem",
        "ca-past.pem",
        "ca.key",
        "ca.pem",
    ]


class PowerCut(Exception):
    pass


@pytest.mark.parametrize("follow", ["made", "promoted", "forgotten"])
def test_a_crash_between_two_renames_leaves_a_whole_authority(tmp_path, monkeypatch, follow):
    first = found_authority(tmp_path, NOW_US)
    roots = made(first.roots, NOW_US)
    before, after = {
        "made": (first.roots, roots),
        "promoted": (roots, promoted(roots)),
        "forgotten": (promoted(roots), forgotten(promoted(roots))),
    }[follow]
    for cut in range(9):
        for path in tmp_path.iterdir():
            path.unlink()
        write_roots(tmp_path, before)
        left = iter(range(cut))

        def counted(path, content, left=left):
            if next(left, None) is None:
                raise PowerCut
            path.write_bytes(content)

        with monkeypatch.context() as patch:
            patch.setattr("fleet.identity.roots.replace_file", counted)
            with contextlib.suppress(PowerCut):
                write_roots(tmp_path, after)
        read = read_authority(tmp_path)
        assert read.certificate in {before.present.certificate, after.present.certificate}
        issued = read.issue_gateway(
            check_request(Identity(tmp_path / "i", eui=EUIS[0]).csr_pem(), EUIS[0]), EUIS[0], NOW_US
        )
        assert read.signed(issued.certificate)
        for path in sorted((tmp_path / "i").iterdir()):
            path.unlink()
        (tmp_path / "i").rmdir()


def test_a_key_without_its_certificate_is_named(tmp_path):
    found_authority(tmp_path, NOW_US)
    (tmp_path / "ca.pem").write_text(new_root(NOW_US).pem)
    with pytest.raises(KeyFileError, match="no certificate of"):
        read_roots(tmp_path)


def test_each_root_has_its_list():
    authority = Authority(roots=made(Roots(present=new_root(NOW_US)), NOW_US))
    text = revocation_list(authority, (("abc", NOW_US),), NOW_US)
    assert text.count(b"BEGIN X509 CRL") == 2
