"""What each path to a network server promises and can lose, by the kind of connector; French and English.

Work order, agent's status, the fleet's pages and the contract's report say it in these words.
Source: docs/lns.md, measured by ``make judge``.
"""

from typing import Final

PATHS: Final[dict[str, tuple[str, str]]] = {
    "chirpstack_mqtt": (
        "MQTT, sans pont\u202f: les trames sont gardées tant que ChirpStack lui-même ne les prend pas",
        "MQTT, without a bridge: frames are held until ChirpStack itself takes them",
    ),
    "basics_station": (
        "Basics Station\u202f: les trames sont gardées tant que ce serveur ne répond pas\u202f; "
        "derrière un pont, ce que ChirpStack manque est perdu",
        "Basics Station: frames are held until this server answers; "
        "behind a bridge, what ChirpStack misses is lost",
    ),
    "semtech_udp": (
        "UDP Semtech\u202f: les trames sont gardées tant que cette adresse n’acquitte pas\u202f; "
        "derrière un pont, ce que ChirpStack manque est perdu\u202f; ni chiffré ni authentifié",
        "Semtech UDP: frames are held until this address acknowledges; "
        "behind a bridge, what ChirpStack misses is lost; neither encrypted nor authenticated",
    ),
}
