"""Why a boot ended: what the BOOT and STOP records of the journal give as their reason.

The fleet lays every code of this file at the box's door and the rest at the power's (AVAILABILITY §2).
"""

from agent.wire.reasons.reason import Reason, code


@code(
    "la machine ne répondait plus, le chien de garde l’a relancée",
    "the machine stood still, the watchdog reset it",
)
def machine_stood_still() -> None: ...


@code(
    "le logiciel ne répondait plus, le chien de garde l’a relancé",
    "the agent stood still, the watchdog restarted it",
)
def agent_stood_still() -> None: ...


@code("changement de version du logiciel\u202f: {name}", "change of the agent's release: {name}")
def other_release(*, name: str) -> None: ...


@code("logiciel arrêté faute de mémoire", "the agent was killed for want of memory")
def out_of_memory() -> None: ...


@code("logiciel interrompu par une erreur grave", "the agent crashed and left a core dump")
def core_dumped() -> None: ...


@code("logiciel interrompu", "the agent crashed")
def crashed() -> None: ...


@code("logiciel interrompu ({result})", "the agent crashed ({result})")
def crashed_with(*, result: str) -> None: ...


@code("{cause}\u202f; journal abîmé, mis de côté", "{cause}; the journal was damaged and set aside")
def and_journal_set_aside(*, cause: Reason) -> None: ...


@code("relance demandée par la flotte", "restart commanded by the fleet")
def restart_commanded() -> None: ...


@code("redémarrage demandé par la flotte", "reboot commanded by the fleet")
def reboot_commanded() -> None: ...


@code("arrêt demandé", "asked to stop")
def asked_to_stop() -> None: ...


@code("relance décidée ici\u202f: {cause}", "restart decided here: {cause}")
def recovered(*, cause: Reason) -> None: ...


def blames_the_box(reason: Reason) -> bool:
    """Return whether a reason is one of this file's."""
    return reason.code.startswith("ending.")
