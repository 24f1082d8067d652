"""Causes as a report names them."""

from fleet.facts.states import Cause

CAUSES = {
    Cause.NONE: "aucune",
    Cause.POWER: "énergie",
    Cause.BACKHAUL: "liaison",
    Cause.LNS: "cœur de réseau (LNS)",
    Cause.BOX: "boîtier",
    Cause.RADIO: "radio",
    Cause.OURS: "supervision ou travaux",
    Cause.UNKNOWN: "inconnue",
}
