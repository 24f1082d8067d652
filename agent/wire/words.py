"""What installers read when a card or image is not usable, in French; the error itself speaks English."""

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
