"""Maps of a département as SVG: communes that hold the promise, that do not, and that nobody serves.  Pure.

A commune without a border is a point.  Colour never stands alone: what breaks the promise is hatched too.
"""

from collections.abc import Mapping, Sequence
from math import cos, radians
from typing import Any
from xml.sax.saxutils import escape

from fleet.availability.reckoning import CommuneCard, MonthInput, MonthResult
from fleet.availability.standing import MonthStanding, month_standing
from fleet.reports.model import AT_RISK, VERDICTS, Area, Picture

WIDTH = 520
MARGIN = 8
POINT_RADIUS = 4
STEP_DEGREES = 0.001
"""Points of a border that are closer to the one before are left out: 0.1 mm on paper."""
GOOD, RISK, BAD, NONE = "#8fc7a8", "#f0a94a", "#b3261e", "#e3e5e8"


def pictures(
    given: MonthInput,
    result: MonthResult,
    polygons: Mapping[str, Mapping[str, Any] | None],
    points: Mapping[str, tuple[float, float]],
    names: Mapping[str, str],
    *,
    epci: str = "",
) -> tuple[Picture, ...]:
    """Return one picture for each département; ``points`` are (lon, lat)."""
    cards = [card for card in given.communes if card.insee in points and (not epci or card.epci == epci)]
    made = []
    month = month_standing(result, given.weights, given.settings)
    so_far = " ou en danger" if result.provisional else ""
    for departement in sorted({card.departement for card in cards}):
        inside = [card for card in cards if card.departement == departement]
        areas = tuple(_area(card, month, polygons.get(card.insee), points) for card in inside)
        bad = sum(area.verdict is False or area.verdict == AT_RISK for area in areas)
        title = names.get(departement, departement)
        words = f"{title} : engagement manqué{so_far} dans {bad} des {len(areas)} communes"
        made.append(Picture(title=words, alternative=f"Carte. {words}.", areas=areas))
    return tuple(made)


def _area(
    card: CommuneCard,
    month: MonthStanding,
    polygon: Mapping[str, Any] | None,
    points: Mapping[str, tuple[float, float]],
) -> Area:
    promise = month.communes.get(card.insee)
    return Area(
        name=card.name,
        rings=_rings(polygon),
        point=points[card.insee],
        verdict=VERDICTS[promise.standing] if promise else None,
    )


def _rings(polygon: Mapping[str, Any] | None) -> tuple[tuple[tuple[float, float], ...], ...]:
    if polygon is None:
        return ()
    coordinates = polygon["coordinates"]
    areas = coordinates if polygon["type"] == "MultiPolygon" else [coordinates]
    return tuple(_thinned(ring) for area in areas for ring in area[:1])


def _thinned(ring: Sequence[Sequence[float]]) -> tuple[tuple[float, float], ...]:
    kept: list[tuple[float, float]] = []
    for point in ring:
        x, y = point[0], point[1]
        if not kept or abs(x - kept[-1][0]) + abs(y - kept[-1][1]) >= STEP_DEGREES:
            kept.append((x, y))
    return tuple(kept)


def svg(picture: Picture) -> str:
    """Return the picture as one SVG document."""
    everything = [point for area in picture.areas for ring in area.rings for point in ring]
    everything += [area.point for area in picture.areas]
    west, east = min(x for x, _ in everything), max(x for x, _ in everything)
    south, north = min(y for _, y in everything), max(y for _, y in everything)
    narrow = cos(radians((south + north) / 2))
    scale = (WIDTH - 2 * MARGIN) / max((east - west) * narrow, north - south, 1e-9)
    height = int((north - south) * scale) + 2 * MARGIN

    def projected(point: tuple[float, float]) -> str:
        x = MARGIN + (point[0] - west) * narrow * scale
        y = MARGIN + (north - point[1]) * scale
        return f"{x:.1f},{y:.1f}"

    shapes = "".join(_shape(area, projected) for area in picture.areas)
    hatch = (
        '<pattern id="h" width="4" height="4" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        f'<rect width="4" height="4" fill="{BAD}"/><rect width="1.2" height="4" fill="#fff"/></pattern>'
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}"><defs>{hatch}</defs>{shapes}</svg>'
    )


def _shape(area: Area, projected: Any) -> str:
    colour = {True: GOOD, AT_RISK: RISK, False: "url(#h)", None: NONE}[area.verdict]
    style = f'fill="{colour}" stroke="#5f6368" stroke-width=".4"'
    title = f"<title>{escape(area.name)}</title>"
    if not area.rings:
        x, y = projected(area.point).split(",")
        return f'<circle cx="{x}" cy="{y}" r="{POINT_RADIUS}" {style}>{title}</circle>'
    path = "".join(f"M{' '.join(projected(point) for point in ring)}Z" for ring in area.rings)
    return f'<path d="{path}" {style}>{title}</path>'
