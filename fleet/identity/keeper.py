"""The thread that keeps our credentials in force and revoked ones out, from `fleet serve`'s start to its end.

A look comes every ``LOOK_EVERY_S``.  What fails is kept in words for `/healthz`, logged when it changes, and
tried again at the next look: a revocation whose command was killed, or whose broker was away, gets there.
"""

import threading
from collections.abc import Callable

import structlog

from fleet.broker.store_trial import set_aside
from fleet.broker.trial import Entry, shown_serial
from fleet.clock import Clock
from fleet.db.connect import Database
from fleet.db.seals import BrokenRow
from fleet.durations import HOUR_US
from fleet.identity import audit
from fleet.identity.ends import Credential, Ending, certificate_serial, endings, read_credentials, renew_own
from fleet.identity.revocation import (
    ASK_AGAIN_S,
    BrokerDoor,
    RevocationUnconfirmed,
    admits,
    apply_rights,
    enforce,
    load_rights,
    reload_broker,
    renew_rights,
)
from fleet.identity.revoked_list import mark_again
from fleet.identity.roots import (
    Root,
    Roots,
    RootStep,
    forgotten,
    made,
    promoted,
    write_roots,
)
from fleet.identity.seal_watch import SealWatch

LOOK_EVERY_S = 2.0
"""With ``CONFIRM_LIMIT_S`` an open session of a revoked gateway ends within 10 s."""
RETRY_EVERY_S = 20.0
"""After a look that failed: each waits for the broker up to its limit."""

CERTIFICATES_EVERY_US = HOUR_US
STORE_ASIDE = "broker.store_set_aside"
PROOFS_LIMIT = 25
"""Tries, ``ASK_AGAIN_S`` apart, for the broker to show a renewed certificate."""

log = structlog.get_logger("fleet.identity")


class RenewalUnproved(RuntimeError):
    """The broker does not show its renewed certificate."""


