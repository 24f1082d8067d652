"""Why signed metadata of releases is not believed; each attack of the TUF specification has its own code."""

from agent.wire.reasons.reason import code


@code("{role}\u202f: illisible ({detail})", "{role}: unreadable ({detail})")
def malformed(*, role: str, detail: str) -> None: ...


@code(
    "{role}\u202f: aucune signature de nos clés\u202f; le document vient d’ailleurs",
    "{role}: no signature by our keys; it comes from elsewhere",
)
def foreign(*, role: str) -> None: ...


@code(
    "{role}\u202f: modifié après sa signature",
    "{role}: changed after it was signed",
)
def tampered(*, role: str) -> None: ...


@code(
    "{role}\u202f: {valid_signatures} signature(s) valable(s), il en faut {least_signatures}",
    "{role}: {valid_signatures} valid signatures, {least_signatures} are needed",
)
def too_few(*, role: str, valid_signatures: int, least_signatures: int) -> None: ...


@code(
    "{role}\u202f: version {version}, plus ancienne que la {trusted_version} déjà connue (retour en arrière)",
    "{role}: version {version} is older than {trusted_version}, which is known (rollback)",
)
def older(*, role: str, version: int, trusted_version: int) -> None: ...


@code(
    "{role}\u202f: version {version} au lieu de la {expected_version}",
    "{role}: version {version} instead of {expected_version}",
)
def not_next(*, role: str, version: int, expected_version: int) -> None: ...


@code("{role}\u202f: périmé depuis le {expired_at}", "{role}: expired at {expired_at}")
def expired(*, role: str, expired_at: str) -> None: ...


@code(
    "rien de nouveau n’est signé depuis le {expired_at}\u202f: la flotte est figée, ou quelqu’un la fige",
    "nothing new was signed since {expired_at}: the fleet stands still, or somebody freezes it",
)
def frozen(*, expired_at: str) -> None: ...


@code(
    "{role}\u202f: n’est pas la version que nomme la liste signée (mélange de versions)",
    "{role}: is not the version that the signed list names (mix and match)",
)
def mixed(*, role: str) -> None: ...


@code(
    "{role}\u202f: plus de {limit_bytes} octets, lecture arrêtée",
    "{role}: more than {limit_bytes} bytes, reading was stopped",
)
def endless(*, role: str, limit_bytes: int) -> None: ...


@code(
    "plus de {most} racines à la suite\u202f; la suivante au prochain essai",
    "more than {most} roots in a row; the next at the next try",
)
def too_many_roots(*, most: int) -> None: ...


@code(
    "{path} n’est pas (ou plus) une version signée",
    "{path} is not (or no longer) a signed release",
)
def not_a_target(*, path: str) -> None: ...


@code("{path} n’est pas ce qui a été signé", "{path} is not what was signed")
def content_differs(*, path: str) -> None: ...


@code(
    "la première racine n’est pas celle que son empreinte nomme",
    "the first root is not the one that its hash names",
)
def other_anchor() -> None: ...


@code("la flotte n’a pas de {role}", "the fleet has no {role}")
def absent(*, role: str) -> None: ...


@code("la carte a abîmé la racine de confiance ({detail})", "the card damaged the root of trust ({detail})")
def root_damaged(*, detail: str) -> None: ...
