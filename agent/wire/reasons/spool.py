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


@code("pas de place pour réparer le fichier de réserve", "no room to mend the file of the store")
def no_room_to_mend() -> None: ...


@code(
    "réserve d’une autre passerelle ({owner}), mise de côté entière sous {file}",
    "store of another gateway ({owner}), moved whole to {file}",
)
def foreign(*, owner: str, file: str) -> None: ...


@code("un numéro de trame existait déjà ({detail})", "a frame's number was there already ({detail})")
def collided(*, detail: str) -> None: ...


@code("la carte n’a pas réservé de numéros de trames", "the card has reserved no numbers for frames")
def no_ids() -> None: ...


@code(
    "{kept_frames} trames gardées en mémoire finissent avec cette marche",
    "{kept_frames} frames kept in memory end with this run",
)
def memory_ends(*, kept_frames: int) -> None: ...


@code(
    "{connector}\u202f: {missing_frames} trames sans compte, {stranded_frames} sans file d’envoi"
    " ({restored_frames} reprises, {received_frames} reçues, {delivered_frames} remises,"
    " {dropped_frames} perdues, {reserve_frames} en réserve)",
    "{connector}: {missing_frames} frames unaccounted for, {stranded_frames} in no queue"
    " ({restored_frames} restored, {received_frames} received, {delivered_frames} delivered,"
    " {dropped_frames} dropped, {reserve_frames} stored)",
)
def unbalanced(
    *,
    connector: str,
    missing_frames: int,
    stranded_frames: int,
    restored_frames: int,
    received_frames: int,
    delivered_frames: int,
    dropped_frames: int,
    reserve_frames: int,
) -> None: ...


@code("{connector}\u202f: le compte des trames est juste", "{connector}: the count of frames is right")
def balanced(*, connector: str) -> None: ...
