"""What an import would change: renamed, merged, new, gone; pure.

A commune of a département that the file covers and that is missing from the file is *merged* when its point
lies within a commune of the file, else *gone*.  Its row and its past stay: figures of closed months name it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from shapely.geometry import Point, shape

from fleet.territory.geojson import CommuneShape


class ChangeKind(StrEnum):
    """What became of a commune."""

    NEW = "new"
    RENAMED = "renamed"
    MERGED = "merged"
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A commune as the registry has it."""

    insee: str
    name: str
    departement: str
    lat: float | None
    lon: float | None
    retired: bool = False
    """Merged or gone before; not looked at again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change; ``before`` and ``after`` are names, or for a merger INSEE codes."""

    insee: str
    kind: ChangeKind
    before: str
    after: str


def changes(known: Mapping[str, Known], communes: Sequence[CommuneShape]) -> tuple[Change, ...]:
    """Return what the communes of a file change, in order of INSEE code."""
    told = {commune.insee: commune for commune in communes}
    covered = {commune.departement for commune in communes}
    found: list[Change] = []
    for insee, commune in told.items():
        before = known.get(insee)
        if before is None:
            found.append(Change(insee=insee, kind=ChangeKind.NEW, before="", after=commune.name))
        elif before.name != commune.name:
            found.append(Change(insee=insee, kind=ChangeKind.RENAMED, before=before.name, after=commune.name))
    for insee, missing in known.items():
        if insee in told or missing.retired or missing.departement not in covered:
            continue
        into = _within(missing, communes)
        kind = ChangeKind.GONE if into is None else ChangeKind.MERGED
        found.append(Change(insee=insee, kind=kind, before=insee, after=into or ""))
    return tuple(sorted(found, key=lambda change: (change.insee, change.kind)))


def _within(missing: Known, communes: Sequence[CommuneShape]) -> str | None:
    if missing.lat is None or missing.lon is None:
        return None
    point = Point(missing.lon, missing.lat)
    for commune in communes:
        if commune.polygon is not None and shape(commune.polygon).contains(point):
            return commune.insee
    return None
