"""What the acceptance page says, French and English; pure."""

from agent.status.say import Lang, typeset
from agent.wire.acceptance import CheckVerdict, Conclusion

Pair = tuple[str, str]
CHECKS: dict[str, Pair] = {
    "concentrator": ("Concentrateur", "Concentrator"),
    "noise": ("Bruit de fond", "Noise floor"),
    "position": ("Position", "Position"),
    "power": ("Antenne et câble", "Antenna and cable"),
    "backhaul": ("Liaison", "Backhaul"),
    "server": ("Serveur LoRaWAN", "LoRaWAN server"),
    "neighbours": ("Voisines", "Neighbours"),
}
VERDICTS: dict[CheckVerdict, Pair] = {
    CheckVerdict.GOOD: ("bon", "good"),
    CheckVerdict.RESERVED: ("réserve", "reserve"),
    CheckVerdict.BAD: ("à reprendre", "to be mended"),
    CheckVerdict.UNMEASURED: ("non mesuré", "not measured"),
    CheckVerdict.WAITING: ("en cours", "under way"),
}
MARKS = {
    CheckVerdict.GOOD: "✓",
    CheckVerdict.RESERVED: "▲",
    CheckVerdict.BAD: "■",
    CheckVerdict.UNMEASURED: "?",
    CheckVerdict.WAITING: "…",
}
CONCLUSIONS: dict[Conclusion, Pair] = {
    Conclusion.ACCEPTED: ("Tout est bon : vous pouvez signer.", "All is good: you can sign."),
    Conclusion.WITH_RESERVES: (
        "Vous pouvez signer avec les réserves marquées ▲.",
        "You can sign with the reserves marked ▲.",
    ),
    Conclusion.REFUSED: (
        "À reprendre avant de signer : voyez ■. Rien à faire sur place ? Appelez le NOC.",
        "To be mended before you sign: see ■. Nothing to do here? Call the NOC.",
    ),
    Conclusion.WAITING: (
        "Mesures en cours : laissez la page ouverte, ou revenez.",
        "Measuring: leave the page open, or come back.",
    ),
}
WORDS: dict[str, Pair] = {
    "title": ("Recette", "Acceptance"),
    "code": ("Code de l’ordre", "Code of the order"),
    "code_where": (
        "Huit chiffres, sur la feuille et l’étiquette de l’ordre de travail.",
        "Eight digits, on the sheet and label of the work order.",
    ),
    "enter": ("Commencer la recette", "Begin the acceptance"),
    "wrong_code": (
        "Ce n’est pas le code de cette passerelle : vérifiez la feuille et l’EUI.",
        "This is not the code of this gateway: check the sheet and the EUI.",
    ),
    "too_often": ("Trop d’essais : attendez {wait_s} s.", "Too many tries: wait {wait_s} s."),
    "photos": ("Photos", "Photos"),
    "photos_rule": (
        "Antenne, coffret, étiquette : {limit} au plus, 600 ko chacune.",
        "Antenna, cabinet, label: at most {limit}, 600 kB each.",
    ),
    "add": ("Ajouter la photo", "Add the photo"),
    "remove": ("Retirer", "Remove"),
    "sign": ("Signature", "Signature"),
    "name": ("Votre nom", "Your name"),
    "remarks": ("Remarques (facultatif)", "Remarks (optional)"),
    "draw": ("Signez ici du doigt", "Sign here with a finger"),
    "wipe": ("Effacer", "Clear"),
    "sign_do": ("Signer le procès-verbal", "Sign the statement"),
    "again": ("Refaire les mesures", "Measure again"),
    "signed": ("Procès-verbal signé", "Statement signed"),
    "signed_by": ("Signé par {installer}", "Signed by {installer}"),
    "kept": (
        "Gardé sur la passerelle : il part seul dès que la liaison marche. Vous pouvez quitter le site.",
        "Kept on the gateway: it leaves by itself once the backhaul works. You can leave the site.",
    ),
    "taken": ("La flotte l’a reçu et l’a vérifié.", "The fleet received and checked it."),
    "fleet_refuses": ("La flotte le refuse : {why}", "The fleet refuses it: {why}"),
    "hash": ("Empreinte SHA-256", "SHA-256"),
    "lost": (
        "Plus de contact avec la passerelle : rejoignez son Wi-Fi ou son câble, rien n’est perdu.",
        "No contact with the gateway: join its Wi-Fi or cable again, nothing is lost.",
    ),
    "photo_kind": ("Une photo JPEG ou PNG, s’il vous plaît.", "A JPEG or PNG photo, please."),
    "photo_size": (
        "Photo trop lourde (600 ko au plus) : choisissez une qualité plus basse.",
        "The photo is too large (600 kB at most): choose a lower quality.",
    ),
    "photo_count": ("Quatre photos au plus : retirez-en une.", "Four photos at most: remove one."),
    "waiting": (
        "Les mesures ne sont pas finies : attendez, puis signez.",
        "The measurements are not over: wait, then sign.",
    ),
    "refused": (
        "Un point est à reprendre : il n’y a rien à signer encore.",
        "Something must be mended: there is nothing to sign yet.",
    ),
    "name_missing": (
        "Écrivez votre nom (100 caractères au plus).",
        "Write your name (at most 100 characters).",
    ),
    "remarks_long": ("Remarques : 1 000 caractères au plus.", "Remarks: at most 1,000 characters."),
    "drawing": (
        "La signature dessinée est illisible : effacez-la et signez de nouveau.",
        "The drawn signature cannot be read: clear it and sign again.",
    ),
    "disk": (
        "La carte refuse l’écriture : changez la carte, puis refaites la recette.",
        "The card refuses to be written: change the card, then accept again.",
    ),
}


def worded(lang: Lang, pair: Pair, **values: object) -> str:
    """Return the sentence of a language with its values."""
    return typeset(lang, pair[0 if lang is Lang.FR else 1]).format(**values)


def word(lang: Lang, name: str, **values: object) -> str:
    """Return the sentence ``name`` in a language."""
    return worded(lang, WORDS[name], **values)
