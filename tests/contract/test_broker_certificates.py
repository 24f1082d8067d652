"""The certificates of broker and fleet while years go by: renewed under open sessions, good at their time.

The field's case is « broker's certificate » of ``tests/golden/cases/README.md``.
"""

import os
import shutil
import signal
import ssl
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from demo.ports import free_port
from fleet.broker.address import Broker as Address
from fleet.broker.inbox import Inbox
from fleet.broker.link import BrokerLink
from fleet.clock import SystemClock
from fleet.durations import DAY_US
from fleet.identity.authority import check_request
from fleet.identity.ends import certificate_serial, renew_own
from fleet.identity.foundation import found_keys, write_broker_files
from fleet.identity.keeper import Keeper
from fleet.identity.keys import pem_of
from fleet.identity.revocation import BrokerDoor
from fleet.identity.roots import (
    AUTHORITY_DAYS,
    Roots,
    RootStep,
    forgotten,
    made,
    new_root,
    promoted,
    write_roots,
)
from tests.contract.test_broker_rights import MOSQUITTO, WAIT_S, Broker
from tests.unit.fleet.founded import EUIS
from tests.unit.fleet.identity.certificates import csr_of

ROOT = Path(__file__).parents[2]
FAKETIME = shutil.which("faketime")
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed: apt-get install mosquitto"),
]


@pytest.fixture
def broker(tmp_path):
    broker = Broker(tmp_path, founded_ago_us=300 * DAY_US)
    yield broker
    broker.stop()


def keeper_of(broker, **chosen):
    address = Address(host="127.0.0.1", port=broker.port, tls=True)
    door = BrokerDoor(broker=address, files=broker.files, authority=broker.keys.authority)
    return Keeper(broker.database, door, SystemClock(), **chosen)


def test_a_third_of_their_life_later_both_are_renewed_and_no_session_ends(broker):
    keys, clock = broker.folder / "keys", SystemClock()
    old = {name: certificate_serial(keys / f"{name}.pem") for name in ("broker", "fleet")}
    gateway = broker.connect(broker.gateway(EUIS[0]), EUIS[0])
    link = BrokerLink(Address(host="127.0.0.1", port=broker.port, tls=True), keys, Inbox(), clock)
    link.start()
    try:
        until(lambda: link.connected)
        keeper = keeper_of(broker, renewed=link.use_renewed)
        keeper.round()
        assert keeper.trouble == ""
        new = {name: certificate_serial(keys / f"{name}.pem") for name in ("broker", "fleet")}
        assert not set(old.values()) & set(new.values())
        assert keeper._shown() == new["broker"]
        assert (link.connected, link.epoch, gateway.refused.is_set()) == (True, 1, False)
        keeper.round()
        assert certificate_serial(keys / "broker.pem") == new["broker"]
    finally:
        link.stop()


def test_nothing_is_renewed_by_a_clock_in_doubt(broker):
    path = broker.folder / "keys" / "broker.pem"
    before = certificate_serial(path)
    keeper_of(broker, clock_is_sure=lambda: False).round()
    assert certificate_serial(path) == before


def test_a_broker_that_keeps_its_old_certificate_is_trouble(broker):
    broker.files.pid.unlink()
    keeper = keeper_of(broker)
    keeper.round()
    assert "does not show" in keeper.trouble


LIFE_DAYS, AGE_DAYS = 600, 450
"""A root with three quarters of its life behind it: the next one is due."""


@pytest.fixture
def old_root(tmp_path):
    (tmp_path / "keys").mkdir()
    begins_us = SystemClock().now_us() - AGE_DAYS * DAY_US
    write_roots(tmp_path / "keys", Roots(present=new_root(begins_us, days=LIFE_DAYS)))
    broker = Broker(tmp_path)
    yield broker
    broker.stop()


def known_to(broker, text, pair):
    """The context of a gateway that knows some roots."""
    context = ssl.create_default_context(cadata=text)
    context.load_cert_chain(*pair)
    return context


