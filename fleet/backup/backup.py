"""`passerelle fleet backup`: everything that a restored fleet needs, while it runs.

The rows are one snapshot.  Files are read after it, so that no certificate of the rows lacks its key; what a
fleet does between the two is in neither.  The broker's store (retained configurations, sessions) is left out:
the fleet publishes what is desired again.
"""

import hashlib
from collections.abc import Iterator
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

import msgspec

from fleet.backup import archive, rows
from fleet.backup.archive import End, Manifest, Recipient
from fleet.db.connect import Database
from fleet.db.migrate import current
from fleet.errors import MistakeError
from fleet.settings import FILE_NAME, Settings, read_founded

FOLDERS = ("keys", "mosquitto")
LEFT_OUT = frozenset({".pid", ".new", ".db", ".log", ".spent"})
"""Ends of names: what only a running broker has, and which seals were replaced since: rows are older."""
FILE_LIMIT_BYTES = 16 * 1024 * 1024
FILES_LIMIT = 1_000


def make_backup(settings: Settings, output: Path, recipients: tuple[Recipient, ...], now_us: int) -> End:
    """Write the archive of one fleet to ``output`` and return what it holds.

    Raises:
        MistakeError: ``output`` exists, there is no database, or a file is too large for what it should be.
    """
    if output.exists():
        raise MistakeError(f"{output}: exists; an archive is never written over")
    with closing(Database(settings.database_url)) as database, rows.snapshot(database) as connection:
        revision = current(connection)
        if revision is None:
            raise MistakeError(f"{settings.database_url}: no database of a fleet")
        manifest = Manifest(
            format=archive.FORMAT,
            program=version("passerelle"),
            revision=revision,
            made_at_us=now_us,
            data=str(settings.data.resolve()),
            database_url=read_founded(settings.data).database_url,
        )
        counts: dict[str, int] = {}
        digests: dict[str, str] = {}
        with archive.writing(output, recipients) as tar:
            archive.add(tar, archive.MANIFEST, msgspec.json.encode(manifest))
            for number, chunk in enumerate(rows.chunks(connection)):
                archive.add(tar, f"{archive.TABLES}{number:06d}", msgspec.msgpack.encode(chunk))
                counts[chunk.table] = counts.get(chunk.table, 0) + len(chunk.rows)
            for path in files_of(settings.data):
                name, content = str(path.relative_to(settings.data)), path.read_bytes()
                digests[name] = hashlib.sha256(content).hexdigest()
                archive.add(tar, f"{archive.FILES}{name}", content)
            end = End(rows=counts, sha256=digests)
            archive.add(tar, archive.END, msgspec.json.encode(end))
    return end


def files_of(data: Path) -> Iterator[Path]:
    """Yield the files of a fleet beside its database.

    Raises:
        MistakeError: too many or too large: something else lies there.
    """
    found = [data / FILE_NAME]
    for folder in FOLDERS:
        below = (path for path in sorted((data / folder).rglob("*")) if path.is_file())
        found += [path for path in below if path.suffix not in LEFT_OUT]
    if len(found) > FILES_LIMIT:
        raise MistakeError(f"{data}: {len(found)} files in {' and '.join(FOLDERS)}, at most {FILES_LIMIT}")
    for path in found:
        if path.stat().st_size > FILE_LIMIT_BYTES:
            raise MistakeError(f"{path}: larger than {FILE_LIMIT_BYTES} bytes; what is it?")
        yield path
