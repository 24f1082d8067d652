"""What people read of this package's sentences, in French; on the wire and in errors they are English.

``french`` is for a card or image that is not usable, ``french_reason`` for what a gateway reports.
A sentence without an entry passes through as it is.
"""

import re

from agent.wire.partition import PartitionError
from agent.wire.sentences import DOWNLINKS, RECOVERIES

_FRENCH = {
    "no_table": "le premier secteur n’est pas une table de partitions (MBR)\u202f; flashez de nouveau",
    "gpt": "la table de partitions est de type GPT\u202f; prenez une image de base avec une table MBR",
    "no_settings": "il n’y a pas exactement une partition de réglages (type 0xDA)\u202f; flashez de nouveau",
    "taken": "l’image de base a déjà une partition de réglages\u202f; prenez-en une sans",
    "full": "les quatre partitions primaires de l’image de base sont prises\u202f; il en faut une libre",
    "too_big": "l’ordre de travail est trop grand pour la partition de réglages (1 Mio)",
    "short": "la partition de réglages est trop courte\u202f; flashez de nouveau",
    "magic": "cette partition n’a pas été écrite par passerelle provision\u202f; flashez de nouveau",
    "version": "format de réglages inconnu de ce logiciel\u202f; mettez-le à jour",
    "length": "les réglages sont incomplets\u202f; flashez de nouveau",
    "sha256": "les réglages sont abîmés (sha256)\u202f; prenez une autre carte et flashez de nouveau",
    "document": "l’ordre de travail sur la carte est illisible\u202f; flashez de nouveau",
}
DETAILED = frozenset({"document", "version"})
"""For these the English detail follows: it names the field."""


def french(error: PartitionError) -> str:
    """Return the sentence for an installer."""
    sentence = _FRENCH[error.reason]
    return f"{sentence} [{error}]" if error.reason in DETAILED else sentence


