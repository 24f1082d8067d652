"""Open data of a month: one row a commune, as CSV, with a table schema; pure.

Neither sites nor gateways nor places are in it: the fields below are all there is.  Seconds and percentages
are exact decimals with a point; percentages are truncated, as in the reports.
Sources: RFC 4180 (commas, CRLF); Frictionless Table Schema 1 (the form that data.gouv.fr checks).
"""

import csv
import io
from typing import Any

import msgspec

from fleet.availability.figures import PERCENT_DIGITS, percent
from fleet.availability.reckoning import MonthInput, MonthResult
from fleet.facts.states import CommuneState

FORMULA_SIGNS = ("=", "+", "-", "@")
STATES = {
    "secondes_servies": (CommuneState.SERVED, "Temps où la commune était servie"),
    "secondes_perdues": (CommuneState.LOST, "Temps de coupure du service"),
    "secondes_exclues": (CommuneState.EXCLUDED, "Travaux annoncés, exclus du calcul"),
    "secondes_inconnues": (CommuneState.UNKNOWN, "Temps où la supervision elle-même ne voyait pas"),
    "secondes_non_couvertes": (CommuneState.NOT_COVERED, "Temps sans passerelle en service pour la commune"),
}
_REQUIRED = {"required": True}
FIELDS: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
    ("code_insee", "string", "Code INSEE de la commune", _REQUIRED | {"pattern": "[0-9AB]{5}"}),
    ("nom_commune", "string", "Nom de la commune", {}),
    ("mois", "yearmonth", "Mois, heure de Paris", _REQUIRED),
    ("version", "integer", "Version de la clôture du mois ; vide tant qu’il est provisoire", {"minimum": 1}),
    ("empreinte", "string", "SHA-256 des faits du mois", _REQUIRED | {"pattern": "[0-9a-f]{64}"}),
    ("disponibilite_pourcent", "number", "Taux de disponibilité, tronqué ; vide si rien ne compte", {}),
    *((name, "number", what, _REQUIRED | {"minimum": 0}) for name, (_, what) in STATES.items()),
    ("provisoire", "boolean", "Vrai tant que le mois n’est pas clos", _REQUIRED),
)
"""Name, type, description and constraints of each column, in order."""


def table_schema() -> dict[str, Any]:
    """Return the Table Schema of the file."""
    return {
        "$schema": "https://frictionlessdata.io/schemas/table-schema.json",
        "name": "disponibilite-lorawan-communes",
        "title": "Disponibilité du service LoRaWAN par commune et par mois",
        "fields": [
            {"name": name, "type": type_, "description": what, "constraints": limits}
            for name, type_, what, limits in FIELDS
        ],
        "missingValues": [""],
        "primaryKey": ["code_insee", "mois"],
    }


def schema_json() -> bytes:
    """Return the Table Schema as it stands beside the file."""
    return msgspec.json.format(msgspec.json.encode(table_schema()), indent=1) + b"\n"


def csv_of_month(given: MonthInput, result: MonthResult, *, version: int | None, digest: str) -> bytes:
    """Return the communes of a month in order of their codes; ``version`` None: not closed."""
    names = {card.insee: card.name for card in given.communes}
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([name for name, _, _, _ in FIELDS])
    for insee, figures in sorted(result.commune_figures.items()):
        writer.writerow(
            [
                insee,
                _plain(names.get(insee, "")),
                given.month,
                "" if version is None else version,
                digest,
                percent(figures.share.ratio, PERCENT_DIGITS),
                *(_seconds(figures.by_state_us[state]) for state, _ in STATES.values()),
                "true" if version is None else "false",
            ]
        )
    return out.getvalue().encode()


def _seconds(length_us: int) -> str:
    """Return microseconds as exact seconds.

    >>> _seconds(1_500_000), _seconds(1)
    ('1.500000', '0.000001')
    """
    return f"{length_us // 1_000_000}.{length_us % 1_000_000:06d}"


def _plain(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA_SIGNS) else text
