"""What every table page does alike: order and filter from the address, heads, chips, export."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from fastapi.responses import Response
from sqlalchemy import Connection

from fleet.web.rendering import Words
from fleet.web.views import tables
from fleet.web.views.tables import Column, Head, csv_text
from fleet.web.visit import Visit

Row = TypeVar("Row")
STATE: Final = "etat"
TEXT: Final = "q"
CSV: Final = "csv"
PAGE: Final = "page"
PAGE_ROWS: Final = 100
"""Rows of one page, the worst first; the export holds them all."""
NUMBER_DIGITS: Final = 6
TEXT_LIMIT: Final = 100
"""Characters of a filter that are looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing(Generic[Row]):
    """The rows in their order, and the addresses around them."""

    rows: list[Row]
    heads: list[Head]
    export: str
    wants_csv: bool
    total: int
    page: int
    pages: int
    before: str
    """Address of the page before; empty on the first."""
    after: str


def listing_of(
    visit: Visit, rows: Sequence[Row], columns: Sequence[Column[Row]], default: str
) -> Listing[Row]:
    """Return the rows sorted as the address asks."""
    query, path = dict(visit.request.query_params), visit.request.url.path
    sorting = tables.sorting_of(query.get(tables.SORT), columns, default)
    ordered = tables.sort(rows, columns, sorting)
    pages = max(1, -(-len(ordered) // PAGE_ROWS))
    asked = query.get(PAGE, "")
    page = min(pages, max(1, int(asked))) if asked.isdigit() and len(asked) < NUMBER_DIGITS else 1
    whole = query.get(CSV) == "1"

    def turned(number: int) -> str:
        return tables.address(path, query, **{PAGE: str(number)}) if 1 <= number <= pages else ""

    return Listing(
        rows=ordered if whole else ordered[(page - 1) * PAGE_ROWS : page * PAGE_ROWS],
        heads=tables.heads(visit.lang, path, query, columns, sorting),
        export=tables.address(path, query, **{CSV: "1", PAGE: None}),
        wants_csv=whole,
        total=len(ordered),
        page=page,
        pages=pages,
        before=turned(page - 1),
        after=turned(page + 1),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Table(Generic[Row]):
    """A table page: what it is called, its columns on the page and in the export, its first order."""

    template: str
    filename: str
    """Name of the exported file, without its ending."""
    columns: Sequence[Column[Row]]
    export_columns: Callable[[Words], Sequence[Column[Row]]]
    order: str
    """Key of the column that sorts unless the address says otherwise; ``-`` before it turns it round."""


def answer(
    visit: Visit,
    connection: Connection,
    table: Table[Row],
    rows: Sequence[Row],
    *,
    complete: Callable[[list[Row]], list[Row]] = list,
    **values: Any,
) -> Response:
    """Return the page of a table, or the file of all its rows; ``complete`` adds what shown rows need."""
    shown = listing_of(visit, rows, table.columns, table.order)
    if shown.wants_csv:
        return visit.csv(table.filename, csv_text(visit.lang, table.export_columns(visit.words), shown.rows))
    around: dict[str, Any] = {"heads": shown.heads, "export": shown.export, "listing": shown}
    return visit.page(table.template, connection, rows=complete(shown.rows), **around, **values)


def chips(visit: Visit, states: Sequence[Any], order: Sequence[Any]) -> dict[str, Any]:
    """Return what the chips above a table show: every state that occurs, and all."""
    return {
        "total": len(states),
        "states_found": chips_of(visit, states, order),
        "all_href": all_href(visit),
    }


def filters_of(visit: Visit) -> tuple[str, str]:
    """Return state and text that the address filters by."""
    query = visit.request.query_params
    return query.get(STATE, ""), query.get(TEXT, "")[:TEXT_LIMIT]


def chips_of(visit: Visit, states: Iterable[Any], order: Sequence[Any]) -> list[tuple[Any, int, str]]:
    """Return (state, count, address) of every state that occurs, the worst first."""
    counts = Counter(states)
    return [(state, counts[state], state_href(visit, str(state))) for state in order if counts[state]]


def state_href(visit: Visit, state: str) -> str:
    """Return the address of the list with only what is in a state."""
    query, path = dict(visit.request.query_params), visit.request.url.path
    return tables.address(path, query, **{STATE: state, PAGE: None})


def all_href(visit: Visit) -> str:
    """Return the address without the state's filter."""
    return tables.address(
        visit.request.url.path, dict(visit.request.query_params), **{STATE: None, PAGE: None}
    )
