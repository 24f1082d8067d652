"""GeoJSON to communes: the fields as ADMIN EXPRESS, geo.api.gouv.fr and France GeoJSON name them.

Pure: bytes in, communes and problems out.  A feature that cannot be used is refused with number and field;
a border that is not valid is repaired and said so; two communes that overlap are both kept and listed.

Sources: IGN ADMIN EXPRESS COG (COMMUNE: INSEE_COM, NOM, POPULATION, INSEE_DEP, SIREN_EPCI); geo.api.gouv.fr
/communes (code, nom, population, codeDepartement, codeEpci, epci.nom, centre); France GeoJSON (code, nom);
RFC 7946 for the geometry: WGS 84, longitude first.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from shapely import STRtree, make_valid, union_all
from shapely.errors import ShapelyError
from shapely.geometry import mapping, shape
from shapely.geometry.base import BaseGeometry

FEATURES_LIMIT = 40_000
"""France has 35,000 communes; a file with more is not a file of communes."""
OVERLAP_SHARE = 0.01
"""Share of the smaller commune; below it simplified borders merely disagree about a line."""
NAMES: dict[str, tuple[str, ...]] = {
    "insee": ("insee", "INSEE_COM", "insee_com", "code", "code_insee", "CODE_INSEE", "com_code"),
    "name": ("name", "nom", "NOM", "nom_officiel", "NOM_COM", "com_name"),
    "departement": ("departement", "INSEE_DEP", "insee_dep", "codeDepartement", "code_insee_du_departement"),
    "population": ("population", "POPULATION"),
    "epci": ("epci_name", "epci_nom", "NOM_EPCI", "epci", "codeEpci", "SIREN_EPCI", "codes_siren_des_epci"),
    "lat": ("lat", "latitude"),
    "lon": ("lon", "longitude"),
}
_INSEE = re.compile(r"\d{5}|2[AB]\d{3}")
AREAS = ("Polygon", "MultiPolygon")


@dataclass(frozen=True, slots=True, kw_only=True)
class CommuneShape:
    """One commune as a file tells it."""

    insee: str
    name: str
    departement: str
    epci: str = ""
    population: int | None = None
    """None: the file does not say."""
    lat: float
    lon: float
    polygon: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Territory:
    """What a file holds."""

    communes: tuple[CommuneShape, ...]
    refused: tuple[str, ...] = ()
    """Features that were not used, and why."""
    remarks: tuple[str, ...] = ()
    """What was used all the same: repaired borders, overlaps."""


class TerritoryError(ValueError):
    """A file that is no GeoJSON of communes."""


def read(document: bytes) -> Territory:
    """Return the communes of a file.

    Raises:
        TerritoryError: not a FeatureCollection, or too large.
    """
    communes: dict[str, CommuneShape] = {}
    refused: list[str] = []
    remarks: list[str] = []
    for number, feature in enumerate(_features(document)):
        try:
            commune, remark = _commune(feature)
        except ValueError as error:
            refused.append(f"features[{number}]: {error}")
            continue
        if commune.insee in communes:
            refused.append(f"features[{number}]: insee: {commune.insee} was there before")
            continue
        communes[commune.insee] = commune
        if remark:
            remarks.append(f"features[{number}] {commune.insee} {commune.name}: {remark}")
    found = tuple(communes[insee] for insee in sorted(communes))
    remarks += _overlaps(found)
    return Territory(communes=found, refused=tuple(refused), remarks=tuple(remarks))


def _features(document: bytes) -> list[Any]:
    try:
        raw = msgspec.json.decode(document)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise TerritoryError(f"not JSON: {error}") from error
    if not isinstance(raw, dict) or raw.get("type") != "FeatureCollection":
        raise TerritoryError("type: must be FeatureCollection (RFC 7946)")
    features = raw.get("features")
    if not isinstance(features, list):
        raise TerritoryError("features: must be a list")
    if len(features) > FEATURES_LIMIT:
        raise TerritoryError(f"features: {len(features)}, at most {FEATURES_LIMIT}")
    return features


def _commune(feature: object) -> tuple[CommuneShape, str]:
    if not isinstance(feature, dict) or not isinstance(feature.get("properties"), dict):
        raise ValueError("properties: missing")
    properties: Mapping[str, Any] = feature["properties"]
    insee = _text(properties, "insee").upper()
    if not _INSEE.fullmatch(insee):
        raise ValueError(f"insee: {insee!r} is not five digits (or 2A, 2B and three)")
    name = _text(properties, "name")
    if not name:
        raise ValueError("name: missing")
    border, remark = _border(feature.get("geometry"))
    lat, lon = _point(properties, border)
    return CommuneShape(
        insee=insee,
        name=name,
        departement=_text(properties, "departement") or departement_of(insee),
        epci=_text(properties, "epci"),
        population=_population(properties),
        lat=lat,
        lon=lon,
        polygon=None if border is None or border.geom_type not in AREAS else dict(mapping(border)),
    ), remark


def departement_of(insee: str) -> str:
    """Return the département of an INSEE code: two signs, three overseas.

    >>> departement_of("37015"), departement_of("2A004"), departement_of("97411")
    ('37', '2A', '974')
    """
    return insee[:3] if insee.startswith("97") else insee[:2]


def _text(properties: Mapping[str, Any], field: str) -> str:
    for name in NAMES[field]:
        value = properties.get(name)
        if isinstance(value, dict):
            value = value.get("nom") or value.get("name") or value.get("code")
        if value not in (None, ""):
            return str(value).strip()
    return ""


def _population(properties: Mapping[str, Any]) -> int | None:
    text = _text(properties, "population")
    if not text:
        return None
    if not text.isdecimal():
        raise ValueError(f"population: {text!r} is not a whole number")
    return int(text)


def _border(geometry: object) -> tuple[BaseGeometry | None, str]:
    """Return the geometry, repaired if it must be, and what was wrong."""
    if geometry is None:
        return None, ""
    try:
        border = shape(geometry)
    except (ShapelyError, ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
        raise ValueError(f"geometry: {error}") from error
    if border.is_empty or border.geom_type not in (*AREAS, "Point"):
        raise ValueError(f"geometry: {border.geom_type} is neither Polygon, MultiPolygon nor Point")
    west, south, east, north = border.bounds
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise ValueError("geometry: outside ±180, ±90 degrees; GeoJSON wants WGS 84, longitude first")
    if border.is_valid:
        return border, ""
    repaired = _areas(make_valid(border))
    if repaired is None:
        raise ValueError("geometry: not valid, and no area is left after repair")
    return repaired, "the border was not valid and was repaired"


def _areas(repaired: BaseGeometry) -> BaseGeometry | None:
    """Keep every area of a repaired border; lines and points that came of it are dropped."""
    if repaired.geom_type in AREAS:
        return repaired
    parts = [part for part in getattr(repaired, "geoms", ()) if part.geom_type in AREAS]
    return union_all(parts) if parts else None


def _point(properties: Mapping[str, Any], border: BaseGeometry | None) -> tuple[float, float]:
    lat, lon = _text(properties, "lat"), _text(properties, "lon")
    if lat and lon:
        return _degrees("lat", lat, 90), _degrees("lon", lon, 180)
    if border is None:
        raise ValueError("geometry: missing, and no lat and lon among the properties")
    inside = border.representative_point()
    return round(inside.y, 6), round(inside.x, 6)


def _degrees(field: str, text: str, limit: int) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"{field}: {text!r} is not a number of degrees") from None
    if not -limit <= value <= limit:
        raise ValueError(f"{field}: {text} is not within ±{limit} degrees")
    return value


def _overlaps(communes: Sequence[CommuneShape]) -> list[str]:
    """Return the pairs whose areas overlap by more than ``OVERLAP_SHARE`` of the smaller."""
    with_border = [commune for commune in communes if commune.polygon is not None]
    borders = [shape(commune.polygon) for commune in with_border]
    if len(borders) < 2:
        return []
    found = []
    left, right = STRtree(borders).query(borders, predicate="intersects")
    for one, other in zip(left.tolist(), right.tolist(), strict=True):
        if one >= other:
            continue
        common = borders[one].intersection(borders[other]).area
        smaller = min(borders[one].area, borders[other].area)
        if common > smaller * OVERLAP_SHARE:
            pair = f"{with_border[one].insee} and {with_border[other].insee}"
            found.append(f"{pair}: the borders overlap by {common / smaller:.0%} of the smaller")
    return found
