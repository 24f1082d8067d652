"""The registry as a file: try it, see every problem by line and column, then import it; and take it out."""

import base64
import binascii
import zlib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, File, Form, HTTPException, UploadFile
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy import Connection

from fleet.errors import MistakeError
from fleet.exchange import FileRefused, check_file, take_in
from fleet.identity.people import Person
from fleet.registry import sheets
from fleet.registry.problem import Problem
from fleet.registry.sheet import SheetError
from fleet.web import rendering
from fleet.web.access import form_guard, operator
from fleet.web.typed import Line
from fleet.web.visit import Viewing, Visit, leave_toast

router = APIRouter()
SEE_OTHER = 303
FILE_LIMIT_BYTES: Final = 4 * 1024 * 1024
"""Bytes of a file on this page: 1,615 gateways are 400 kB; larger ones go by `passerelle fleet import`."""
KEPT_LIMIT_CHARACTERS: Final = 900_000
"""Bytes of a tried file that the page carries until it is imported, packed; a form's field may hold 1 MB."""
SHOWN_LIMIT: Final = 200
"""Problems on the page; who has more mends these first."""
ENDINGS: Final = (".csv", ".xlsx", ".json")
Operating = Annotated[Person, Depends(operator)]
Guarded: Any = [Depends(form_guard)]


@router.get("/registre", response_class=HTMLResponse)
def page(visit: Viewing, person: Operating) -> HTMLResponse:
    """Show what a file may be, and the form."""
    del person
    with visit.database.read() as connection:
        return _page(visit, connection)


def _page(visit: Visit, connection: Connection, *, status: int = 200, **values: Any) -> HTMLResponse:
    shown = {"problems": [], "unlisted": 0, "counts": {}, "name": "", "kept": "", "refused": ""} | values
    return visit.page("pages/registry.html", connection, status=status, **shown)


@router.post("/registre/essai", response_class=HTMLResponse, dependencies=Guarded)
def attempt(visit: Viewing, person: Operating, file: Annotated[UploadFile, File()]) -> HTMLResponse:
    """Apply a file and take it back: what it would change, or every problem."""
    name, content = _plain_name(file.filename or ""), file.file.read(FILE_LIMIT_BYTES + 1)
    shown: dict[str, Any] = {"refused": visit.words.t("registry.refused")}
    kept = base64.b64encode(zlib.compress(content, 9)).decode()
    fits = len(content) <= FILE_LIMIT_BYTES and len(kept) <= KEPT_LIMIT_CHARACTERS
    if fits and name.endswith(ENDINGS):
        shown = _tried(visit, name, content, person.name) | {"name": name}
        if "counts" in shown:
            shown["kept"] = kept
    with visit.database.read() as connection:
        return _page(visit, connection, status=200 if "kept" in shown else 422, **shown)


def _tried(visit: Visit, name: str, content: bytes, who: str, *, dry_run: bool = True) -> dict[str, Any]:
    """Return how many of what would be imported, or is, or the problems."""
    try:
        return {"counts": _apply(visit, name, content, who=who, dry_run=dry_run)}
    except FileRefused as error:
        shown = error.problems[:SHOWN_LIMIT]
        return {"problems": shown, "unlisted": error.count - len(shown)}
    except (MistakeError, SheetError) as error:
        return {"problems": [Problem(text=str(error))], "unlisted": 0}


@router.post("/registre", dependencies=Guarded)
def import_kept(
    visit: Viewing,
    person: Operating,
    name: Annotated[Line, Form(max_length=200)],
    kept: Annotated[Line, Form(max_length=KEPT_LIMIT_CHARACTERS)],
) -> Response:
    """Import the file that was tried; it is checked again, as the registry may have changed since."""
    content, name = _unpacked(kept), _plain_name(name)
    shown = _tried(visit, name, content, person.name, dry_run=False) | {"name": name}
    if "counts" not in shown:
        with visit.database.read() as connection:
            return _page(visit, connection, status=409, **shown)
    answer = RedirectResponse("/passerelles", SEE_OTHER)
    return leave_toast(answer, "toast.registry", count=shown["counts"].get("gateways", 0))


def _unpacked(kept: str) -> bytes:
    try:
        content = zlib.decompressobj().decompress(base64.b64decode(kept, validate=True), FILE_LIMIT_BYTES + 1)
    except (zlib.error, binascii.Error, ValueError) as error:
        raise HTTPException(422) from error
    if len(content) > FILE_LIMIT_BYTES:
        raise HTTPException(422)
    return content


def _apply(visit: Visit, name: str, content: bytes, *, who: str, dry_run: bool) -> dict[str, int]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        checked = check_file(visit.database, path)
    with visit.database.write() as connection:
        counts = take_in(connection, checked, who=who, now_us=visit.now_us)
        if dry_run:
            connection.rollback()
    return counts


def _plain_name(name: str) -> str:
    stem, _, ending = name.replace("\\", "/").rpartition("/")[2].rpartition(".")
    plain = "".join(letter for letter in stem if letter.isalnum() or letter in "-_ ")[:80]
    return f"{plain or 'registre'}.{ending.lower()}"


@router.get("/registre/registre.{form}")
def export(form: str, visit: Viewing, person: Operating) -> Response:
    """Return the whole registry as a sheet that can be imported again."""
    del person
    if f".{form}" not in sheets.SUFFIXES:
        raise HTTPException(404)
    with visit.database.read() as connection, TemporaryDirectory() as folder:
        path = Path(folder) / f"registre.{form}"
        sheets.write_cells(path, sheets.export_cells(connection))
        content = path.read_bytes()
    headers = dict(rendering.HEADERS) | {"Content-Disposition": f'attachment; filename="registre.{form}"'}
    return Response(content, media_type="application/octet-stream", headers=headers)