class Keeper:
    """Looks after the credentials; ``trouble`` is what failed at the last look, empty when nothing did."""

    def __init__(
        self,
        database: Database,
        door: BrokerDoor,
        clock: Clock,
        *,
        renewed: Callable[[], None] = lambda: None,
        clock_is_sure: Callable[[], bool] = lambda: True,
        declared: tuple[Credential, ...] = (),
        issued: Callable[[], tuple[Credential, ...]] = tuple,
        tell: Callable[[tuple[Ending, ...]], None] = lambda _: None,
        seals: SealWatch | None = None,
    ) -> None:
        """``renewed`` lets our own link use a new certificate; nothing is renewed by a clock in doubt.

        ``declared`` are ends that only people know, ``issued`` those of what others issued to our gateways;
        ``tell`` is given what ends soon; ``seals`` looks for rows that somebody else wrote.
        """
        self._database, self.door, self._clock = database, door, clock
        self._renewed, self._clock_is_sure = renewed, clock_is_sure
        self._declared, self._issued, self._tell = declared, issued, tell
        self._seals = seals
        self._looked_at_us: int | None = None
        self.credentials: tuple[Credential, ...] = ()
        self.stores_set_aside: tuple[str, ...] = ()
        """Stores of the broker that it could not read (``fleet.broker.store_trial``), the newest first."""
        self._stopping = threading.Event()
        self._looked_at_rights = False
        self.trouble = ""
        self.failures = 0

    @property
    def broken_seals(self) -> tuple[BrokenRow, ...]:
        """Rows that this program did not write as they stand."""
        return self._seals.broken if self._seals is not None else ()

    def stop(self) -> None:
        """Let ``run`` return after its present look."""
        self._stopping.set()

    def run(self) -> None:
        """Look until stopped."""
        while not self._stopping.wait(RETRY_EVERY_S if self.trouble else LOOK_EVERY_S):
            try:
                self.round()
            except Exception as error:
                self._failed(f"{type(error).__name__}: {error}")
                log.exception("credentials_not_kept")

    def round(self) -> None:
        """Renew the rights once, enforce what is revoked, renew what is due; one failure hides no other."""
        if not self._looked_at_rights:
            self._renew_rights()
        self._note_stores()
        if self._seals is not None:
            self._seals.look()
        if not self.door.broker.tls:
            return
        troubles = []
        for step in (self._enforce, self._follow, self._renew):
            try:
                step()
            except (RevocationUnconfirmed, RenewalUnproved) as error:
                troubles.append(str(error))
        if troubles:
            self._failed("; ".join(troubles))
        else:
            self.trouble = ""

    def _renew_rights(self) -> None:
        """Let gateways read and write what this version needs, after an upgrade."""
        if renew_rights(self._database, self.door, self._clock.now_us()):
            log.warning("broker_rights_renewed", acl=str(self.door.files.acl))
        self._looked_at_rights = True

    def _note_stores(self) -> None:
        """Write down, once each, that the broker started without a store of its own that was damaged."""
        names = set_aside(self.door.files.data)
        if new := [name for name in names if name not in self.stores_set_aside]:
            now_us = self._clock.now_us()
            for name in audit.unknown_subjects(self._database, STORE_ASIDE, new):
                log.warning("broker_store_set_aside", store=str(self.door.files.data / name))
                with self._database.write() as connection:
                    audit.record(
                        connection, now_us=now_us, who=audit.SYSTEM, action=STORE_ASIDE, subject=name
                    )
        self.stores_set_aside = tuple(names)

    def _enforce(self) -> None:
        mark_again(self._database, self.door.files.revoked, self._clock.now_us())
        if load_rights(self._database, self._clock.now_us()).unconfirmed:
            enforce(self._database, self.door, self._clock)

    def _follow(self) -> None:
        """Let the next root follow when it is time (``fleet.identity.roots``).

        Raises:
            RenewalUnproved: the broker does not let certificates of the coming root in.
        """
        authority, now_us = self.door.authority, self._clock.now_us()
        step = authority.roots.next_step(now_us)
        if step is RootStep.NONE or not self._clock_is_sure():
            return
        if step is RootStep.MAKE:
            self._trust(made(authority.roots, now_us), step, now_us)
        elif step is RootStep.FORGET:
            self._trust(forgotten(authority.roots), step, now_us)
        else:
            assert authority.roots.coming is not None
            trial = admits(self.door, authority.roots.coming, now_us)
            if trial.entry is not Entry.ADMITTED:
                text = "the broker does not let certificates of the coming root in; reload or restart it"
                raise RenewalUnproved(f"authority: {text}: {trial.detail}")
            self._trust(promoted(authority.roots), step, now_us)

    def _trust(self, roots: Roots, step: RootStep, now_us: int) -> None:
        """Trust these roots from here on: on disk, at the broker, in this process."""
        files = self.door.files
        write_roots(files.keys, roots)
        self.door.authority.roots = roots
        apply_rights(self._database, self.door, now_us)
        self._looked_at_us = None
        self._renewed()
        log.warning("authority_follows", step=step.value, names=",".join(map(_name_of, roots.trusted)))
        with self._database.write() as connection:
            audit.record(
                connection, now_us=now_us, who=audit.SYSTEM, action=f"authority.{step}", subject="authority"
            )

    def _renew(self) -> None:
        """Look at the certificates every ``CERTIFICATES_EVERY_US``, and again until the broker shows its own.

        Raises:
            RenewalUnproved: the broker shows another certificate than the one in its file.
        """
        monotonic_us, now_us = self._clock.monotonic_us(), self._clock.now_us()
        looked = self._looked_at_us is not None and monotonic_us - self._looked_at_us < CERTIFICATES_EVERY_US
        if looked or not self._clock_is_sure():
            return
        keys = self.door.files.keys
        names = renew_own(keys, self.door.authority, now_us)
        if "fleet" in names:
            self._renewed()
        if names:
            log.info("certificates_renewed", names=",".join(names))
        try:
            self._prove()
        finally:
            self._look_at_ends(now_us)
        self._looked_at_us = monotonic_us

    def _look_at_ends(self, now_us: int) -> None:
        own = read_credentials(self.door.files.keys)
        self.credentials = (*own, *self._declared, *self._issued())
        if found := endings(self.credentials, now_us):
            self._tell(found)

    def _prove(self) -> None:
        serial = certificate_serial(self.door.files.keys / "broker.pem")
        if self._shown() == serial:
            return
        reload_broker(self.door.files.pid)
        for _ in range(PROOFS_LIMIT):
            shown = self._shown()
            if shown in {None, serial} or self._stopping.wait(ASK_AGAIN_S):
                return  # a broker that is away reads its file when it comes
        path = self.door.files.keys / "broker.pem"
        raise RenewalUnproved(f"broker certificate: the broker does not show {path}")

    def _shown(self) -> str | None:
        keys = self.door.files.keys
        pair = keys / "fleet.pem", keys / "fleet.key"
        return shown_serial(self.door.broker, authorities=keys / "ca.pem", pair=pair)

    def _failed(self, trouble: str) -> None:
        self.failures += 1
        if trouble != self.trouble:
            log.error("credentials_trouble", reason=trouble)
        self.trouble = trouble


def _name_of(root: Root) -> str:
    return root.certificate.subject.rfc4514_string()
