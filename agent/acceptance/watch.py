"""The backhaul watched for minutes: a connection to the fleet every few seconds, and one download."""

import asyncio
import contextlib
from urllib.parse import urlsplit

from agent.acceptance.decide import Watch
from agent.clock import Clock
from agent.enrol.http import BadUrl, download
from agent.wire.order import WorkOrder

TRY_EVERY_S = 5.0
TRY_LIMIT_S = 5.0
TRIES_LIMIT = 1_000
"""An hour's watch has 720; then no more are made."""
DOWNLOAD_BYTES = 131_072
DOWNLOAD_PATH = f"/api/v1/speed?bytes={DOWNLOAD_BYTES}"
HTTPS_PORT, HTTP_PORT = 443, 80


class BackhaulWatch:
    """Tries of one start of the agent; ``watch`` is what they came to so far."""

    def __init__(self, order: WorkOrder, clock: Clock) -> None:
        self._order, self._clock = order, clock
        self._began_us: int | None = None
        self._answers_ms: list[int | None] = []
        self._kbit_per_s: int | None = None

    def watch(self) -> Watch:
        """Return what is known now."""
        began_us = self._clock.monotonic_us() if self._began_us is None else self._began_us
        return Watch(
            whole_s=self._order.stability_s,
            done_s=min((self._clock.monotonic_us() - began_us) // 1_000_000, self._order.stability_s),
            answers_ms=tuple(self._answers_ms),
            kbit_per_s=self._kbit_per_s,
        )

    def begin_again(self) -> None:
        """Forget what was measured; the next try is the first."""
        self._began_us, self._answers_ms, self._kbit_per_s = None, [], None

    async def run(self) -> None:
        """Measure until cancelled; between two watches nothing is sent."""
        while True:
            if self._began_us is None:
                self._began_us = self._clock.monotonic_us()
            if not self.watch().over and len(self._answers_ms) < TRIES_LIMIT:
                await self._try()
            await asyncio.sleep(min(TRY_EVERY_S, self._order.stability_s))

    async def _try(self) -> None:
        began_us = self._began_us
        answer_ms = await self._connect()
        if answer_ms is not None and self._kbit_per_s is None:
            self._kbit_per_s = await asyncio.to_thread(self._download)
        if began_us == self._began_us:
            self._answers_ms.append(answer_ms)

    async def _connect(self) -> int | None:
        """Return how long the fleet took to take a connection, in ms; None: it did not."""
        url = urlsplit(self._order.enrol_url)
        port = url.port or (HTTPS_PORT if url.scheme == "https" else HTTP_PORT)
        asked_us = self._clock.monotonic_us()
        try:
            async with asyncio.timeout(TRY_LIMIT_S):
                _, writer = await asyncio.open_connection(url.hostname, port)
        except (OSError, TimeoutError):
            return None
        answer_ms = (self._clock.monotonic_us() - asked_us) // 1000
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        return answer_ms

    def _download(self) -> int | None:
        order = self._order
        try:
            done = download(
                order.enrol_url,
                DOWNLOAD_PATH,
                ca_pem=order.fleet_ca_pem,
                limit_bytes=DOWNLOAD_BYTES,
                now_us=self._clock.monotonic_us,
            )
        except (OSError, BadUrl):
            return None
        return done.kbit_per_s if done.status == 200 else None
