"""Why a recovery begins, is skipped, or fails; and what the month's bytes stop."""

from agent.wire.reasons.reason import Reason, code


@code("radio {radio} depuis {lasting_min} min", "radio {radio} for {lasting_min} min")
def radio_not_receiving(*, radio: str, lasting_min: int) -> None: ...


@code("liaison coupée depuis {lasting_min} min", "backhaul lost for {lasting_min} min")
def backhaul_lost(*, lasting_min: int) -> None: ...


@code("{cause}\u202f; budget épuisé ({stage})", "{cause}; the budget is spent ({stage})")
def budget_spent(*, cause: Reason, stage: str) -> None: ...


@code("fait\u202f: {commands}", "done: {commands}")
def carried_out(*, commands: str) -> None: ...


@code("rien à faire sur cette machine", "nothing to do on this machine")
def nothing_to_do() -> None: ...


@code("rien n’est suspendu", "nothing is stopped")
def nothing_stopped() -> None: ...


@code("suspendu\u202f: {traffic}", "stopped: {traffic}")
def traffic_stopped(*, traffic: tuple[Reason, ...]) -> None: ...


@code("mesures de débit et mises à jour", "speed tests and updates")
def bulk() -> None: ...


@code("notes et esquisses", "notes and sketches")
def events() -> None: ...


@code("trames en réserve (une par seconde)", "stored frames (one a second)")
def backlog() -> None: ...
