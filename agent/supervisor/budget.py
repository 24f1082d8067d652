"""How often a recovery may be tried: tokens that come back with time alive; nothing ever loops (pure).

Tokens are kept on disk and refilled by uptime, not by wall time: a clock that jumps gives no restarts, and
a machine that reboots at once gains none.
"""

import msgspec

HOUR_S = 3_600


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens for one kind of recovery."""

    tokens: int
    limit: int
    refill_s: int
    """Seconds of uptime for one token."""
    gathered_s: float = 0.0
    """Towards the next token."""

    def alive(self, elapsed_s: float) -> "Budget":
        """Return the budget after ``elapsed_s`` more seconds of uptime.

        >>> Budget(tokens=0, limit=3, refill_s=10).alive(25.0).tokens
        2
        """
        gathered = self.gathered_s + elapsed_s
        new, rest = divmod(gathered, self.refill_s)
        tokens = min(self.limit, self.tokens + int(new))
        return msgspec.structs.replace(self, tokens=tokens, gathered_s=rest if tokens < self.limit else 0.0)

    def spend(self) -> "Budget | None":
        """Return the budget without one token, or None when there is none."""
        return None if self.tokens <= 0 else msgspec.structs.replace(self, tokens=self.tokens - 1)


class Budgets(msgspec.Struct, frozen=True, kw_only=True):
    """All of one gateway, as on disk."""

    restart_radio: Budget = Budget(tokens=6, limit=6, refill_s=4 * HOUR_S)
    restart_process: Budget = Budget(tokens=3, limit=3, refill_s=8 * HOUR_S)
    reboot: Budget = Budget(tokens=1, limit=1, refill_s=24 * HOUR_S)
    renew_address: Budget = Budget(tokens=12, limit=12, refill_s=2 * HOUR_S)
    reset_modem: Budget = Budget(tokens=6, limit=6, refill_s=4 * HOUR_S)
    power_modem: Budget = Budget(tokens=3, limit=3, refill_s=8 * HOUR_S)
    other_interface: Budget = Budget(tokens=6, limit=6, refill_s=4 * HOUR_S)

    def alive(self, elapsed_s: float) -> "Budgets":
        """Return all budgets after more uptime."""
        return Budgets(**{name: getattr(self, name).alive(elapsed_s) for name in self.__struct_fields__})

    def spend(self, name: str) -> "Budgets | None":
        """Return the budgets without one token of ``name``, or None when there is none."""
        spent = getattr(self, name).spend()
        return None if spent is None else msgspec.structs.replace(self, **{name: spent})
