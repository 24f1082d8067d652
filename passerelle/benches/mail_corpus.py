"""The corpus of mails as real mail programs write them: what is kept, what is placed, and where.

``right.json`` beside the mails says of each the commune that a person would read in it, ``ask`` where a
person could not say either, or ``automatic`` for a machine's answer.  All of them are kept as they came, in a
database of this run; a mail that is placed must be placed where a person would.
"""

import contextlib
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select

from fleet.db.connect import Database, sqlite_url
from fleet.db.schema import create_schema
from fleet.intake import mail_in
from fleet.intake.placing import commune_of
from fleet.intake.report_mail import read
from fleet.intake.tables import report_mails
from passerelle.figures import Figure

CORPUS = Path(__file__).parents[2] / "tests" / "unit" / "fleet" / "intake" / "corpus"
PLACED_TARGET_PERCENT = 98.0
ASK, AUTOMATIC = "ask", "automatic"
NOW_US = 1_795_000_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Placed:
    """Where the mails went, and where a person would have put them."""

    right: dict[str, str]
    found: dict[str, str]

    def placeable(self) -> list[str]:
        """Return the mails that a person could place."""
        return [name for name, where in self.right.items() if where not in (ASK, AUTOMATIC)]

    def wrong(self) -> list[str]:
        """Return the mails that went elsewhere; asking is not wrong."""
        return [name for name, where in self.found.items() if where not in (ASK, self.right[name])]


def mail_figures(corpus: Path = CORPUS) -> list[Figure]:
    """Return the share of mails that are kept, placed right, and how many are placed wrong."""
    if not (corpus / "right.json").exists():
        absent = f"{corpus}: not there; the bench runs from the sources"
        return [Figure(name=name, value=None, unit="", target=0, how=absent) for name in (KEPT, RIGHT, WRONG)]
    right: dict[str, str] = json.loads((corpus / "right.json").read_text(encoding="utf-8"))
    names: dict[str, str] = json.loads((corpus / "communes.json").read_text(encoding="utf-8"))
    mails = {name: (corpus / f"{name}.eml").read_bytes() for name in right}
    placed = _Placed(right=right, found={name: _where(mail, names) for name, mail in mails.items()})
    possible = placed.placeable()
    share = sum(placed.found[name] == right[name] for name in possible) / len(possible)
    kept = _kept(list(mails.values())) / len(mails)
    how = f"{len(mails)} mails, {len(possible)} of which a person could place"
    return [
        Figure(name=KEPT, value=100 * kept, unit="%", target=100, better="higher", how=how),
        Figure(
            name=RIGHT, value=100 * share, unit="%", target=PLACED_TARGET_PERCENT, better="higher", how=how
        ),
        Figure(name=WRONG, value=len(placed.wrong()), unit="mails", target=0, how=how),
    ]


KEPT, RIGHT, WRONG = "mails kept", "mails placed right", "mails placed wrong"


def _where(mail: bytes, names: dict[str, str]) -> str:
    found = read(mail)
    where = commune_of(found.recipients, found.sender, found.subject, found.body, names)
    return AUTOMATIC if found.automatic else where or ASK


def _kept(mails: list[bytes]) -> int:
    """Return how many mails are in the database as they came."""
    with (
        tempfile.TemporaryDirectory(prefix="passerelle-bench-") as folder,
        contextlib.closing(Database(sqlite_url(Path(folder) / "fleet.db"))) as database,
    ):
        create_schema(database)
        for mail in mails:
            mail_in.keep(database, mail, NOW_US)
        with database.read() as connection:
            query = select(func.count()).where(report_mails.c.raw.in_(mails))
            return int(connection.execute(query).scalar_one())
