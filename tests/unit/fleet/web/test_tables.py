from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

import pytest

from fleet.web.pages.listing import PAGE_ROWS, listing_of
from fleet.web.views import tables
from fleet.web.views.tables import Column, Sorting


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    size: float | None


COLUMNS: list[Column[Row]] = [
    Column(key="name", title="gateways.name", value=lambda row: row.name),
    Column(key="size", title="gateways.month", value=lambda row: row.size, numeric=True),
]
ROWS = [Row("b", 2.5), Row("a", None), Row("c", 1.0)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name", ["a", "b", "c"]),
        ("-name", ["c", "b", "a"]),
        ("size", ["c", "b", "a"]),
        ("-size", ["b", "c", "a"]),
        ("nonsense", ["c", "b", "a"]),
        (None, ["c", "b", "a"]),
    ],
)
def test_order_comes_from_the_address_and_unknown_values_last(text: str | None, expected: list[str]) -> None:
    sorting = tables.sorting_of(text, COLUMNS, "size")
    assert [row.name for row in tables.sort(ROWS, COLUMNS, sorting)] == expected


def test_heads_turn_the_present_column_and_begin_numbers_with_the_largest() -> None:
    heads = tables.heads("fr", "/x", {"q": "é"}, COLUMNS, Sorting(key="name", descending=False))
    assert [(head.href, head.direction) for head in heads] == [
        ("/x?q=%C3%A9&tri=-name", "ascending"),
        ("/x?q=%C3%A9&tri=-size", ""),
    ]


def test_export_is_what_french_spreadsheets_open() -> None:
    rows = [Row('deux "mots"; un', 99.976543), Row("=SOMME(A1)", None)]
    assert tables.csv_text("fr", COLUMNS, rows) == (
        '\ufeffPasserelle;Mois en cours\r\n"deux ""mots""; un";99,976543\r\n\'=SOMME(A1);\r\n'
    )


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t"])
def test_export_never_begins_a_formula(start: str) -> None:
    text = tables.csv_text("en", COLUMNS, [Row(f"{start}1", 1.5)])
    assert f"\r\n'{start}1;1.5" in text


def test_address_drops_what_is_empty() -> None:
    assert tables.address("/x", {"a": "1"}, a=None, b="") == "/x"


@pytest.mark.parametrize(
    ("asked", "page", "before", "after"),
    [
        ("", 1, "", "/x?tri=name&page=2"),
        ("2", 2, "/x?tri=name&page=1", "/x?tri=name&page=3"),
        ("3", 3, "/x?tri=name&page=2", ""),
        ("99", 3, "/x?tri=name&page=2", ""),
        ("-1", 1, "", "/x?tri=name&page=2"),
        ("999999999999", 1, "", "/x?tri=name&page=2"),
    ],
)
def test_long_tables_turn_pages(asked: str, page: int, before: str, after: str) -> None:
    rows = [Row(f"{index:04d}", None) for index in range(2 * PAGE_ROWS + 1)]
    query = {"tri": "name"} | ({"page": asked} if asked else {})
    url = SimpleNamespace(path="/x")
    request = SimpleNamespace(query_params=query, url=url)
    visit = cast("Any", SimpleNamespace(request=request, lang="fr"))
    shown = listing_of(visit, rows, COLUMNS, "name")
    assert (shown.page, shown.pages, shown.total) == (page, 3, 2 * PAGE_ROWS + 1)
    assert (shown.before, shown.after) == (before, after)
    assert shown.rows == rows[(page - 1) * PAGE_ROWS : page * PAGE_ROWS]
