"""The contract's settings as a reader wants them: « préavis : 72 h », not microseconds.  Pure.

Every setting has its words here; a test demands it, so that a new one cannot be left out of a report.
"""

from dataclasses import fields

from fleet.durations import HOUR_US, MINUTE_US, SECOND_US
from fleet.facts.settings import ContractSettings, LnsProof, Serving, Weight
from fleet.lang.format import NARROW, duration, number, ratio
from fleet.reports.causes import CAUSES
from fleet.reports.model import Column, Table

WORDS = {
    "version": "Version des réglages",
    "objective_global_ppm": "Engagement sur le service entier",
    "objective_commune_ppm": "Engagement dans chaque commune",
    "serving": "Une commune est desservie quand",
    "weight": "Poids d’une commune dans le chiffre global",
    "unknown_is_charged": "Le temps inconnu est imputé à l’exploitant",
    "lns_answer_max_us": "Âge de la dernière réponse du cœur de réseau",
    "lns_proof": "Le cœur de réseau est joint quand",
    "time_agreement_us": "Écart admis de l’horloge d’une passerelle",
    "silence_confirmed_us": "Silence confirmé après",
    "blindness_tail_us": "Aveuglement prolongé après le retour de",
    "bridging_tolerance_ms": "Tolérance entre deux battements",
    "two_boxes_overlap_us": "Deux boîtiers sous un même EUI au-delà de",
    "restart_allowance_us": "Redémarrage rattaché à sa cause jusqu’à",
    "maintenance_notice_us": "Préavis d’une maintenance",
    "maintenance_cap_us": "Plafond des maintenances, par commune et par mois",
    "maintenance_year_cap_us": "Plafond des maintenances, par commune et par an",
    "maintenance_whole_cap_us": "Plafond des maintenances, réseau entier et par mois",
    "maintenance_whole_year_cap_us": "Plafond des maintenances, réseau entier et par an",
    "withdrawal_notice_us": "Préavis d’un retrait de passerelle",
    "deferred_limit_us": "Remise tardive admise dans le chiffre différé",
    "responsible": "Qui répond de quelle cause",
}
SERVING = {
    Serving.ANY: "une de ses passerelles au moins est en service",
    Serving.ALL: "toutes ses passerelles sont en service",
    Serving.SENSORS: "ses capteurs sont entendus (moyenne sur les capteurs)",
}
LNS_PROOF = {
    LnsProof.KEEP_ALIVE: "il répond",
    LnsProof.END_TO_END: "il répond et acquitte l’appareil d’essai de la passerelle, s’il en est un",
}
WEIGHT = {
    Weight.POPULATION: "population",
    Weight.SENSORS: "nombre de capteurs",
    Weight.EQUAL: "le même pour toutes",
}


def settings_table(settings: ContractSettings) -> Table:
    """Return every setting of the contract that the figures depend on, in words, with its name."""
    rows = tuple(
        (WORDS.get(one.name, one.name), in_words(one.name, getattr(settings, one.name)), one.name)
        for one in fields(settings)
    )
    columns = (
        Column(title="Réglage", room=30),
        Column(title="Valeur", room=45),
        Column(title="Nom", sheet_only=True),
    )
    return Table(name="reglages", title="Réglages du contrat", columns=columns, rows=rows)


def in_words(name: str, value: object) -> str:
    """Return the value of one setting as people say it.

    >>> in_words("maintenance_notice_us", 72 * HOUR_US).replace(NARROW, " ")
    '72 h'
    >>> in_words("objective_global_ppm", 999_700), in_words("unknown_is_charged", True)
    ('99,97\u202f%', 'oui')
    """
    match value:
        case bool():
            words = "oui" if value else "non"
        case Serving():
            words = SERVING[value]
        case LnsProof():
            words = LNS_PROOF[value]
        case Weight():
            words = WEIGHT[value]
        case dict():
            parts = (f"{CAUSES[cause]}{NARROW}: {who}" for cause, who in value.items() if who)
            words = f"{NARROW}; ".join(parts)
        case int():
            words = _quantity(name, value)
        case _:
            words = str(value)
    return words


def _quantity(name: str, value: int) -> str:
    if name.endswith("_ppm"):
        return ratio("fr", value, 1_000_000, 1 if value % 1_000 == 0 else 2)
    if name.endswith(("_us", "_ms")):
        return _length(value * (1_000 if name.endswith("_ms") else 1))
    return number("fr", value)


def _length(us: int) -> str:
    """Return a length in its largest whole unit up to hours: contracts say 72 h and 120 s."""
    for unit_us, letter in ((HOUR_US, "h"), (MINUTE_US, "min"), (SECOND_US, "s")):
        if us and us % unit_us == 0:
            return f"{number('fr', us // unit_us)}{NARROW}{letter}"
    return duration("fr", us)
