"""When the fleet's own certificates end: renewed at a third of their life, told long before where nobody can.

``due`` and ``endings`` are pure.  The broker's and the fleet's certificate are renewed here with the keys
that they have; a root is followed by another long before its end (``fleet.identity.roots``).  Whatever comes
near its end all the same is told at ``TOLD_AT_DAYS``.

    now ──┬── a third of its life is over ──▶ a new certificate, one rename; the broker reads it on SIGHUP
          └── proved: the broker shows the new one; our link uses it from its next connection on

Source: DESIGN §9 (renewed at a third of its life).
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from fleet.db.outside import outside_write
from fleet.durations import DAY_US
from fleet.identity.authority import Authority, Issued
from fleet.identity.keys import read_elliptic, replace_file

TOLD_AT_DAYS = (60, 30, 7)
"""Days before an end at which it is told again."""
WRONG_BELOW_DAYS = 7
"""From here on `/healthz` answers 503."""
OWN = ("broker", "fleet")
Day = Annotated[str, msgspec.Meta(pattern=r"^(20\d\d-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01]))?$")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """One certificate of ours."""

    name: str
    begins_at_us: int
    ends_at_us: int
    renews_itself: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """A credential that ends soon."""

    name: str
    days_left: int
    """0: within a day; negative: over."""
    ends_at_us: int
    told_at_days: int
    """The step of ``TOLD_AT_DAYS`` that it passed last."""

    @property
    def ends_on(self) -> str:
        """The day of its end, ISO."""
        return dt.datetime.fromtimestamp(self.ends_at_us // 1_000_000, dt.UTC).date().isoformat()

    def __str__(self) -> str:
        left = f"ends in {self.days_left} days" if self.days_left >= 0 else "has ended"
        return f"credential of {self.name}: {left} ({self.ends_on})"


class DeclaredEnds(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ends that only people know, as ISO days; empty: none that anybody knows of."""

    smtp: Day = ""
    sms: Day = ""
    glpi: Day = ""

    def credentials(self) -> tuple[Credential, ...]:
        """Return those that were declared; each ends when its day begins."""
        return tuple(
            Credential(name=name, begins_at_us=0, ends_at_us=_day_us(day), renews_itself=False)
            for name, day in msgspec.structs.asdict(self).items()
            if day
        )


def _day_us(day: str) -> int:
    return int(dt.datetime.fromisoformat(f"{day}T00:00:00+00:00").timestamp()) * 1_000_000


def due(credential: Credential, now_us: int) -> bool:
    """Return whether a credential is to be renewed: a third of its life is over.

    >>> due(Credential(name="fleet", begins_at_us=0, ends_at_us=90, renews_itself=True), 30)
    True
    """
    return now_us >= credential.begins_at_us + (credential.ends_at_us - credential.begins_at_us) // 3


def endings(credentials: Iterable[Credential], now_us: int) -> tuple[Ending, ...]:
    """Return what ends within the longest of ``TOLD_AT_DAYS``, soonest first."""
    found = []
    for each in credentials:
        left = (each.ends_at_us - now_us) // DAY_US
        passed = [days for days in TOLD_AT_DAYS if left < days]
        if passed:
            found.append(
                Ending(name=each.name, days_left=left, ends_at_us=each.ends_at_us, told_at_days=min(passed))
            )
    return tuple(sorted(found, key=lambda ending: ending.days_left))


def read_credentials(keys: Path) -> tuple[Credential, ...]:
    """Return the certificates in the keys' folder, the authority's first."""
    return tuple(_credential(keys, name) for name in ("ca", *OWN))


@outside_write
def renew_own(keys: Path, authority: Authority, now_us: int) -> tuple[str, ...]:
    """Renew what is due of the broker's and the fleet's certificates; return their names."""
    renewed = []
    for name in OWN:
        if due(_credential(keys, name), now_us):
            path = keys / f"{name}.pem"
            issued = _again(authority, x509.load_pem_x509_certificate(path.read_bytes()), keys, name, now_us)
            replace_file(path, issued.pem.encode())
            renewed.append(name)
    return tuple(renewed)


def certificate_serial(path: Path) -> str:
    """Return the serial of the certificate in a file, as lower-case hexadecimal."""
    return f"{x509.load_pem_x509_certificate(path.read_bytes()).serial_number:x}"


def _again(authority: Authority, present: x509.Certificate, keys: Path, name: str, now_us: int) -> Issued:
    """Return the next certificate for the same key and names."""
    key = read_elliptic(keys / f"{name}.key").public_key()
    usage = present.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    if ExtendedKeyUsageOID.SERVER_AUTH not in usage:
        return authority.issue_client(name, key, now_us)
    names = present.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    hosts = [str(each.value) for each in names]
    first = [str(each.value) for each in present.subject]
    return authority.issue_server(tuple(dict.fromkeys((*first, *hosts))), key, now_us)


def _credential(keys: Path, name: str) -> Credential:
    certificate = x509.load_pem_x509_certificate((keys / f"{name}.pem").read_bytes())
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return Credential(
        name=name,
        begins_at_us=int(begins.timestamp()) * 1_000_000,
        ends_at_us=int(ends.timestamp()) * 1_000_000,
        renews_itself=True,
    )
