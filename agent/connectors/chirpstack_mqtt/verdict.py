"""Whether the network server takes what we publish, by the reason codes of its broker; pure.

    topic                         code            ->  server     frames
    event/up, event/stats         below 0x80      ->  up         sent
    event/up, event/stats         0x10            ->  down       held until a probe finds a subscriber
    event/up, event/stats         0x80 and above  ->  down       held, tried again after ``HOLD_US``
    state/conn, SUBACK            0x80 and above  ->  down       sent: uplinks still arrive
    state/conn, SUBACK            below 0x80      ->  unchanged  (ChirpStack subscribes to no state)
    no success for 8 s, or while down 2 s         ->  a probe: ``event/stats``

A broker that answers proves the way to itself; only the success of an event proves a server behind it.

Sources: MQTT 5 §3.4.2.1 (PUBACK: 0x10 no matching subscribers, 0x87 not authorized), §3.9.3; ChirpStack
4.20, ``gateway/backend/mqtt.rs``: it subscribes to ``gateway/+/event/+`` only.  AVAILABILITY §2, LNS_UP.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from agent.connectors.liveness import ANSWER_MAX_US
from agent.wire import reasons
from agent.wire.reasons import Reason

NO_SUBSCRIBER = 0x10
FAILURE = 0x80
"""Reason codes from here on say that the broker did not take it."""
PROVE_AFTER_US = 8_000_000
"""Below the 10 s within which a server that left is to be seen as down."""
PROVE_DOWN_US = 2_000_000
"""While the server is down a probe leaves so often: frames follow within 2 s of its return."""
HOLD_US = 10_000_000
"""After a refusal of frames themselves, the next frame is tried after this."""


class Topic(StrEnum):
    """What we publish or subscribe to, below ``PREFIX/gateway/EUI/``."""

    UP = "event/up"
    STATS = "event/stats"
    ACK = "event/ack"
    EXEC = "event/exec"
    CONN = "state/conn"
    COMMANDS = "command/#"


EVENTS = frozenset({Topic.UP, Topic.STATS})
"""Their success proves a subscriber; without it frames are held."""
IGNORED = frozenset({Topic.ACK, Topic.EXEC})
"""Answers to the server's own commands: they go out once and are not asked again."""

GRAVEST_FIRST = (Topic.UP, Topic.STATS, Topic.COMMANDS, Topic.CONN)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Refusal:
    reason: Reason
    at_us: int
    unheard: bool
    """Nobody subscribes, which a probe can disprove; else the broker forbids it."""


@dataclass(slots=True)
class ServerVerdict:
    """What the broker's answers say of the server behind it; all instants are monotonic."""

    taken_at_us: int | None = None
    """The last event that somebody was subscribed to."""
    _probed_at_us: int | None = None
    _proved: bool = False
    """An event was taken on this connection."""
    _contradicted: bool = False
    """Statistics are taken and frames are not: only a frame that is taken proves the server."""
    _refusals: dict[Topic, _Refusal] = field(default_factory=dict)

    def opened(self) -> None:
        """Take in a new connection: nothing is proved on it."""
        self._probed_at_us, self._proved = None, False

    def probed(self, now_us: int) -> None:
        """Take in that statistics left."""
        self._probed_at_us = now_us

    def answered(self, topic: Topic, code: int, detail: str, now_us: int) -> None:
        """Take in a PUBACK or SUBACK: its reason code and the name of that code."""
        if topic in IGNORED:
            return
        if code >= FAILURE:
            why = reasons.lns.topic_refused(topic=topic, mqtt_code=f"{code:#04x}", detail=detail)
            self._refusals[topic] = _Refusal(reason=why, at_us=now_us, unheard=False)
        elif topic not in EVENTS:
            self._refusals.pop(topic, None)
        elif code == NO_SUBSCRIBER:
            self._contradicted = topic is Topic.UP and (self._contradicted or self._probe_just_taken(now_us))
            self._refusals[topic] = _Refusal(reason=reasons.lns.no_subscriber(), at_us=now_us, unheard=True)
        else:
            self._taken(topic, now_us)

    def _taken(self, topic: Topic, now_us: int) -> None:
        self.taken_at_us, self._proved = now_us, True
        self._refusals.pop(topic, None)
        if topic is Topic.UP:
            self._contradicted = False
        if not self._contradicted:
            self._refusals = {of: refusal for of, refusal in self._refusals.items() if not refusal.unheard}

    def _probe_just_taken(self, now_us: int) -> bool:
        """Whether statistics were taken lately, so that "no subscriber" for a frame is about frames alone."""
        recent = self.taken_at_us is not None and now_us - self.taken_at_us < PROVE_DOWN_US
        return recent and Topic.STATS not in self._refusals

    @property
    def reason(self) -> Reason | None:
        """Return why the server is down by the broker's word, the gravest; None: it is not."""
        return next(
            (self._refusals[topic].reason for topic in GRAVEST_FIRST if topic in self._refusals), None
        )

    def refused(self, topic: Topic) -> bool:
        """Whether the last answer on a topic was a refusal."""
        return topic in self._refusals

    def sends(self, now_us: int) -> bool:
        """Whether frames may leave: the server is proved, and no refusal of frames is young."""
        refusal = self._refusals.get(Topic.UP)
        due = refusal is None or now_us - refusal.at_us >= HOLD_US
        return self._proved and Topic.STATS not in self._refusals and due

    def up(self, now_us: int) -> bool:
        """Whether LNS_UP holds, as far as the broker's answers go."""
        recent = self.taken_at_us is not None and now_us - self.taken_at_us <= ANSWER_MAX_US
        return recent and not self._refusals

    def probe_due(self, now_us: int) -> bool:
        """Whether statistics are to ask for a subscriber now."""
        if self._probed_at_us is None:
            return True
        down = self._refusals or not self._proved
        last_us = max(self.taken_at_us or 0, self._probed_at_us)
        return now_us - last_us >= (PROVE_DOWN_US if down else PROVE_AFTER_US)