def test_a_new_root_follows_and_nobody_is_out_meanwhile(old_root):
    broker, clock = old_root, SystemClock()
    first = broker.keys.authority.roots.present
    old_gateway = broker.gateway(EUIS[0])
    session = broker.connect(old_gateway, EUIS[0])
    link = BrokerLink(
        Address(host="127.0.0.1", port=broker.port, tls=True), broker.folder / "keys", Inbox(), clock
    )
    link.start()
    try:
        until(lambda: link.connected)
        keeper = keeper_of(broker, renewed=link.use_renewed)
        keeper.round()
        assert broker.keys.authority.roots.coming is not None
        keeper.round()
        assert keeper.trouble == ""
        roots = broker.keys.authority.roots
        assert (roots.before.certificate, roots.coming) == (first.certificate, None)
        assert roots.present.certificate != first.certificate
        assert (link.connected, link.epoch, session.refused.is_set()) == (True, 1, False)
    finally:
        link.stop()
    broker.gateway(EUIS[1])
    pair = broker.folder / f"{EUIS[1]}.pem", broker.folder / f"{EUIS[1]}.key"
    issued = x509.load_pem_x509_certificate(pair[0].read_bytes())
    issued.verify_directly_issued_by(roots.present.certificate)
    # its certificate is the new root's; it has not heard of that root yet, or knows both
    for known in (first.pem, roots.pem):
        broker.connect(known_to(broker, known, pair), EUIS[1]).close()
    broker.connect(old_gateway, EUIS[0]).close()
    broker.fleet().close()
    for eui, context in ((EUIS[0], old_gateway), (EUIS[1], known_to(broker, roots.pem, pair))):
        assert broker.revoke(eui) == (eui,)
        assert broker.refuses(context, eui)
    assert keeper_of(broker).trouble == ""


def test_a_broker_that_does_not_know_the_next_root_keeps_the_old_one(old_root):
    broker, pid = old_root, old_root.files.pid.read_text()
    keeper = keeper_of(broker)
    broker.files.pid.unlink()
    for _ in range(2):
        keeper.round()
    assert "does not let certificates of the coming root in" in keeper.trouble
    assert broker.keys.authority.roots.coming is not None
    broker.files.pid.write_text(pid)
    broker.process.send_signal(signal.SIGHUP)
    until(lambda: keeper.round() or keeper.trouble == "")
    assert broker.keys.authority.roots.coming is None


def until(condition):
    end = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.skipif(FAKETIME is None, reason="faketime is not installed: apt-get install faketime")
@pytest.mark.parametrize(
    ("kept", "life_days"),
    [(True, AUTHORITY_DAYS), (True, 6 * 365), (True, 8 * 365), (False, AUTHORITY_DAYS)],
    ids=["renewed on the way", "two roots followed", "two roots at once", "nobody renews"],
)
def test_case_12_ten_years_later_gateway_and_fleet_still_get_in(tmp_path, kept, life_days):
    clock = SystemClock()
    now_us, late_us = clock.now_us(), clock.now_us() + 3650 * DAY_US
    (tmp_path / "keys").mkdir()
    write_roots(tmp_path / "keys", Roots(present=new_root(now_us, days=life_days)))
    founded = found_keys(tmp_path, broker_host="127.0.0.1", now_us=now_us)
    for day in range(0, 3650, 30) if kept else ():
        follow(founded.authority, now_us + day * DAY_US)
        write_roots(tmp_path / "keys", founded.authority.roots)
        renew_own(tmp_path / "keys", founded.authority, now_us + day * DAY_US)
    port = free_port()
    write_broker_files(tmp_path, founded.authority, host="127.0.0.1", port=port, now_us=now_us)
    key = ec.generate_private_key(ec.SECP256R1())
    csr = check_request(csr_of(EUIS[0], key), EUIS[0])
    issued = founded.authority.issue_gateway(csr, EUIS[0], late_us - DAY_US)
    (tmp_path / "gateway.pem").write_bytes(pem_of(key) + issued.pem.encode())
    fleet = (tmp_path / "keys" / "fleet.key").read_bytes() + (tmp_path / "keys" / "fleet.pem").read_bytes()
    (tmp_path / "fleet.pem").write_bytes(fleet)
    then = [FAKETIME, "-f", "+3650d"]
    command = [*then, MOSQUITTO, "-c", str(tmp_path / "mosquitto" / "mosquitto.conf")]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        entries = [enters(then, tmp_path, port, name) for name in ("gateway", "fleet")]
    finally:
        os.killpg(process.pid, signal.SIGTERM)  # faketime starts the broker as its child
        process.wait(WAIT_S)
    assert entries == (["admitted", "admitted"] if kept else ["refused", "refused"])


def follow(authority, now_us):
    """Let the next root follow, as the keeper does at a broker that lets its certificates in."""
    match authority.roots.next_step(now_us):
        case RootStep.MAKE:
            authority.roots = promoted(made(authority.roots, now_us))
        case RootStep.FORGET:
            authority.roots = forgotten(authority.roots)


TRY = """
import sys, time
from pathlib import Path
from fleet.broker.address import Broker
from fleet.broker.trial import Entry, try_entry
folder, port, name = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
for _ in range(600):
    broker, authorities = Broker(host="127.0.0.1", port=port, tls=True), folder / "keys" / "ca.pem"
    trial = try_entry(broker, name, authorities=authorities, credential=folder / f"{name}.pem", clean=True)
    if trial.entry is not Entry.UNREACHABLE:
        break
    time.sleep(0.1)
print(trial.entry)
"""


def enters(then, folder, port, name):
    command = [*then, sys.executable, "-c", TRY, str(folder), str(port), name]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=True)
    return ended.stdout.strip()
