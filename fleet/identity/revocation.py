"""Revocation reaches the broker and is proved there: the list, the rights, a reload, a try, open sessions.

    rows ─▶ files (one rename each) ─▶ SIGHUP ─▶ a revoked trial certificate is refused as revoked
                                                   └▶ each revoked gateway's session is taken over and ended

Every list also revokes a certificate of our own, the *trial*.  When the broker refuses it as revoked, it has
read this list, whoever reloaded it and on whichever host.  Then nobody new gets in; who is in loses the
session to ours, which enters once under the same name with a certificate of ten minutes and leaves.
Nothing here runs inside a transaction; a lock file lets one process at a time do it.

Sources: mosquitto(8), "Signals" (SIGHUP reads list and rights again); X509_STORE of OpenSSL prefers the list
with the later ``thisUpdate``, so that two lists never have the same.
"""

import fcntl
import os
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import select, update

from fleet.broker.additions import renewed_rights
from fleet.broker.address import Broker
from fleet.broker.mosquitto import BrokerFiles, render_acl
from fleet.broker.trial import Entry, Trial, try_entry
from fleet.clock import Clock
from fleet.db.connect import Database
from fleet.db.outside import outside_write
from fleet.durations import DAY_US
from fleet.identity.authority import Authority, Issued, revocation_list
from fleet.identity.keys import OWNER_ONLY, pem_of, replace_file
from fleet.identity.revoked_list import content_of, mark_again, present_list, this_update
from fleet.identity.roots import Root, Roots
from fleet.identity.tables import certificates

CONFIRM_LIMIT_S = 8.0
"""For the broker to refuse the trial; with the sessions, within 10 s."""
ASK_AGAIN_S = 0.2
LOCK_LIMIT_S = 30.0
EVICTIONS_LIMIT = 50
"""Gateways in one pass; the next takes the others."""
TRIAL_NAME = "trial"
TRIAL_DAYS = 825
TRIAL_SPARE_US = DAY_US
"""A trial certificate with less left is replaced: an expired one would be refused for another reason."""
EVICTION_DAYS = 1
CRL_BEGINS = b"-----BEGIN X509 CRL-----"
"""Each root has a list of its own; all name the same serials."""

log = structlog.get_logger("fleet.revocation")


class RevocationUnconfirmed(RuntimeError):
    """The broker did not prove that it keeps revoked gateways out; says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """Who is out, from the rows."""

    revoked: tuple[tuple[str, int], ...]
    """(serial, instant) of certificates that have not ended by themselves."""
    denied: tuple[str, ...]
    """Gateways without any certificate in force."""
    unconfirmed: tuple[tuple[str, str], ...]
    """(serial, EUI) whose revocation the broker has not proved yet."""

    @property
    def waiting(self) -> tuple[str, ...]:
        """Gateways whose revocation is not proved, in order."""
        return tuple(sorted({eui for _, eui in self.unconfirmed}))


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerDoor:
    """The broker, its files, and what opens it."""

    broker: Broker
    files: BrokerFiles
    authority: Authority

    @property
    def trial(self) -> Path:
        """Key and certificate that every list revokes."""
        return self.files.folder / "trial.pem"


def load_rights(database: Database, now_us: int) -> Rights:
    """Return who is out."""
    row_ = certificates.c
    columns = (row_.serial, row_.eui, row_.revoked_at_us, row_.not_after_at_us, row_.enforced_at_us)
    with database.read() as connection:
        rows = connection.execute(select(*columns).order_by(row_.serial)).all()
    revoked = [row for row in rows if row.revoked_at_us is not None]
    trusted = {row.eui for row in rows if row.revoked_at_us is None}
    return Rights(
        revoked=tuple(
            (row.serial, row.revoked_at_us) for row in revoked if row.not_after_at_us > now_us - DAY_US
        ),
        denied=tuple(sorted({row.eui for row in rows} - trusted)),
        unconfirmed=tuple((row.serial, row.eui) for row in revoked if row.enforced_at_us is None),
    )


@outside_write
def apply_rights(database: Database, door: BrokerDoor, now_us: int) -> None:
    """Write the list and the rights and have them read, without waiting for the proof."""
    with _alone(door.files):
        mark_again(database, door.files.revoked, now_us)
        _write(door, load_rights(database, now_us), now_us)
        reload_broker(door.files.pid)


@outside_write
def renew_rights(database: Database, door: BrokerDoor, now_us: int) -> bool:
    """Apply the rights if the broker's file has others than this version needs; return whether."""
    acl = door.files.acl
    if not acl.exists():
        return False
    present = acl.read_text(errors="surrogateescape")
    if present == renewed_rights(present, render_acl(load_rights(database, now_us).denied)):
        return False
    apply_rights(database, door, now_us)
    return True


