"""What is wrong with a field of a document; found by ``agent.wire.misfit``."""

from agent.wire.reasons.reason import Reason, code


@code("{path}\u202f: {cause}", "{path}: {cause}")
def field(*, path: str, cause: Reason) -> None: ...


@code("ce n’est pas du JSON ({detail})", "not JSON ({detail})")
def not_json(*, detail: str) -> None: ...


@code("{expected} attendu, {found} reçu", "{expected} expected, {found} received")
def wrong_type(*, expected: str, found: str) -> None: ...


@code("{least} au moins", "at least {least}")
def too_small(*, least: float) -> None: ...


@code("{most} au plus", "at most {most}")
def too_great(*, most: float) -> None: ...


@code("{least} caractères au moins", "at least {least} characters")
def too_short(*, least: int) -> None: ...


@code("{most} caractères au plus", "at most {most} characters")
def too_long(*, most: int) -> None: ...


@code("ce n’est pas la forme attendue", "not of the expected form")
def wrong_form() -> None: ...


@code("«\u00a0{found_value}\u00a0» n’est pas admis", "{found_value!r} is not admitted")
def not_admitted(*, found_value: str) -> None: ...


@code("ce champ manque", "this field is missing")
def missing() -> None: ...


@code("ce champ est inconnu", "this field is unknown")
def unknown_field() -> None: ...


@code("c’est un groupe de réglages\u202f; nommez-en un", "this is a group of settings, name one of them")
def setting_group() -> None: ...


@code("ce réglage n’existe pas", "there is no such setting")
def no_such_setting() -> None: ...


@code("document invalide [{detail}]", "invalid document [{detail}]")
def invalid(*, detail: str) -> None: ...


def rule_of(reason: Reason) -> Reason:
    """Return what a field breaks without its name, for who shows it beside the field."""
    cause = reason.values.get("cause")
    return cause[0] if reason.code == "document.field" and isinstance(cause, tuple) and cause else reason
