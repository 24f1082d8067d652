"""What becomes of the store of frames on the card."""

from agent.wire.reasons.reason import Reason, code


@code("la carte écrit de nouveau", "the card writes again")
def writes_again() -> None: ...


@code("la réserve ne peut pas être écrite ({cause})", "the store cannot be written ({cause})")
def unwritable(*, cause: Reason) -> None: ...


@code(
    "{cause}\u202f; fichier mis de côté sous {file}, {saved_frames} trames sauvées",
    "{cause}; the file was moved to {file}, {saved_frames} frames saved",
)
def quarantined(*, cause: Reason, file: str, saved_frames: int) -> None: ...


@code("fichier de réserve abîmé ({detail})", "the file of the store is damaged ({detail})")
def damaged(*, detail: str) -> None: ...


@code(
    "fichier de réserve d’une autre version ({version}\u202f; ce logiciel connaît {known_version})",
    "the file of the store has version {version}, this software knows {known_version}",
)
def other_version(*, version: int, known_version: int) -> None: ...


@code("erreur de la base ({detail})", "error of the database ({detail})")
def database_error(*, detail: str) -> None: ...


@code("{limit_names} noms de serveurs sont déjà connus", "{limit_names} names of servers are known already")
def names_full(*, limit_names: int) -> None: ...


@code("réserve pleine ; {cause}", "spool full; {cause}")
def full(*, cause: Reason) -> None: ...
