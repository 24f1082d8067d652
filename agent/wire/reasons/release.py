"""What became of a release of the agent on a gateway."""

from agent.wire.reasons.reason import Reason, code


@code("le fichier de la version est inutilisable ({cause})", "the file of the release is unusable ({cause})")
def unfit(*, cause: Reason) -> None: ...


@code(
    "la version dépasse {limit_bytes} octets une fois dépliée",
    "the release has more than {limit_bytes} bytes unpacked",
)
def too_large(*, limit_bytes: int) -> None: ...


@code("la version nomme deux fois la même partie", "the release names the same part twice")
def part_twice() -> None: ...


@code(
    "la partie {name} n’est pas ce que la version décrit ({detail})",
    "part {name} is not what the release describes ({detail})",
)
def part_unfit(*, name: str, detail: str) -> None: ...


@code(
    "la version {name} ne démarre pas sur cette machine ({detail})",
    "release {name} does not begin on this machine ({detail})",
)
def does_not_begin(*, name: str, detail: str) -> None: ...


@code(
    "la flotte ne donne pas {name} (HTTP {http_status})",
    "the fleet does not give {name} (HTTP {http_status})",
)
def not_served(*, name: str, http_status: int) -> None: ...


@code("le lien s’est coupé ({cause})", "the line broke ({cause})")
def line_broke(*, cause: Reason) -> None: ...


@code("la partie {name} s’est arrêtée en route", "part {name} ended on its way")
def cut_off(*, name: str) -> None: ...


@code(
    "les téléchargements de {month} ont déjà coûté {budget_bytes} octets, leur budget",
    "fetching has cost {budget_bytes} bytes in {month}, its budget",
)
def budget_used_up(*, month: str, budget_bytes: int) -> None: ...


@code(
    "il faut {need_bytes} octets sur la carte, il en reste {free_bytes}",
    "{need_bytes} bytes are needed on the card, {free_bytes} are free",
)
def no_room(*, need_bytes: int, free_bytes: int) -> None: ...


@code("le téléchargement a dépassé {limit_s} s", "fetching took more than {limit_s} s")
def too_slow(*, limit_s: int) -> None: ...


@code("le téléchargement s’est terminé avec le code {exit_code}", "fetching ended with code {exit_code}")
def process_failed(*, exit_code: int) -> None: ...


@code("la version {name} n’est pas sur cette passerelle", "release {name} is not on this gateway")
def not_here(*, name: str) -> None: ...


@code("l’emplacement {slot} sert encore", "slot {slot} is still needed")
def slot_needed(*, slot: str) -> None: ...


@code(
    "la version {name} ne tourne pas à ce démarrage (jamais lancée, ou ses essais sont épuisés)",
    "release {name} does not run at this start (it never began, or its trial starts are used up)",
)
def not_running(*, name: str) -> None: ...


@code("la version {name} est en cours de téléchargement", "release {name} is being fetched")
def being_fetched(*, name: str) -> None: ...


@code(
    "la version {name} est prête et tournera au prochain démarrage",
    "release {name} is ready and runs from the next start on",
)
def at_next_start(*, name: str) -> None: ...


@code(
    "la version {name} s’est arrêtée {starts} fois de suite\u202f; celle de la carte tourne à sa place",
    "release {name} ended {starts} times in a row; that of the card runs instead",
)
def crashed(*, name: str, starts: int) -> None: ...


@code("un téléchargement est déjà en cours", "a release is being fetched already")
def fetched_already() -> None: ...
