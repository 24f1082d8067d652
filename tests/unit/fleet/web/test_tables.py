from dataclasses import dataclass

import pytest

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
