"""What people read of this package's sentences, in French; on the wire and in errors they are English.

``french`` is for a card or image that is not usable, ``french_reason`` for what a gateway reports.
A sentence without an entry passes through as it is.
"""

import re

from agent.wire.partition import PartitionError

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
    (r"configuration: (.*)", "document hors schéma ({0})"),
    (r"cannot be written: (.*)", "la carte refuse l’écriture ({0})"),
    (r"(.*)Connection refused", "connexion refusée"),
    (r"not connected yet", "pas encore connecté"),
    (r"moved to another broker", "passage à un autre courtier"),
)
_TABLE = tuple((re.compile(pattern), sentence) for pattern, sentence in _REASONS)


def french_reason(reason: str) -> str:
    """Return a gateway's reason in French.

    >>> french_reason("envelope: version 3 has expired")
    'la version 3 est périmée'
    """
    for pattern, sentence in _TABLE:
        found = pattern.fullmatch(reason)
        if found is not None:
            return sentence.format(*map(french_reason, found.groups()))
    return reason
