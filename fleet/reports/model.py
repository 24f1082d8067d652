"""A report as tables of typed cells: built once, written as CSV, XLSX or PDF.  Pure.

A cell is a value of its column's kind, so that a spreadsheet gets numbers and a page gets words.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from typing import Final, TypeAlias

from fleet.availability.standing import Standing

Cell: TypeAlias = str | int | bool | Fraction | None
AT_RISK: Final = "en danger"
"""The verdict on a promise of an open month that is neither held nor broken."""
VERDICTS: Final[dict[Standing, bool | str | None]] = {
    Standing.KEPT: True,
    Standing.AT_RISK: AT_RISK,
    Standing.BROKEN: False,
    Standing.UNCOUNTED: None,
}
"""How a promise stands, as the cell of a column of verdicts."""


class CellKind(StrEnum):
    """What the cells of a column are."""

    TEXT = "text"
    COUNT = "count"
    PERCENT = "percent"
    """A ``Fraction``; shown truncated."""
    DURATION = "duration"
    """Microseconds."""
    INSTANT = "instant"
    """Microseconds UTC; shown in Paris time."""
    EUROS = "euros"
    """Cents."""
    VERDICT = "verdict"
    """True: held; ``AT_RISK``; False: broken; None: nothing counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column; ``title`` is what people read."""

    title: str
    kind: CellKind = CellKind.TEXT
    sheet_only: bool = False
    """Left out on paper, where a reader wants the verdict and not every term of it."""
    room: int = 0
    """Share of a line on paper, beside the other columns; 0: as its kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table; ``name`` is its file and sheet."""

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    empty: str = "Aucune ligne."
    """What an empty table says."""
    note: str = ""
    blank: str = "—"
    """What a cell without a value shows on paper."""
    paper_rows: int = 600
    """Rows on paper; what is beyond is counted below the table and stands in the sheets."""

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"{self.name}: {len(row)} cells for {len(self.columns)} columns")

    def on_paper(self) -> "Table":
        """Return what a page shows of it."""
        kept = [index for index, column in enumerate(self.columns) if not column.sheet_only]
        rows = self.rows[: self.paper_rows]
        beyond = len(self.rows) - len(rows)
        more = f"… et {beyond} autres lignes, dans le classeur joint." if beyond else ""
        return Table(
            name=self.name,
            title=self.title,
            columns=tuple(self.columns[index] for index in kept),
            rows=tuple(tuple(row[index] for index in kept) for row in rows),
            empty=self.empty,
            note=" ".join(part for part in (more, self.note) if part),
            blank=self.blank,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A document: a head in sentences, then tables and pictures."""

    title: str
    subtitle: str
    sentences: tuple[str, ...]
    tables: tuple[Table, ...]
    pictures: tuple["Picture", ...] = ()
    identity: str = ""
    """Month, version and hash: what a reader quotes."""
    answer: str = ""
    """What the reader came for, in a sentence; empty: the report answers no question."""
    held: bool | None = None
    """Whether the answer is good news; None: it cannot be said, or not yet."""
    standing: Standing = Standing.UNCOUNTED
    """The verdict that pages and API give too."""

    @property
    def lines(self) -> tuple[str, ...]:
        """What stands above the tables, line by line; every form says it."""
        head = (self.title, self.subtitle, self.answer, *self.sentences, self.identity)
        return tuple(line for line in head if line)


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """One commune in a picture: rings of (lon, lat), or one point."""

    name: str
    rings: tuple[tuple[tuple[float, float], ...], ...]
    point: tuple[float, float]
    verdict: bool | str | None
    """As in a column of verdicts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A map of one département; the table of communes says the same in words."""

    title: str
    alternative: str
    areas: tuple[Area, ...] = field(default_factory=tuple)
