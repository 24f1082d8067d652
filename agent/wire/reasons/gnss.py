"""Why the GNSS receiver has no position."""

from agent.wire.reasons.reason import code


@code("récepteur pas encore démarré", "the receiver is not started yet")
def not_started_yet() -> None: ...


@code("pas de position GNSS", "no fix")
def no_fix() -> None: ...
