"""`passerelle fleet restore`: a fleet from its archive, in a bare folder and an empty database.

    archive ─▶ DATA/restoring (files; SQLite) or one transaction (PostgreSQL)
            ─▶ counts and digests of the end fit ─▶ migrated to this program
            ─▶ moved into DATA, fleet.json last

Until fleet.json is there, nothing is a fleet: a restore that was cut off is done again from the beginning.
Who was revoked stays so: the list and the broker's rights are made anew from the rows.
"""

import hashlib
import shutil
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path, PurePosixPath

import msgspec
from sqlalchemy import Connection, inspect, text

from fleet.backup import archive, rows
from fleet.backup.archive import ArchiveRefused, End, Identity, Manifest
from fleet.backup.backup import FOLDERS
from fleet.db import migrate
from fleet.db.connect import Database, sqlite_url
from fleet.errors import MistakeError
from fleet.identity.foundation import FOLDER_MODE, broker_files, close_to_others, read_keys
from fleet.identity.revocation import BrokerDoor, apply_rights
from fleet.settings import FILE_NAME, effective_environment, read_founded, read_settings

STAGING = "restoring"


def restore(
    data: Path, source: Path, identities: list[Identity], environment: Mapping[str, str], now_us: int
) -> tuple[Manifest, End]:
    """Bring the fleet of an archive into ``data`` and return what it was.

    Raises:
        MistakeError: a fleet or rows are there already, or the archive is refused; nothing is left behind.
    """
    _check_bare(data)
    data.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    staging = data / STAGING
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(mode=FOLDER_MODE)
    try:
        with archive.reading(source, identities) as members:
            manifest, end = _load(staging, members, environment)
        _move(staging, data, manifest)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    settings = read_settings(data, environment)
    authority = read_keys(data).authority
    door = BrokerDoor(broker=settings.broker, files=broker_files(data), authority=authority)
    with closing(Database(settings.database_url)) as database:
        apply_rights(database, door, now_us)
    close_to_others(data)
    return manifest, end


def _check_bare(data: Path) -> None:
    for name in (FILE_NAME, *FOLDERS, "fleet.db"):
        if (data / name).exists():
            raise MistakeError(f"{data / name}: exists; restore into a bare folder, or move it away first")


def _load(
    staging: Path, members: Iterator[tuple[str, bytes]], environment: Mapping[str, str]
) -> tuple[Manifest, End]:
    manifest = _manifest(next(members, ("", b"")))
    held: list[bytes] = []
    named = environment.get("PASSERELLE_DATABASE_URL") or manifest.database_url
    url = named or sqlite_url(staging / "fleet.db")
    with closing(Database(url)) as database, database.write() as connection:
        _lay_schema(connection, manifest)
        tables = rows.tables_to_fill(connection)
        counts: dict[str, int] = {}
        digests: dict[str, str] = {}
        for name, content in members:
            if name.startswith(archive.TABLES):
                chunk = msgspec.msgpack.decode(content, type=rows.Chunk)
                rows.fill(connection, chunk, tables)
                counts[chunk.table] = counts.get(chunk.table, 0) + len(chunk.rows)
            elif name.startswith(archive.FILES):
                digests[_lay_file(staging, name, content)] = hashlib.sha256(content).hexdigest()
            else:
                held.append(content)
        _check_database(staging, named, environment)
        end = _end(held)
        if end.rows != counts or end.sha256 != digests:
            raise ArchiveRefused("archive: its end names other rows or files than it holds")
        rows.continue_numbering(connection, tuple(tables.values()))
        migrate.migrate_to(connection, "head")
    return manifest, end


def _check_database(staging: Path, filled: str, environment: Mapping[str, str]) -> None:
    """Refuse rows in another database than the one that the restored fleet would open."""
    if not (staging / FILE_NAME).exists():
        return  # cut off, which its end tells
    opened = effective_environment(read_founded(staging), environment)["PASSERELLE_DATABASE_URL"]
    if opened != filled:
        raise ArchiveRefused(
            "archive: its fleet.json names another database than its manifest;"
            " set PASSERELLE_DATABASE_URL to the one to restore into"
        )


def _manifest(first: tuple[str, bytes]) -> Manifest:
    name, content = first
    if name != archive.MANIFEST:
        raise ArchiveRefused("archive: does not begin with its manifest")
    try:
        manifest = msgspec.json.decode(content, type=Manifest)
    except msgspec.DecodeError as error:
        raise ArchiveRefused(f"archive: manifest: {error}") from error
    if manifest.format != archive.FORMAT:
        raise ArchiveRefused(f"archive: format {manifest.format}, this program reads {archive.FORMAT}")
    return manifest


def _end(members: list[bytes]) -> End:
    try:
        (content,) = members
        return msgspec.json.decode(content, type=End)
    except (ValueError, msgspec.DecodeError) as error:
        raise ArchiveRefused("archive: cut off before its end") from error


def _lay_schema(connection: Connection, manifest: Manifest) -> None:
    """Make the tables as the archive's rows had them."""
    if present := [name for name in inspect(connection).get_table_names() if name != "spatial_ref_sys"]:
        raise MistakeError(f"database: not empty ({', '.join(present[:3])}…); restore into an empty one")
    if manifest.revision not in migrate.revisions(connection):
        raise ArchiveRefused(
            f"archive: schema {manifest.revision} of Passerelle {manifest.program}, newer than this program;"
            " install that release, restore, then go back with `passerelle fleet db downgrade`"
        )
    migrate.migrate_to(connection, manifest.revision)
    for table in reversed(rows.tables_to_fill(connection)):
        connection.execute(text(f'DELETE FROM "{table}"'))  # noqa: S608 names of our own schema


def _lay_file(staging: Path, name: str, content: bytes) -> str:
    inside = PurePosixPath(name.removeprefix(archive.FILES))
    known = inside.parts[0] in FOLDERS or str(inside) == FILE_NAME
    if ".." in inside.parts or inside.is_absolute() or not known:
        raise ArchiveRefused(f"archive: {name}: no file of a fleet")
    path = staging / inside
    path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    path.touch(mode=archive.OWNER_ONLY)
    path.write_bytes(content)
    return str(inside)


def _move(staging: Path, data: Path, manifest: Manifest) -> None:
    """Move everything into the folder, the database before what makes it a fleet."""
    if (staging / "fleet.db").exists():
        (staging / "fleet.db").replace(data / "fleet.db")
    for folder in FOLDERS:
        if (staging / folder).exists():
            (staging / folder).replace(data / folder)
    files = broker_files(data)
    (files.folder / "data").mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    if files.configuration.exists():
        lines = files.configuration.read_text(encoding="utf-8")
        files.configuration.write_text(lines.replace(f"{manifest.data}/", f"{data.resolve()}/"))
    (staging / FILE_NAME).replace(data / FILE_NAME)
