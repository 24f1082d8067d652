"""What the installer reads: French first, English on request (``PASSERELLE_LANG=en``)."""

import os

from agent.wire.reasons import ReasonedError, text
from provisioning.plan import Refusal

_FRENCH = {
    "write": "Écriture",
    "verify": "Relecture",
    "done": "Image prête : {output} ({size}), relue octet par octet.",
    "for": "Passerelle {eui}, site « {site} ».",
    "order": "Ordre de travail illisible : {error}\n"
    "  Que faire : redemandez l’ordre au gestionnaire de flotte.",
    "base": "Image de base inutilisable : {error}",
    "io": "Échec d’écriture sur {output} : {error}\n"
    "  Que faire : vérifiez la carte et la place libre, puis recommencez.",
    "missing": "Fichier introuvable : {path}",
    "unreadable": "Lecture impossible : {path} : {error}",
    "check_ok": "Image valide.",
    "check_bad": "Image refusée : {error}\n"
    "  Que faire : flashez de nouveau ; si l’erreur revient, changez de carte.",
    "eui": "EUI",
    "site": "Site",
    "bus": "Concentrateur",
    "url": "Enrôlement",
    "until": "Jeton valable jusqu’au",
    "token": "Jeton",
    "token_there": "présent, à usage unique",
    "token_gone": "effacé (déjà utilisé)",
    Refusal.MOUNTED: "{output} est monté sur {mounted}.\n"
    "  Que faire : démontez-le (umount), puis recommencez.",
    Refusal.TOO_SMALL: "{output} est trop petit : {capacity}, il faut {size}.\n"
    "  Que faire : prenez une carte plus grande.",
    Refusal.DEVICE_UNCONFIRMED: "{output} est un disque ou une carte : tout son contenu sera effacé.\n"
    "  Que faire : vérifiez le nom du périphérique, puis ajoutez --yes.",
    Refusal.NOT_A_TARGET: "{output} n’est ni un fichier ni un disque.\n"
    "  Que faire : indiquez un fichier .img ou un périphérique tel que /dev/sdX.",
    Refusal.ORDER_EXPIRED: "L’ordre de travail n’est plus valable depuis le {until}.\n"
    "  Que faire : demandez une"
    " prolongation ou un nouvel ordre au gestionnaire de flotte.",
}
_ENGLISH = {
    "write": "Writing",
    "verify": "Reading back",
    "done": "Image ready: {output} ({size}), every byte read back.",
    "for": "Gateway {eui}, site “{site}”.",
    "order": "Unreadable work order: {error}\n  What to do: ask the fleet manager for the order again.",
    "base": "Unusable base image: {error}",
    "io": "Writing to {output} failed: {error}\n"
    "  What to do: check the card and the free space, then try again.",
    "missing": "File not found: {path}",
    "unreadable": "Cannot read: {path}: {error}",
    "check_ok": "The image is valid.",
    "check_bad": "Image refused: {error}\n  What to do: flash again; if it happens again, change the card.",
    "eui": "EUI",
    "site": "Site",
    "bus": "Concentrator",
    "url": "Enrolment",
    "until": "Token valid until",
    "token": "Token",
    "token_there": "present, single use",
    "token_gone": "wiped (already used)",
    Refusal.MOUNTED: "{output} is mounted on {mounted}.\n  What to do: unmount it (umount), then try again.",
    Refusal.TOO_SMALL: "{output} is too small: {capacity}, {size} are needed.\n"
    "  What to do: take a larger card.",
    Refusal.DEVICE_UNCONFIRMED: "{output} is a disk or card: all that is on it will be erased.\n"
    "  What to do: check the name of the device, then add --yes.",
    Refusal.NOT_A_TARGET: "{output} is neither a file nor a disk.\n"
    "  What to do: name a .img file or a device such as"
    " /dev/sdX.",
    Refusal.ORDER_EXPIRED: "The work order has not been valid since {until}.\n"
    "  What to do: ask the fleet manager"
    " to extend it or for a new one.",
}


def say(key: str, **values: object) -> str:
    """Return the sentence ``key`` in the installer's language."""
    words = _ENGLISH if os.environ.get("PASSERELLE_LANG", "fr").startswith("en") else _FRENCH
    return words[key].format(**values)


def error_text(error: Exception) -> str:
    """Return an error in the installer's language, as far as it has words for it."""
    english = os.environ.get("PASSERELLE_LANG", "fr").startswith("en")
    return text(error.why, "fr") if isinstance(error, ReasonedError) and not english else str(error)


def size(count: int) -> str:
    """Return bytes as an installer reads them.

    >>> size(2 * 1024 * 1024)
    '2,1 Mo'
    """
    return f"{count / 1_000_000:.1f}".replace(".", ",") + " Mo"