_REASONS: tuple[tuple[str, str], ...] = (
    (
        r"version (\d+) rolled back to (\d+): (.*)",
        "version {0} annulée, retour à la version {1}\u202f: {2}",
    ),
    (r"the fleet did not confirm it within (\d+) s", "la flotte ne l’a pas confirmée en {0} s"),
    (r"the gateway restarted during the trial", "la passerelle a redémarré pendant l’essai"),
    (r"could not be applied: (.*)", "elle n’a pas pu être appliquée\u202f: {0}"),
    (
        r"version (\d+): this content failed before; send it as an explicit retry",
        "version {0}\u202f: ce contenu a déjà échoué\u202f; renvoyez-le comme nouvel essai explicite",
    ),
    (
        r"version (\d+) touches the service and waits for a permit",
        "la version {0} touche le service et attend l’accord de la flotte",
    ),
    (r"envelope: the signature is not the fleet's", "la signature n’est pas celle de la flotte"),
    (r"envelope: for (\S+), this is (\S+)", "destinée à {0}, cette passerelle est {1}"),
    (r"envelope: version (\d+), (\d+) was seen", "version {0} trop ancienne, {1} a déjà été vue"),
    (r"envelope: version (\d+) has expired", "la version {0} est périmée"),
    (r"envelope: (\d+) bytes, at most (\d+)", "message de {0} octets, {1} au plus"),
    (r"envelope: kind (\S+) is no (\S+)", "message d’une autre sorte ({0})"),
    (r"envelope: (.*)", "message illisible ({0})"),
    (r"configuration: (.*)", "document hors schéma\u202f: {0}"),
    (r"command: (.*)", "commande hors de la liste\u202f: {0}"),
    (
        r"Expected `(?:float|int)` (>=|<=) (\S+) - at `\$\.?(.*)`",
        "{2}\u202f: {0} {1} attendu",
    ),
    (r"Expected `(.+)`, got `(.+)` - at `\$\.?(.*)`", "{2}\u202f: {0} attendu, {1} reçu"),
    (r"Invalid enum value ('.*'|\d+) - at `\$\.?(.*)`", "{1}\u202f: {0} n’est pas admis"),
    (r"Object missing required field `(\w+)`(?: - at `\$\.?(.*)`)?", "il manque le champ {0}"),
    (r"Object contains unknown field `(\w+)`(?: - at `\$\.?(.*)`)?", "champ inconnu {0}"),
    (r"Expected `(\w+)` matching regex '(.*)' - at `\$\.?(.*)`", "{2}\u202f: forme inattendue"),
    (r"(.*) - at `\$\.?(.*)`", "{1}\u202f: {0}"),
    (r">=", "au moins"),
    (r"<=", "au plus"),
    (r"str", "texte"),
    (r"int|float", "nombre"),
    (r"bool", "vrai ou faux"),
    (r"connectors: at least one is needed", "connectors\u202f: il en faut au moins un"),
    (r"connectors: each name only once", "connectors\u202f: chaque nom une seule fois"),
    (
        r"connectors: exactly one must be contractual",
        "connectors\u202f: un seul doit être contractuel, et un au moins",
    ),
    (r"(\d+) commands wait already", "{0} commandes attendent déjà"),
    (r"given up after (\d+) s", "abandonnée au bout de {0} s"),
    (r"restart commanded by the fleet", "relance demandée par la flotte"),
    (r"reboot commanded by the fleet", "redémarrage demandé par la flotte"),
    (r"asked to stop", "arrêt demandé"),
    (r"journal damaged, set aside", "journal abîmé, mis de côté"),
    (
        r"file is not a database; moved to ([^\s,]+)(?:, (\d+) frames saved)?",
        "fichier abîmé, mis de côté sous {0}",
    ),
    (r"configuration/ledger\.json: (.*)", "registre des configurations abîmé"),
    (r"configuration slot (\w): (.*)", "configuration {0} abîmée sur la carte"),
    (r"0x\w+: the FIFO count reads 0x\w+: dead bus", "bus mort"),
    (r"socket:\S+: the socket is gone.*", "concentrateur débranché"),
    (
        r"the card is read-only, its state is kept in memory",
        "carte en lecture seule, l’état est gardé en mémoire",
    ),
    (r"cannot be written: (.*)", "la carte refuse l’écriture ({0})"),
    (r"not connected yet", "pas encore connecté"),
    (r"not started yet", "pas encore démarrée"),
    (r"moved to another broker", "passage à un autre courtier"),
    (r"the broker refuses this gateway: (.*)", "le courtier refuse cette passerelle\u202f: {0}"),
    (r"the broker has no subscriber for our frames", "personne n’est abonné à nos trames chez le courtier"),
    (r"the broker refused a frame with (0x\w+)", "le courtier a refusé une trame ({0})"),
    (r"the server closed the connection", "le serveur a fermé la connexion"),
    (r"answers", "répond"),
    (r"no answer for (\d+) s", "pas de réponse depuis {0} s"),
    (r"no answer", "pas de réponse"),
    (r"PULL_ACK", "PULL_ACK reçu"),
    (r"(?:\[Errno -?\d+\] )?Connection refused", "connexion refusée"),
    (r"(?:\[Errno -?\d+\] )?Connection reset by peer", "connexion coupée par l’autre côté"),
    (r"(?:\[Errno -?\d+\] )?Network is unreachable", "réseau injoignable"),
    (r"(?:\[Errno -?\d+\] )?No route to host", "aucune route vers le serveur"),
    (r"(?:\[Errno -?\d+\] )?Name or service not known", "nom inconnu du DNS"),
    (r"(?:\[Errno -?\d+\] )?Temporary failure in name resolution", "le DNS ne répond pas"),
    (r"(?:\[Errno -?\d+\] )?No space left on device", "plus de place sur la carte"),
    (r"(?:\[Errno -?\d+\] )?Read-only file system", "carte en lecture seule"),
    (r"(?:\[Errno -?\d+\] )?Input/output error", "erreur de lecture ou d’écriture de la carte"),
    (r"timed out|(?:\[Errno -?\d+\] )?Connection timed out", "délai dépassé"),
    (r"started, EUI ([0-9a-f]{16})", "démarrée, EUI {0}"),
    (r"the radio is off", "la radio est arrêtée"),
    (r"reset commanded by the fleet", "réinitialisation demandée par la flotte"),
    (
        r"(radio|backhaul) (\w+) for (\d+) min; budget of (\w+) is spent",
        "{0} {1} depuis {2} min\u202f; budget épuisé ({3})",
    ),
    (r"radio DEAF for (\d+) min", "radio sourde depuis {0} min"),
    (r"radio OFF for (\d+) min", "radio arrêtée depuis {0} min"),
    (r"backhaul lost for (\d+) min", "liaison coupée depuis {0} min"),
    (r"the disk writes again", "la carte écrit de nouveau"),
    (r"was (\w+)", "auparavant {0}"),
    (r"by (-?[\d.]+) s", "de {0} s"),
    (r"restarting", "relance en cours"),
    (r"rebooting", "redémarrage en cours"),
    (r"the concentrator starts again", "le concentrateur redémarre"),
    (r"(\d+) lines follow as events", "{0} lignes suivent"),
    (r"new key and certificate in use", "nouvelle clé et nouveau certificat en service"),
    (
        r"(\d+) kbit/s down, (\d+) kbit/s up, (\d+) bytes each",
        "{0} kbit/s en descente, {1} kbit/s en montée, {2} octets chacun",
    ),
    (
        r"the fleet did not serve (\S+) \(HTTP (\d+)\)",
        "la flotte n’a pas servi la mesure {0} (HTTP {1})",
    ),
    (
        r"counter (\d+) us, AGC (0x\w+) parity (\w+), ARB parity (\w+), temperature (\S+) C(.*)",
        "compteur {0} µs, AGC {1} parité {2}, ARB parité {3}, température {4} °C{5}",
    ),
    (r"; not receiving", "\u202f; ne reçoit pas"),
    (
        r"spectral scan: needs an SX1261 that the settings enable",
        "balayage\u202f: il faut un SX1261 activé dans les réglages",
    ),
    (r"counter: counted (-?\d+) us in (\d+) us", "le compteur a avancé de {0} µs en {1} µs"),
    (r"ok", "bonne"),
    (r"LOST", "PERDUE"),
    (r"([\w.-]+): (.*)", "{0}\u202f: {1}"),
)
_TABLE = tuple((re.compile(pattern), sentence) for pattern, sentence in (*RECOVERIES, *DOWNLINKS, *_REASONS))


def french_reason(reason: str) -> str:
    """Return a gateway's reason in French.

    >>> french_reason("envelope: version 3 has expired")
    'la version 3 est périmée'
    """
    for pattern, sentence in _TABLE:
        found = pattern.fullmatch(reason)
        if found is not None:
            return sentence.format(*(french_reason(part or "") for part in found.groups()))
    return reason
