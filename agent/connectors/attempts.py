"""The alternatives of one downlink, tried in order: refused or failed in RX1, tried in RX2.

One that leaves at once (class C) has no window to miss: where it was taken and did not leave, because its
instant passed before the radio had it or because another took its place, it is tried again.

The acknowledgement waits for the emission.  ChirpStack forgets a downlink after 30 s: what starts more than
25 s ahead is acknowledged to it when it is queued.
"""

from collections.abc import Callable, Sequence

from agent.connectors.ports import Outcome
from agent.downlink.model import Code, Downlink, DownlinkVerdict, Immediate

CHIRPSTACK_WAIT_LIMIT_US = 25_000_000
IMMEDIATE_TRIES = 3
"""An immediate downlink is tried so often, at most."""
TRIED_AGAIN = frozenset({Code.TOO_LATE, Code.COLLISION_PACKET})

Submit = Callable[[Downlink, Callable[[Outcome], None]], DownlinkVerdict]
Done = Callable[[list[Code], DownlinkVerdict | None, Outcome | None], None]
"""Called once with the code of each alternative that was tried, and the verdict and outcome of the last."""
Lost = Callable[[Code], None]
"""Called once when a downlink that was taken does not leave after all."""


class Attempts:
    """Works through the alternatives of one downlink."""

    def __init__(
        self,
        downlinks: Sequence[Downlink],
        submit: Submit,
        done: Done,
        *,
        lost: Lost = lambda _code: None,
        wait_limit_us: int | None = None,
    ) -> None:
        self._wait_limit_us = wait_limit_us
        self._lost = lost
        self._downlinks = list(downlinks)
        self._submit = submit
        self._done = done
        self._codes: list[Code] = []
        self._taken: DownlinkVerdict | None = None
        self._tried: Downlink | None = None
        self._tries_left = IMMEDIATE_TRIES

    def start(self) -> DownlinkVerdict | None:
        """Try the first alternative; return the verdict on the last that was tried at once."""
        return self._next()

    def _next(self) -> DownlinkVerdict | None:
        verdict: DownlinkVerdict | None = None
        while self._downlinks:
            self._tried = self._downlinks.pop(0)
            self._tries_left = IMMEDIATE_TRIES
            verdict = self._try()
            if verdict.taken:
                return verdict
            self._codes.append(verdict.code)
        if self._taken is not None:
            self._lost(self._codes[-1])
        self._done(self._codes, verdict, None)
        return verdict

    def _try(self) -> DownlinkVerdict:
        assert self._tried is not None
        self._tries_left -= 1
        verdict = self._submit(self._tried, self._ended)
        if verdict.taken:
            self._taken = verdict
            if self._wait_limit_us is not None and verdict.ahead_us > self._wait_limit_us:
                self._finish(Code.OK, None)
        return verdict

    def _ended(self, outcome: Outcome) -> None:
        if self._codes and self._codes[-1] is Code.OK:
            if not outcome.sent:
                self._lost(outcome.code)
        elif outcome.sent:
            self._finish(Code.OK, outcome)
        elif not self._again(outcome):
            self._codes.append(outcome.code)
            self._next()

    def _again(self, outcome: Outcome) -> bool:
        """Whether the same downlink was taken once more."""
        immediate = self._tried is not None and isinstance(self._tried.timing, Immediate)
        if not immediate or not self._tries_left or outcome.code not in TRIED_AGAIN:
            return False
        return self._try().taken

    def _finish(self, code: Code, outcome: Outcome | None) -> None:
        self._codes.append(code)
        self._done(self._codes, self._taken, outcome)
