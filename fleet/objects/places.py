"""In which commune an object stands, by its coordinates and the communes' borders."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shapely import STRtree
from shapely.geometry import Point, shape
from sqlalchemy import Connection, select

from fleet.registry.store import Commune
from fleet.registry.tables import communes


@dataclass(frozen=True, slots=True)
class Territory:
    """Borders of communes, to be asked for places."""

    tree: STRtree
    communes: tuple[Commune, ...]

    @classmethod
    def of(cls, known: Sequence[Commune], polygons: Mapping[str, Mapping[str, Any]]) -> "Territory":
        """Return the communes that have a border."""
        bordered = tuple(one for one in known if one.insee in polygons)
        return cls(STRtree([shape(polygons[one.insee]) for one in bordered]), bordered)

    def of_place(self, lat: float | None, lon: float | None, epci: str) -> dict[str, str]:
        """Return commune and EPCI of a place; where no border holds it, the EPCI of the list it stands in."""
        if lat is not None and lon is not None:
            found = self.tree.query(Point(lon, lat), predicate="intersects")
            if len(found):
                one = self.communes[min(found)]
                return {"commune_insee": one.insee, "epci": one.epci or epci}
        return {"commune_insee": "", "epci": epci}


def load_polygons(connection: Connection) -> dict[str, Mapping[str, Any]]:
    """Return the borders of the communes that have one."""
    query = select(communes.c.insee, communes.c.polygon).where(communes.c.polygon.is_not(None))
    return {row.insee: row.polygon for row in connection.execute(query) if row.polygon}
