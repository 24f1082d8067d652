"""Whether the broker still gives this gateway what is its own: a revoked gateway's session stays open.

Mosquitto reads rights again at a reload and checks them at each message, but ends no session: what a revoked
gateway publishes is acknowledged and dropped.  A retained message comes with every subscription (MQTT 3.1.1
§3.8.4) if it may be read, so our own presence is subscribed to again and again; when it no longer comes the
session ends, and the next one is told why.
"""

import asyncio

from agent.link.session import Session, SessionLost
from agent.wire import reasons

PROVE_EVERY_S = 300.0
PROVE_WAIT_S = 30.0


class Rights:
    """Asks for our own presence; a broker that never gave it proves nothing by not giving it."""

    def __init__(self, topic: str, *, every_s: float = PROVE_EVERY_S, wait_s: float = PROVE_WAIT_S) -> None:
        self._topic = topic
        self.every_s, self.wait_s = every_s, wait_s
        self._read = asyncio.Event()

    def session_begins(self) -> None:
        """Begin anew with the next broker."""
        self._read.clear()

    def presence_read(self) -> None:
        """Take in that the broker gave us our own presence."""
        self._read.set()

    async def watch(self, client: Session) -> None:
        """Ask until cancelled.

        Raises:
            SessionLost: it came before, and did not come now.
        """
        await self._read.wait()
        while True:
            await asyncio.sleep(self.every_s)
            self._read.clear()
            await client.subscribe([self._topic], wait_s=self.wait_s)
            try:
                async with asyncio.timeout(self.wait_s):
                    await self._read.wait()
            except TimeoutError:
                raise SessionLost(reasons.link.mute()) from None
