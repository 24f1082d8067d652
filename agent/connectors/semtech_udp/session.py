"""One gateway's side of the Semtech UDP protocol, sans-IO: tokens, keep-alive, patience, what answers what.

    silent ── any answer ──▶ answering ── nothing answered for 3 patiences ──▶ silent

Silent: PULL_DATA about every second, no frames.  Answering: PULL_DATA every 5 s, frames as they come.
The patience with an answer follows the measured round trip (RFC 6298: smoothed mean + 4 deviations).
"""

from collections import Counter
from dataclasses import dataclass

from agent.connectors.semtech_udp.datagrams import PullAck, PullResp, PushAck, parse, pull_data, push_data

KEEPALIVE_US = 5_000_000
PROBE_US = 1_000_000
"""While the server is silent, ± a fifth: the first frame leaves within 2 s of the link's return."""
PATIENCE_MIN_US = 400_000
PATIENCE_MAX_US = 10_000_000
SILENCE_MIN_US = 3_000_000
SILENCE_MAX_US = 20_000_000
ANSWER_MAX_US = 30_000_000
"""AVAILABILITY: ``lns_answer_max``."""
TOKENS_LIMIT = 4096
TOKEN_AGE_LIMIT_US = 60_000_000


@dataclass(slots=True)
class _Asked:
    ids: tuple[int, ...]
    sent_us: int


class UdpSession:
    """Keeps tokens and liveness of one server; the caller gives the time."""

    def __init__(self, eui: str, *, first_token: int) -> None:
        self._eui = eui
        self._token = first_token & 0xFFFF
        self._pushes: dict[int, _Asked] = {}
        self._pulls: dict[int, int] = {}
        self._asked_us: int | None = None
        self._push_asked_us: int | None = None
        self._next_pull_us: int | None = None
        self._srtt_us: float | None = None
        self._rttvar_us = 0.0
        self.last_answer_us: int | None = None
        self.answering = False
        self.counts: Counter[str] = Counter()

    def push(self, body: bytes, ids: tuple[int, ...], now_us: int) -> bytes:
        """Return a PUSH_DATA whose acknowledgement settles ``ids``."""
        token = self._new_token()
        self._pushes.pop(token, None)
        self._pushes[token] = _Asked(ids=ids, sent_us=now_us)
        self._prune(now_us)
        self._await_answer(now_us)
        if ids and self._push_asked_us is None:
            self._push_asked_us = now_us
        self.counts["push_data"] += 1
        return push_data(token, self._eui, body)

    def pull(self, now_us: int, jitter: float) -> bytes | None:
        """Return a PULL_DATA when one is due; ``jitter`` in 0..1 spreads the probes of many gateways."""
        self._judge_silence(now_us)
        if self._next_pull_us is not None and now_us < self._next_pull_us:
            return None
        interval = KEEPALIVE_US if self.answering else int(PROBE_US * (0.8 + 0.4 * jitter))
        self._next_pull_us = now_us + interval
        token = self._new_token()
        self._pulls[token] = now_us
        while len(self._pulls) > TOKENS_LIMIT // 64:
            del self._pulls[next(iter(self._pulls))]
        self._await_answer(now_us)
        self.counts["pull_data"] += 1
        return pull_data(token, self._eui)

    def take(self, datagram: bytes, now_us: int) -> PullResp | tuple[int, ...]:
        """Return the PULL_RESP to act on, or the ids that a PUSH_ACK settles (none for all else).

        Raises:
            DatagramError: the bytes are none of the protocol's.
        """
        match parse(datagram):
            case PushAck(token=token):
                asked = self._pushes.pop(token, None)
                self.counts["push_ack" if asked else "push_ack_unknown"] += 1
                if asked is None:
                    return ()
                self._push_asked_us = None
                self._answered(now_us, now_us - asked.sent_us)
                return asked.ids
            case PullAck(token=token):
                sent_us = self._pulls.pop(token, None)
                self.counts["pull_ack" if sent_us is not None else "pull_ack_unknown"] += 1
                if sent_us is not None:
                    self._answered(now_us, now_us - sent_us)
                return ()
            case PullResp() as asked_for:
                self.counts["pull_resp"] += 1
                return asked_for

    def refused(self) -> None:
        """Learn from the network itself that nobody listens there."""
        self.counts["refused"] += 1
        self.answering = False

    def up(self, now_us: int) -> bool:
        """Whether LNS_UP holds: an answer at most 30 s ago and no frame unanswered for longer."""
        if self.last_answer_us is None or now_us - self.last_answer_us > ANSWER_MAX_US:
            return False
        return self._push_asked_us is None or now_us - self._push_asked_us <= ANSWER_MAX_US

    def patience_us(self) -> int:
        """Return how long to wait for an acknowledgement before sending again."""
        if self._srtt_us is None:
            return PATIENCE_MIN_US
        return int(min(max(self._srtt_us + 4 * self._rttvar_us, PATIENCE_MIN_US), PATIENCE_MAX_US))

    def wake_at_us(self, now_us: int) -> int:
        """Return when ``pull`` has something to do or silence is to be judged."""
        pull_us = now_us if self._next_pull_us is None else self._next_pull_us
        if not self.answering or self._asked_us is None:
            return pull_us
        return min(pull_us, self._asked_us + self._silence_us())

    def _silence_us(self) -> int:
        return min(max(3 * self.patience_us(), SILENCE_MIN_US), SILENCE_MAX_US)

    def _judge_silence(self, now_us: int) -> None:
        if self.answering and self._asked_us is not None and now_us - self._asked_us >= self._silence_us():
            self.answering = False
            self._next_pull_us = now_us

    def _await_answer(self, now_us: int) -> None:
        if self._asked_us is None:
            self._asked_us = now_us

    def _answered(self, now_us: int, rtt_us: int) -> None:
        if not self.answering:
            self._next_pull_us = now_us + KEEPALIVE_US
        self.answering = True
        self.last_answer_us = now_us
        self._asked_us = None
        if self._srtt_us is None:
            self._srtt_us, self._rttvar_us = float(rtt_us), rtt_us / 2
            return
        self._rttvar_us += (abs(self._srtt_us - rtt_us) - self._rttvar_us) / 4
        self._srtt_us += (rtt_us - self._srtt_us) / 8

    def _new_token(self) -> int:
        self._token = (self._token + 1) & 0xFFFF
        return self._token

    def _prune(self, now_us: int) -> None:
        while self._pushes:
            token = next(iter(self._pushes))
            if (
                len(self._pushes) <= TOKENS_LIMIT
                and now_us - self._pushes[token].sent_us < TOKEN_AGE_LIMIT_US
            ):
                return
            del self._pushes[token]
