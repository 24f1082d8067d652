"""Why the process ends although nobody asked it to stop: to begin again, or because the machine reboots."""


class Leave(Exception):
    """Ends every task; ``reboot`` says what comes after."""

    def __init__(self, reason: str, *, reboot: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.reboot = reboot