@outside_write
def enforce(database: Database, door: BrokerDoor, clock: Clock) -> tuple[str, ...]:
    """Keep revoked gateways out, prove it, end their sessions; return the gateways that it concerned.

    Raises:
        RevocationUnconfirmed: the broker proved nothing within ``CONFIRM_LIMIT_S``; asked again, it goes on.
    """
    with _alone(door.files):
        now_us = clock.now_us()
        mark_again(database, door.files.revoked, now_us)
        rights = load_rights(database, now_us)
        _write(door, rights, now_us)
        if not rights.unconfirmed:
            return ()
        if not door.broker.tls:
            where = f"broker {door.broker.host}:{door.broker.port}"
            raise RevocationUnconfirmed(f"{where}: asks nobody for a certificate and keeps nobody out")
        _confirm(door, clock)
        euis = rights.waiting[:EVICTIONS_LIMIT]
        for eui in euis:
            _end_session(door, eui, clean=eui in rights.denied, now_us=now_us)
    serials = [serial for serial, eui in rights.unconfirmed if eui in euis]
    with database.write() as connection:
        mine = certificates.c.serial.in_(serials)
        connection.execute(update(certificates).where(mine).values(enforced_at_us=clock.now_us()))
    log.info("revocation_confirmed", gateways=",".join(euis), certificates=len(serials))
    return euis


def reload_broker(pid_file: Path) -> bool:
    """Tell a broker of this machine to read its files again; False: none runs here."""
    try:
        os.kill(int(pid_file.read_text()), signal.SIGHUP)
    except (OSError, ValueError) as error:
        log.warning("broker_not_reloaded", pid_file=str(pid_file), reason=str(error))
        return False
    return True


def _confirm(door: BrokerDoor, clock: Clock) -> None:
    """Return once the broker refuses the trial certificate as revoked."""
    reloaded = reload_broker(door.files.pid)
    begun_us, wait = clock.monotonic_us(), threading.Event()
    while True:
        trial = _enter(door, TRIAL_NAME, door.trial, clean=True)
        if trial.entry is Entry.REVOKED:
            return
        if clock.monotonic_us() - begun_us >= CONFIRM_LIMIT_S * 1_000_000:
            raise RevocationUnconfirmed(_why(door, trial, reloaded=reloaded))
        wait.wait(ASK_AGAIN_S)


def _why(door: BrokerDoor, trial: Trial, *, reloaded: bool) -> str:
    where = f"broker {door.broker.host}:{door.broker.port}"
    here = "" if reloaded else f"; no broker of this machine was reloaded ({door.files.pid})"
    if trial.entry is Entry.ADMITTED:
        return f"{where}: still lets revoked certificates in{here}; reload it with {door.files.revoked}"
    return f"{where}: did not prove that revoked certificates are refused: {trial.detail}{here}"


