"""Every setting with its value, unit, source and meaning, in French; and the document's JSON Schema.

The table below is complete by a test: a field without a line here fails the build.
"""

from dataclasses import dataclass

import msgspec

from agent.wire.configuration import Configuration, ConnectorConfig, FleetConfig
from agent.wire.hidden import without_secrets

_MEANINGS: dict[str, tuple[str, str]] = {
    "radio.board": ("", "carte concentrateur (hal/boards)"),
    "radio.region": ("", "plan de fréquences"),
    "radio.antenna_gain_db": ("dBi", "gain de l’antenne, déduit de la puissance rayonnée permise"),
    "radio.cable_loss_db": ("dB", "perte du câble entre carte et antenne"),
    "radio.lorawan_public": ("", "mot de synchronisation LoRaWAN public (vrai) ou privé"),
    "radio.gnss_device": ("", "port série du récepteur GNSS (vide\u202f: aucun)"),
    "radio.class_b_beacon": ("", "émettre la balise de classe B, avec GNSS et impulsion par seconde"),
    "radio.sx1261": ("", "mettre en marche la radio d’écoute de la carte\u202f: bruit mesuré, balayage"),
    "radio.fine_timestamp": ("", "horodatage à la nanoseconde (SX1303 et GNSS)\u202f; vide\u202f: aucun"),
    "radio.lbt.threshold_dbm": ("dBm", "au-dessus, le canal est occupé et rien n’est émis"),
    "radio.lbt.channels.N.frequency_hz": ("Hz", "canal où l’on peut émettre après écoute"),
    "radio.lbt.channels.N.bandwidth_hz": ("Hz", "sa largeur"),
    "radio.lbt.channels.N.scan_us": ("µs", "durée de l’écoute"),
    "radio.lbt.channels.N.transmit_limit_ms": ("ms", "émission la plus longue après écoute"),
    "connectors.N.name": ("", "nom court du serveur LoRaWAN"),
    "connectors.N.kind": ("", "protocole du serveur"),
    "connectors.N.host": ("", "nom ou adresse du serveur"),
    "connectors.N.port": ("", "port du serveur"),
    "connectors.N.contractual": ("", "compte pour la disponibilité contractuelle (un seul)"),
    "connectors.N.replay": ("", "remettre les trames gardées pendant une coupure"),
    "connectors.N.certificate_pem": ("", "certificat émis par le serveur, à la place d’un fichier"),
    "connectors.N.key_pem": ("", "sa clé"),
    "connectors.N.spare_delivered": ("", "ne remettre des trames gardées que ce qu’aucune voisine n’a remis"),
    "connectors.N.neighbours_wait_s": ("s", "attente de la réponse de la flotte avant de tout remettre"),
    "connectors.N.drain_frames_per_s": ("trames/s", "débit de remise des trames gardées"),
    "connectors.N.priority": ("", "de ses messages descendants\u202f; le plus grand passe devant"),
    "connectors.N.filters.net_ids": ("", "ne remettre que ces réseaux (vide\u202f: tous)"),
    "connectors.N.filters.dev_addrs": ("", "ne remettre que ces préfixes d’adresse (vide\u202f: tous)"),
    "connectors.N.filters.join_euis": ("", "ne remettre que ces plages de JoinEUI (vide\u202f: toutes)"),
    "connectors.N.filters.proprietary": ("", "remettre aussi les trames propriétaires"),
    "connectors.N.tls": ("", "chiffrement du lien vers ce serveur"),
    "connectors.N.ca_file": ("", "autorité du serveur (vide\u202f: celles du système)"),
    "connectors.N.certificate_file": ("", "certificat de la passerelle pour ce serveur"),
    "connectors.N.key_file": ("", "clé de ce certificat"),
    "connectors.N.token_file": ("", "jeton d’accès (basics_station)"),
    "connectors.N.region_prefix": ("", "préfixe des sujets MQTT (chirpstack_mqtt)"),
    "connectors.N.cups.uri": ("", "adresse CUPS (basics_station)\u202f; vide\u202f: sans CUPS"),
    "connectors.N.cups.ca_file": ("", "autorité du serveur CUPS (vide\u202f: celles du système)"),
    "connectors.N.cups.certificate_file": ("", "certificat de la passerelle pour CUPS"),
    "connectors.N.cups.key_file": ("", "clé de ce certificat"),
    "connectors.N.cups.token_file": ("", "jeton d’accès à CUPS"),
    "connectors.N.owns_radio_plan": ("", "obéir aux canaux que ce serveur demande (un seul au plus)"),
    "connectors.N.forward_bad_crc": ("", "remettre aussi les trames à CRC faux, marquées, sans les garder"),
    "connectors.N.forward_non_lorawan": (
        "",
        "remettre aussi ce qui n’est pas une trame LoRaWAN (basics_station)",
    ),
    "fleet.host": ("", "courtier MQTT du gestionnaire de flotte"),
    "fleet.port": ("", "port du courtier"),
    "fleet.tls": ("", "TLS mutuel (faux\u202f: essais seulement)"),
    "intervals.heartbeat_s": ("s", "entre deux battements envoyés à la flotte"),
    "intervals.stat_s": ("s", "entre deux statistiques envoyées au serveur LoRaWAN"),
    "intervals.config_trial_s": ("s", "essai d’une nouvelle configuration avant retour à la bonne"),
    "limits.spool_records": ("trames", "nombre gardé au plus\u202f; les plus anciennes partent d’abord"),
    "limits.spool_bytes": ("octets", "place de la réserve de trames"),
    "limits.spool_age_s": ("s", "âge au-delà duquel une trame gardée est abandonnée"),
    "limits.month_bytes": ("octets/mois", "plafond du lien\u202f; au-delà, notes et esquisses attendent"),
    "metrics_port": ("", "port local des mesures Prometheus (0\u202f: fermé)"),
    "page_port": ("", "port local de l’écran d’état et du code sur site (0\u202f: fermé)"),
    "page_on_lan": ("", "cet écran aussi pour le réseau local (faux\u202f: la passerelle seule)"),
    "reference.dev_addr": ("", "capteur de référence à portée, par son DevAddr (vide\u202f: aucun)"),
    "reference.period_s": ("s", "son rythme\u202f; trois périodes de silence font douter de l’antenne"),
    "end_to_end.dev_addr": ("", "appareil d’essai de cette passerelle, par son DevAddr (vide\u202f: aucun)"),
    "end_to_end.network_key": ("", "sa clé de session réseau, qu’aucun autre appareil n’a"),
    "end_to_end.period_s": (
        "s",
        "son rythme\u202f; deux essais sans acquittement\u202f: le serveur ne traite pas",
    ),
    "end_to_end.decides": ("", "le serveur compte alors comme muet"),
    "release.root_sha256": ("", "première racine de confiance des versions, par son empreinte"),
    "release.fetch": ("", "version du logiciel à télécharger à côté, sans la lancer"),
    "release.wanted": (
        "",
        "version du logiciel à télécharger, puis à faire tourner (vide\u202f: celle de la carte)",
    ),
    "release.rate_kbit_per_s": ("kbit/s", "débit d’un téléchargement de version"),
    "release.month_budget_bytes": (
        "octets",
        "ce que les versions peuvent coûter par mois, essais manqués compris",
    ),
    "release.trial_s": ("s", "temps laissé à une version pour prouver réception et remise"),
    "permit_needed": ("", "un changement qui touche le service attend l’accord de la flotte"),
}
UNEXPLAINED = "sans explication"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One setting as it is shown."""

    path: str
    value: str
    unit: str
    source: str
    meaning: str


def explain(configuration: Configuration, *, version: int, order_version: int | None = None) -> list[Line]:
    """Return one line a setting, in the order of the document; ``order_version`` came with the card."""
    by_card = version == order_version
    source = f"ordre de travail, v. {version}" if by_card else f"flotte, version {version}"
    defaults = flat(
        msgspec.to_builtins(
            Configuration(
                connectors=(ConnectorConfig(name="lns", host="-", port=1, contractual=True),),
                fleet=FleetConfig(host="-", port=1),
            )
        )
    )
    lines = []
    for path, value in flat(msgspec.to_builtins(without_secrets(configuration))).items():
        unit, meaning = _MEANINGS.get(general(path), ("", UNEXPLAINED))
        has_default = not path.startswith(("connectors", "fleet.host", "fleet.port"))
        same = has_default and defaults.get(path) == value
        lines.append(
            Line(
                path=path,
                value=str(value) if path.endswith(".port") else _shown(value),
                unit=unit,
                source="valeur par défaut" if same else source,
                meaning=meaning,
            )
        )
    return lines


def flat(value: object, path: str = "") -> dict[str, object]:
    """Return every leaf by its path.

    >>> flat({"a": [{"b": 1}]})
    {'a.0.b': 1}
    """
    found: dict[str, object] = {}
    if isinstance(value, dict):
        for name, inner in value.items():
            found |= flat(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            found |= flat(inner, f"{path}.{index}")
    else:
        found[path] = value
    return found


def general(path: str) -> str:
    """Return the path with N in place of the index of a list.

    >>> general("connectors.12.host")
    'connectors.N.host'
    """
    return ".".join("N" if part.isdecimal() else part for part in path.split("."))


def schema() -> bytes:
    """Return the JSON Schema of the configuration document."""
    return msgspec.json.format(msgspec.json.encode(msgspec.json.schema(Configuration)), indent=1)


def _shown(value: object) -> str:
    match value:
        case None:
            return "sans"
        case bool():
            return "oui" if value else "non"
        case int():
            return f"{value:,}".replace(",", "\u202f")
        case _:
            return str(value)
