"""What is wrong with a field of a JSON document; found by ``agent.wire.misfit``."""

from agent.wire.reasons.reason import code


@code("ce n’est pas du JSON ({detail})", "not JSON ({detail})")
def not_json(*, detail: str) -> None: ...


@code("{path}\u202f: {expected} attendu, {found} reçu", "{path}: {expected} expected, {found} received")
def wrong_type(*, path: str, expected: str, found: str) -> None: ...


@code("{path}\u202f: {least} au moins", "{path}: at least {least}")
def too_small(*, path: str, least: float) -> None: ...


@code("{path}\u202f: {most} au plus", "{path}: at most {most}")
def too_great(*, path: str, most: float) -> None: ...


@code("{path}\u202f: {least} caractères au moins", "{path}: at least {least} characters")
def too_short(*, path: str, least: int) -> None: ...


@code("{path}\u202f: {most} caractères au plus", "{path}: at most {most} characters")
def too_long(*, path: str, most: int) -> None: ...


@code("{path}\u202f: forme inattendue", "{path}: not of the expected form")
def wrong_form(*, path: str) -> None: ...


@code("{path}\u202f: «\u00a0{found_value}\u00a0» n’est pas admis", "{path}: {found_value!r} is not admitted")
def not_admitted(*, path: str, found_value: str) -> None: ...


@code("il manque le champ {path}", "the field {path} is missing")
def missing(*, path: str) -> None: ...


@code("champ inconnu {path}", "unknown field {path}")
def unknown_field(*, path: str) -> None: ...


@code("document invalide [{detail}]", "invalid document [{detail}]")
def invalid(*, detail: str) -> None: ...


@code(
    "{path}\u202f: un groupe de réglages\u202f; nommez-en un",
    "{path}: is a group of settings, name one of them",
)
def setting_group(*, path: str) -> None: ...


@code("{path}\u202f: ce réglage n’existe pas", "{path}: no such setting")
def no_such_setting(*, path: str) -> None: ...
