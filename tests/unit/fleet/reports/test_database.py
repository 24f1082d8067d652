"""A report as SQLite: exact values, one table each, the same bytes for the same report."""

import sqlite3
from contextlib import closing
from fractions import Fraction
from pathlib import Path

import pytest

from fleet.reports.database import SUMMARY, sqlite_of
from fleet.reports.model import CellKind, Column, Report, Table

TABLE = Table(
    name="communes",
    title="Communes",
    columns=(
        Column(title="Commune"),
        Column(title="Passerelles", kind=CellKind.COUNT),
        Column(title="Taux", kind=CellKind.PERCENT),
        Column(title="Perdu", kind=CellKind.DURATION),
        Column(title="Depuis", kind=CellKind.INSTANT),
        Column(title="Montant", kind=CellKind.EUROS),
        Column(title="Tenu", kind=CellKind.VERDICT),
        Column(title="commune"),
    ),
    rows=(
        ("Vouvray", 2, Fraction(2, 3), 1, 1_790_000_000_000_001, 148_426, True, "=1+1"),
        ("Chançay", 0, None, None, None, None, None, ""),
    ),
)
EMPTY = Table(
    name="coupures", title="Coupures", columns=(Column(title="Début", kind=CellKind.INSTANT),), rows=()
)
REPORT = Report(
    title="Disponibilité",
    subtitle="octobre 2026",
    sentences=("Tenue.",),
    tables=(TABLE, EMPTY),
    identity="2026-10 v1",
)


@pytest.fixture
def asked(tmp_path: Path):
    path = tmp_path / "report.sqlite"
    path.write_bytes(sqlite_of(REPORT))
    with closing(sqlite3.connect(path)) as database:
        yield lambda query: database.execute(query).fetchall()


def test_cells_are_values_that_sql_can_reckon_with(asked):
    assert asked("SELECT * FROM communes") == [
        ("Vouvray", 2, 66.6666, 1, "2026-09-21T16:13:20.000001+02:00", 148_426, 1, "=1+1"),
        ("Chançay", 0, None, None, None, None, None, ""),
    ]
    assert asked('SELECT sum("Perdu (µs)") FROM communes') == [(1,)]


def test_columns_have_their_type_their_unit_and_a_name_of_their_own(asked):
    columns = [(name, kind) for _, name, kind, *_ in asked("PRAGMA table_info(communes)")]
    assert columns == [
        ("Commune", "TEXT"),
        ("Passerelles", "INTEGER"),
        ("Taux (%)", "REAL"),
        ("Perdu (µs)", "INTEGER"),
        ("Depuis", "TEXT"),
        ("Montant (centimes)", "INTEGER"),
        ("Tenu", "INTEGER"),
        ("commune #2", "TEXT"),
    ]


def test_a_table_without_rows_is_there_and_the_sentences_too(asked):
    assert asked("SELECT count(*) FROM coupures") == [(0,)]
    lines = [text for (text,) in asked(f"SELECT texte FROM {SUMMARY} ORDER BY ligne")]
    assert lines == ["Disponibilité", "octobre 2026", "Tenue.", "2026-10 v1"]
    assert asked("PRAGMA integrity_check") == [("ok",)]


def test_equal_reports_are_equal_bytes():
    assert sqlite_of(REPORT) == sqlite_of(REPORT)
