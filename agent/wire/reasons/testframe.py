"""What became of test frames between neighbours."""

from agent.wire.reasons.reason import Reason, code


@code(
    "commande incomplète\u202f: il faut un numéro et un émetteur",
    "incomplete command: nonce and sender are needed",
)
def incomplete() -> None: ...


@code(
    "{sent_tests} trames d’essai émises sur {all_tests}\u202f: {each}",
    "{sent_tests} of {all_tests} test frames sent: {each}",
)
def sent(*, sent_tests: int, all_tests: int, each: tuple[Reason, ...]) -> None: ...


@code(
    "aucune trame d’essai de {sender} entendue sur {all_tests}",
    "none of {all_tests} test frames of {sender} heard",
)
def none_heard(*, sender: str, all_tests: int) -> None: ...


@code(
    "{heard_tests} trames d’essai de {sender} entendues sur {all_tests}\u202f: {receptions}",
    "{heard_tests} of {all_tests} test frames of {sender} heard: {receptions}",
)
def heard(*, heard_tests: int, all_tests: int, sender: str, receptions: str) -> None: ...


@code("{limit_tests} écoutes ont déjà lieu", "{limit_tests} test frames are listened for already")
def listening_full(*, limit_tests: int) -> None: ...
