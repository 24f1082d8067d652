"""Words of a closed set that stand as a value in a reason, in French and English, by the value's name."""

Words = dict[str, tuple[str, str]]

_STAGES: Words = {
    "restart_radio": ("relance de la radio", "restart of the radio"),
    "restart_process": ("relance du logiciel", "restart of the software"),
    "reboot": ("redémarrage", "reboot"),
    "renew_address": ("nouvelle adresse", "new address"),
    "reset_modem": ("réinitialisation du modem", "reset of the modem"),
    "power_modem": ("coupure du modem", "power cut of the modem"),
    "other_interface": ("autre interface ou autre carte SIM", "other interface or other SIM"),
}
WORDS: dict[str, Words] = {
    "stage": _STAGES,
    "role": {
        "root": ("racine de confiance", "root of trust"),
        "timestamp": ("horodatage", "timestamp"),
        "snapshot": ("état des listes", "snapshot"),
        "targets": ("liste des versions", "list of releases"),
        "release": ("version", "release"),
    },
    "radio": {"OFF": ("arrêtée", "off"), "DEAF": ("sourde", "deaf")},
    "agc_parity": {"ok": ("bonne", "ok"), "lost": ("PERDUE", "LOST")},
    "arb_parity": {"ok": ("bonne", "ok"), "lost": ("PERDUE", "LOST")},
    "program": {"AGC": ("AGC", "AGC"), "ARB": ("ARB", "ARB")},
    "power": {
        "GOOD": ("bonne", "good"),
        "THROTTLED": ("processeur ralenti", "processor slowed down"),
        "UNDER_VOLTAGE": ("tension trop basse", "under-voltage"),
    },
    "time_quality": {
        "UNTRUSTED": ("non garantie", "not trusted"),
        "NTP": ("NTP", "NTP"),
        "GNSS": ("GNSS", "GNSS"),
        "LNS": ("LNS", "LNS"),
    },
    "tx_state": {
        "free": ("libre", "free"),
        "scheduled": ("programmée", "scheduled"),
        "emitting": ("en émission", "emitting"),
        "unknown": ("inconnu", "unknown"),
    },
    "outcome": {
        "enrolled": ("fait", "done"),
        "unreachable": ("la flotte ne répond pas", "the fleet does not answer"),
        "server_fault": ("la flotte est en panne", "the fleet is out of order"),
        "unknown": ("jeton inconnu", "unknown token"),
        "used": ("jeton déjà utilisé", "token already used"),
        "expired": ("jeton expiré", "token expired"),
        "revoked": ("jeton révoqué", "token revoked"),
        "foreign": ("jeton d’une autre passerelle", "token of another gateway"),
        "malformed": ("demande illisible", "unreadable request"),
        "bad_certificate": ("certificat reçu invalide", "the certificate received is invalid"),
        "disk": ("la carte est pleine ou en lecture seule", "the card is full or read-only"),
    },
    "changed": {
        "lns": ("adresse ou identifiants du LNS", "address or credentials of the LNS"),
        "cups": ("adresse ou identifiants de CUPS", "address or credentials of CUPS"),
    },
    "expected": {
        "str": ("texte", "text"),
        "int": ("nombre entier", "whole number"),
        "float": ("nombre", "number"),
        "bool": ("vrai ou faux", "true or false"),
        "object": ("objet", "object"),
        "array": ("liste", "list"),
        "null": ("rien", "nothing"),
    },
}
WORDS["found"] = WORDS["expected"]
