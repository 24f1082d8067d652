"""The alternatives of one downlink, tried in order: refused or failed in RX1, tried in RX2.

The acknowledgement waits for the emission.  ChirpStack forgets a downlink after 30 s: what starts more than
25 s ahead is acknowledged to it when it is queued.
"""

from collections.abc import Callable, Sequence

from agent.connectors.ports import Outcome
from agent.downlink.model import Code, Downlink, DownlinkVerdict

CHIRPSTACK_WAIT_LIMIT_US = 25_000_000

Submit = Callable[[Downlink, Callable[[Outcome], None]], DownlinkVerdict]
Done = Callable[[list[Code], DownlinkVerdict | None, Outcome | None], None]
"""Called once with the code of each alternative that was tried, and the verdict and outcome of the last."""


class Attempts:
    """Works through the alternatives of one downlink."""

    def __init__(
        self, downlinks: Sequence[Downlink], submit: Submit, done: Done, *, wait_limit_us: int | None = None
    ) -> None:
        self._wait_limit_us = wait_limit_us
        self._downlinks = list(downlinks)
        self._submit = submit
        self._done = done
        self._codes: list[Code] = []
        self._taken: DownlinkVerdict | None = None

    def start(self) -> None:
        """Try the first alternative."""
        self._next()

    def _next(self) -> None:
        verdict: DownlinkVerdict | None = None
        while self._downlinks:
            verdict = self._submit(self._downlinks.pop(0), self._ended)
            if verdict.taken:
                self._taken = verdict
                if self._wait_limit_us is not None and verdict.ahead_us > self._wait_limit_us:
                    self._finish(Code.OK, None)
                return
            self._codes.append(verdict.code)
        self._done(self._codes, verdict, None)

    def _ended(self, outcome: Outcome) -> None:
        if self._codes and self._codes[-1] is Code.OK:
            return
        if outcome.sent:
            self._finish(Code.OK, outcome)
            return
        self._codes.append(Code.LBT if outcome.blocked else Code.INTERNAL)
        self._next()

    def _finish(self, code: Code, outcome: Outcome | None) -> None:
        self._codes.append(code)
        self._done(self._codes, self._taken, outcome)
