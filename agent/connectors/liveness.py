"""Whether a server on a connection answers, pure: quiet links are probed, silent ones given up.

    every answer (PUBACK, pong)       -> answering
    10 s without one                  -> probe
    something asked, 2.5 s no answer  -> doubtful: another connection is tried beside this one
    something asked, 6 s no answer    -> silent: nothing more is sent
    something asked, 15 s no answer   -> give the connection up

Sources: AVAILABILITY §2 for LNS_UP: an answer not older than 30 s and no frame unanswered for longer.
"""

from dataclasses import dataclass

PROBE_AFTER_US = 10_000_000
DOUBTFUL_AFTER_US = 2_500_000
"""Until this age TCP itself sends again at most 1.6 s apart; later its pauses grow beyond 2 s."""
SILENT_AFTER_US = 6_000_000
GIVE_UP_AFTER_US = 15_000_000
ANSWER_MAX_US = 30_000_000


@dataclass(slots=True)
class Liveness:
    """Judges whether the server behind a TCP connection still answers; all instants are monotonic."""

    connected: bool = False
    last_answer_us: int | None = None
    asked_us: int | None = None

    def opened(self, now_us: int) -> None:
        """Take in that a connection is up."""
        self.connected, self.asked_us, self.last_answer_us = True, None, now_us

    def closed(self) -> None:
        """Take in that it is gone."""
        self.connected, self.asked_us = False, None

    def asked(self, now_us: int) -> None:
        """Take in that something was sent that wants an answer."""
        self.asked_us = now_us if self.asked_us is None else self.asked_us

    def answered(self, now_us: int) -> None:
        """Take in an answer to anything."""
        self.last_answer_us, self.asked_us = now_us, None

    def reachable(self, now_us: int) -> bool:
        """Whether frames may be sent."""
        silent = self.asked_us is not None and now_us - self.asked_us >= SILENT_AFTER_US
        return self.connected and not silent

    def doubtful(self, now_us: int) -> bool:
        """Whether the way to the server may be cut."""
        asked_us = self.asked_us
        return self.connected and asked_us is not None and now_us - asked_us >= DOUBTFUL_AFTER_US

    def probe_due(self, now_us: int) -> bool:
        """Whether it is time to ask for a sign of life."""
        quiet = self.last_answer_us is None or now_us - self.last_answer_us >= PROBE_AFTER_US
        return self.connected and self.asked_us is None and quiet

    def lost(self, now_us: int) -> bool:
        """Whether to give the connection up."""
        return self.connected and self.asked_us is not None and now_us - self.asked_us >= GIVE_UP_AFTER_US

    def up(self, now_us: int) -> bool:
        """Whether LNS_UP holds."""
        return self.last_answer_us is not None and now_us - self.last_answer_us <= ANSWER_MAX_US
