"""What the installer reads: French first, English on request (``PASSERELLE_LANG=en``)."""

import os

import msgspec

from agent.wire.reasons import Reason, ReasonedError, text
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
    "verdict_good": "bon",
    "verdict_reserved": "réserve",
    "verdict_bad": "à reprendre",
    "verdict_unmeasured": "non mesuré",
    "verdict_waiting": "en cours",
    "accept_done": "Procès-verbal signé pour « {site} », gardé sur la passerelle (SHA-256 {sha256}).",
    "accept_code": "Ce n’est pas le code de cette passerelle.\n"
    "  Que faire : vérifiez la feuille de l’ordre et l’EUI de la page.",
    "accept_often": "Trop d’essais du code.\n  Que faire : attendez quelques minutes, puis recommencez.",
    "accept_away": "La passerelle ne répond pas : {url}\n"
    "  Que faire : rejoignez son Wi-Fi ou son câble, puis recommencez : rien n’est perdu.",
    "accept_photo": "Photo refusée : {photo}\n  Que faire : une image JPEG ou PNG de 600 ko au plus.",
    "accept_photos": "Trop de photos.\n  Que faire : {limit} au plus.",
    "accept_refused": "Un point est à reprendre : il n’y a rien à signer encore.\n"
    "  Que faire : suivez la phrase de ce point ; rien à faire sur place ? Appelez le NOC.",
    "accept_sign": "La passerelle n’a pas pris la signature.\n"
    "  Que faire : donnez un nom (100 caractères au plus), puis recommencez.",
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
    "verdict_good": "good",
    "verdict_reserved": "reserve",
    "verdict_bad": "to be mended",
    "verdict_unmeasured": "not measured",
    "verdict_waiting": "under way",
    "accept_done": "Statement signed for “{site}”, kept on the gateway (SHA-256 {sha256}).",
    "accept_code": "This is not the code of this gateway.\n"
    "  What to do: check the order's sheet and the EUI of the page.",
    "accept_often": "Too many tries of the code.\n  What to do: wait some minutes, then try again.",
    "accept_away": "The gateway does not answer: {url}\n"
    "  What to do: join its Wi-Fi or cable, then try again: nothing is lost.",
    "accept_photo": "Photo refused: {photo}\n  What to do: a JPEG or PNG picture of at most 600 kB.",
    "accept_photos": "Too many photos.\n  What to do: at most {limit}.",
    "accept_refused": "Something must be mended: there is nothing to sign yet.\n"
    "  What to do: follow the sentence of that check; nothing to do here? Call the NOC.",
    "accept_sign": "The gateway did not take the signature.\n"
    "  What to do: give a name (at most 100 characters), then try again.",
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


def reason_text(reason: object) -> str:
    """Return a gateway's reason, as JSON holds it, in the installer's language."""
    english = os.environ.get("PASSERELLE_LANG", "fr").startswith("en")
    return text(msgspec.convert(reason, Reason), "en" if english else "fr")


def size(count: int) -> str:
    """Return bytes as an installer reads them.

    >>> size(2 * 1024 * 1024)
    '2,1 Mo'
    """
    return f"{count / 1_000_000:.1f}".replace(".", ",") + " Mo"
