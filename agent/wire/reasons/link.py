"""Why there is no session with the fleet's broker."""

from agent.wire.reasons.reason import code


@code("pas encore connecté", "not connected yet")
def not_connected_yet() -> None: ...


@code("fermée", "closed")
def closed() -> None: ...


@code(
    "le courtier ne donne plus rien à cette passerelle, ses droits semblent retirés",
    "the broker gives this gateway nothing any more, its rights seem to be taken away",
)
def mute() -> None: ...


@code("passage à un autre courtier", "moved to another broker")
def moved() -> None: ...


@code(
    "le courtier refuse cette passerelle ({mqtt_code} {detail})",
    "the broker refuses this gateway ({mqtt_code} {detail})",
)
def not_allowed(*, mqtt_code: str, detail: str) -> None: ...


@code("le courtier ne répond pas en {limit_s} s", "the broker does not answer within {limit_s} s")
def no_answer(*, limit_s: float) -> None: ...


@code("la connexion a pris fin ({detail})", "the connection ended ({detail})")
def disconnected(*, detail: str) -> None: ...


@code("le courtier envoie des octets illisibles ({detail})", "the broker's bytes cannot be read ({detail})")
def unreadable(*, detail: str) -> None: ...