def _end_session(door: BrokerDoor, eui: str, *, clean: bool, now_us: int) -> None:
    """Take the session over that ``eui`` may have open, and leave it."""
    key = ec.generate_private_key(ec.SECP256R1())
    issued = door.authority.issue_client(eui, key.public_key(), now_us, days=EVICTION_DAYS)
    with tempfile.TemporaryDirectory(dir=door.files.folder) as folder:
        credential = Path(folder) / "credential.pem"
        replace_file(credential, pem_of(key) + issued.pem.encode())
        trial = _enter(door, eui, credential, clean=clean)
    if trial.entry is not Entry.ADMITTED:
        raise RevocationUnconfirmed(f"{eui}: its open session could not be ended: {trial.detail}")


@outside_write
def admits(door: BrokerDoor, root: Root, now_us: int) -> Trial:
    """Return what the broker answers to a certificate of a root that does not sign yet."""
    key = ec.generate_private_key(ec.SECP256R1())
    issued = Authority(roots=Roots(present=root)).issue_client(
        TRIAL_NAME, key.public_key(), now_us, days=EVICTION_DAYS
    )
    with tempfile.TemporaryDirectory(dir=door.files.folder) as folder:
        credential = Path(folder) / "credential.pem"
        replace_file(credential, pem_of(key) + issued.pem.encode())
        return _enter(door, TRIAL_NAME, credential, clean=True)


def _enter(door: BrokerDoor, name: str, credential: Path, *, clean: bool) -> Trial:
    authorities = door.files.keys / "ca.pem"
    return try_entry(door.broker, name, authorities=authorities, credential=credential, clean=clean)


def _write(door: BrokerDoor, rights: Rights, now_us: int) -> None:
    """Write list and rights where they differ from what lies there."""
    lines = (content_of(door.files.acl) or b"").decode(errors="surrogateescape")
    acl = renewed_rights(lines, render_acl(rights.denied)).encode(errors="surrogateescape")
    if content_of(door.files.acl) != acl:
        replace_file(door.files.acl, acl)
    present, lists = present_list(door.files.revoked), len(door.authority.roots.trusted)
    listed = {f"{each.serial_number:x}" for each in present} if present is not None else set()
    trial = _trial_in_use(door, now_us)
    complete = (content_of(door.files.revoked) or b"").count(CRL_BEGINS) == lists
    if trial is not None and complete and listed == {trial, *(serial for serial, _ in rights.revoked)}:
        return
    at = this_update(present, now_us)
    serials = (*rights.revoked, (_new_trial(door, now_us), now_us))
    replace_file(door.files.revoked, revocation_list(door.authority, serials, now_us, at))


def _trial_in_use(door: BrokerDoor, now_us: int) -> str | None:
    """Return the serial of the present list's trial certificate, None when it proves nothing any longer."""
    content = content_of(door.trial)
    if content is None:
        return None
    certificate = x509.load_pem_x509_certificate(content)
    issued = Issued(certificate=certificate)
    ours = certificate.issuer == door.authority.certificate.subject
    return issued.serial if ours and issued.not_after_us > now_us + TRIAL_SPARE_US else None


def _new_trial(door: BrokerDoor, now_us: int) -> str:
    """Return the serial of a new trial certificate: one of an earlier list would prove that list only."""
    key = ec.generate_private_key(ec.SECP256R1())
    issued = door.authority.issue_client(TRIAL_NAME, key.public_key(), now_us, days=TRIAL_DAYS)
    replace_file(door.trial, pem_of(key) + issued.pem.encode())
    return issued.serial


@contextmanager
def _alone(files: BrokerFiles) -> Iterator[None]:
    """Hold the lock of the broker's files: the process that writes last has read the newest rows.

    Raises:
        RevocationUnconfirmed: another process holds it for too long.
    """
    with os.fdopen(os.open(files.folder / "lock", os.O_WRONLY | os.O_CREAT, OWNER_ONLY), "w") as lock:
        for _ in range(int(LOCK_LIMIT_S / ASK_AGAIN_S)):
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                threading.Event().wait(ASK_AGAIN_S)
        else:
            raise RevocationUnconfirmed(f"{files.folder}/lock: another process holds it")
        yield
