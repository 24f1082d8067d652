"""What the memory card refuses, and what was damaged on it."""

from agent.wire.reasons.reason import Reason, code


@code("journal abîmé, mis de côté", "the journal was damaged and set aside")
def journal_set_aside() -> None: ...


@code(
    "carte en lecture seule, l’état est gardé en mémoire",
    "the card is read-only, its state is kept in memory",
)
def read_only() -> None: ...


@code(
    "carte en lecture seule, l’état est en mémoire\u202f; {left_mb} Mo restent sur la carte sans partir",
    "the card is read-only, its state is kept in memory; {left_mb} MB stay on the card and do not leave",
)
def read_only_left(*, left_mb: int) -> None: ...


@code("la carte refuse l’écriture ({cause})", "the card refuses to be written ({cause})")
def not_written(*, cause: Reason) -> None: ...


@code("registre des configurations abîmé ({detail})", "the ledger of configurations is damaged ({detail})")
def ledger_damaged(*, detail: str) -> None: ...


@code("configuration {slot} abîmée sur la carte\u202f: {cause}", "configuration slot {slot}: {cause}")
def slot_damaged(*, slot: str, cause: Reason) -> None: ...


@code("ce n’est pas celle que le registre nomme", "not what the ledger names")
def slot_not_named() -> None: ...
