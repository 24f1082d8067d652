import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert

from fleet.exchange import FileRefused, RegistryChanged, check_file, take_in
from fleet.lang.spreadsheets import guarded, unguarded
from fleet.registry import document, sheets, store
from fleet.registry.sheet import LINES_LIMIT, SheetError, csv_cells, to_document
from fleet.registry.sheets import export_cells, read_cells, write_cells
from fleet.registry.tables import communes
from tests.unit.fleet.founded import EUIS, NOW_US, founded_database

HEAD = ["EUI", "Passerelle", "Clé du site", "Site", "Commune (INSEE)", "Latitude", "Accord ABF donné le"]
LINE = ["0016C001F1000009", "Larçay 1", "larcay", "Église de Larçay", "37124", "47,37", "2026-05-04"]


def test_one_line_is_a_site_a_gateway_and_its_paper():
    read = to_document([HEAD, LINE])
    assert read.problems == []
    assert read.document == {
        "sites": [{"key": "larcay", "name": "Église de Larçay", "commune_insee": "37124", "lat": 47.37}],
        "gateways": [{"eui": "0016c001f1000009", "name": "Larçay 1", "site_key": "larcay"}],
        "agreements": [{"site_key": "larcay", "kind": "abf", "given_on": "2026-05-04"}],
    }


def changed(column, cell):
    line = list(LINE)
    line[HEAD.index(column)] = cell
    return line


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ([changed("EUI", "12")], "line 2, column « EUI »: '12' is not 16 hexadecimal digits"),
        ([changed("Latitude", "47°")], "line 2, column « Latitude »: '47°' is not a number"),
        ([changed("Latitude", "91")], "line 2, column « Latitude »: at most 90"),
        (
            [changed("Commune (INSEE)", "Larçay")],
            "line 2, column « Commune (INSEE) »: not of the expected form",
        ),
        (
            [changed("Accord ABF donné le", "hier")],
            "line 2, column « Accord ABF donné le »: not of the expected form",
        ),
        ([changed("Clé du site", "")], "line 2, column « Clé du site »: is empty"),
        ([LINE, [], LINE], "line 4, column « EUI »: 0016c001f1000009 stands in line 2 too"),
        (
            [LINE, ["0016c001f1000010", "B", "larcay", "Mairie", "37124"]],
            "line 3, column « Site »: 'Mairie' here, 'Église de Larçay' in line 2",
        ),
        ([[*LINE, "more"]], "line 2, column « Accord ABF donné le »: 8 cells, the head has 7"),
    ],
)
def test_each_problem_is_named_by_line_and_column(lines, problem):
    read = to_document([HEAD, *lines])
    assert any(str(one).startswith(problem) for one in read.problems), read.problems


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ([], "empty"),
        ([["EUI"]], "Clé du site is missing"),
        ([["EUI", "Clé du site", "Couleur"]], "unknown columns Couleur"),
        ([["EUI", "eui", "Clé du site"]], "twice"),
        ([["EUI", "Clé du site"]] + [[]] * (LINES_LIMIT + 1), f"{LINES_LIMIT + 1} lines, at most"),
    ],
)
def test_what_is_no_sheet_of_ours_is_refused(cells, words):
    with pytest.raises(SheetError, match=words):
        to_document(cells)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "latin-1"])
@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
def test_csv_of_any_french_spreadsheet(encoding, delimiter):
    line = [cell.replace(",", ".") if delimiter == "," else cell for cell in LINE]
    text = "\r\n".join(delimiter.join(row) for row in (HEAD, line))
    assert csv_cells(text.encode(encoding)) == [HEAD, line]


@given(st.text(max_size=20))
def test_a_guarded_cell_reads_back(cell):
    if not (cell.startswith("'") and cell[1:2] in tuple("=+-@\t")):
        assert unguarded(guarded(cell)) == cell
    assert not guarded(cell).startswith(("=", "+", "@"))


@pytest.mark.parametrize("name", ["registry.csv", "registry.xlsx"])
def test_what_is_exported_imports_as_no_change(tmp_path, name):
    database = founded_database(tmp_path)
    path = tmp_path / name
    with database.read() as connection:
        before = store.load_registry(connection)
        cells = export_cells(connection)
    write_cells(path, cells)
    checked = check_file(database, path)
    with database.write() as connection:
        take_in(connection, checked, who="test", now_us=NOW_US + 1)
        assert store.load_registry(connection) == before


def test_an_empty_cell_leaves_what_is_there(tmp_path):
    with founded_database(tmp_path).write() as connection:
        read = to_document([["EUI", "Clé du site", "Antenne"], [EUIS[0], "vouvray-mairie", "6 dBi"]])
        import msgspec

        told = document.read_document(msgspec.json.encode(read.document), store.known_keys(connection))
        assert told.problems == []
        store.apply_document(connection, told, who="test", now_us=NOW_US + 1)
        gateway = store.load_gateway(connection, EUIS[0])
        assert (gateway.name, gateway.status.value) == ("Vouvray 1", "accepted")


def test_a_new_site_without_its_name_is_a_problem(tmp_path):
    path = tmp_path / "new.csv"
    path.write_text("EUI;Clé du site\n0016c001f1000009;nouveau\n")
    with pytest.raises(FileRefused, match=r"sites\[0\].name: is needed"):
        check_file(founded_database(tmp_path), path)


def test_a_registry_that_changed_since_the_check_is_refused(tmp_path):
    database = founded_database(tmp_path)
    path = tmp_path / "new.csv"
    path.write_text(f"EUI;Clé du site\n{EUIS[0]};vouvray-mairie\n")
    checked = check_file(database, path)
    with database.write() as connection:
        connection.execute(insert(communes).values(insee="37001", name="Abilly", epci="", departement="37"))
    with database.write() as connection, pytest.raises(RegistryChanged, match="try again"):
        take_in(connection, checked, who="test", now_us=NOW_US + 1)


def test_a_workbook_with_numbers_and_dates(tmp_path):
    import datetime as dt

    book = openpyxl.Workbook()
    book.active.append([*HEAD])
    book.active.append([LINE[0], LINE[1], "larcay", LINE[3], 37124, 47.37, dt.date(2026, 5, 4)])
    book.save(tmp_path / "a.xlsx")
    read = to_document(read_cells(tmp_path / "a.xlsx"))
    assert read.problems == []
    assert read.document["agreements"][0]["given_on"] == "2026-05-04"


def test_what_is_no_workbook_is_refused(tmp_path):
    (tmp_path / "a.xlsx").write_bytes(b"rubbish")
    with pytest.raises(SheetError, match="not an XLSX"):
        sheets.read_cells(tmp_path / "a.xlsx")


def test_a_sheet_of_the_limit_is_read():
    assert to_document([["EUI", "Clé du site"]] + [[]] * LINES_LIMIT).problems == []
