"""The code on site: shown on the screen for as long as the fleet asked, then gone; the newest replaces it."""

import asyncio

from agent.clock import Clock
from agent.commands.runner import CommandFailed
from agent.identity import Identity
from agent.observation import ShownCode
from agent.wire import reasons
from agent.wire.command import Command
from agent.wire.reasons import Reason


class OnsiteCode:
    """The command ``show_code`` of one gateway; nothing of it is written to the card."""

    def __init__(self, *, identity: Identity, clock: Clock) -> None:
        self._identity, self._clock = identity, clock
        self._shown: tuple[str, int] | None = None
        self._until_us = 0

    async def show(self, command: Command) -> Reason:
        """Show the code that answers the command's challenge."""
        code = await asyncio.to_thread(self._identity.onsite_code, command.challenge, command.ticket)
        if code is None:
            raise CommandFailed(reasons.command.no_challenge())
        self._shown = code, command.ticket
        self._until_us = self._clock.monotonic_us() + command.show_s * 1_000_000
        return reasons.command.code_shown(show_s=command.show_s)

    def now(self) -> ShownCode | None:
        """Return what is shown now; None: nothing."""
        left_us = self._until_us - self._clock.monotonic_us()
        if self._shown is None or left_us <= 0:
            self._shown = None
            return None
        code, ticket = self._shown
        return ShownCode(code=code, ticket=ticket, left_s=-(-left_us // 1_000_000))
