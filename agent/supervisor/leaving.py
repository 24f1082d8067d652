"""Why the process ends although nobody asked it to stop: to begin again, or because the machine reboots."""

from agent.wire.reasons import Reason, ReasonedError


class Leave(ReasonedError):
    """Ends every task; ``reboot`` says what comes after."""

    def __init__(self, why: Reason, *, reboot: bool = False) -> None:
        super().__init__(why)
        self.reboot = reboot
