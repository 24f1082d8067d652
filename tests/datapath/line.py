"""A link in virtual time: one ``Delivery`` against a server that answers, loses and goes away."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from agent.connectors.delivery import Delivery
from agent.connectors.rules import DeliveryRules
from agent.record import Record
from tests.datapath.virtual import record


@dataclass
class Line:
    """The spool is a dictionary."""

    rules: DeliveryRules = field(default_factory=DeliveryRules)
    patience_us: int = 400_000
    step_us: int = 5_000
    round_trip_us: int = 20_000
    patience_of: Callable[[int], int] | None = None
    """Patience that changes with time."""
    loss: float = 0.0
    seed: int = 1
    now_us: int = 0
    server_up: bool = True
    stored: dict[int, Record] = field(default_factory=dict)
    sent: list[tuple[int, Record, bool]] = field(default_factory=list)
    arrived: list[tuple[int, Record]] = field(default_factory=list)
    dropped: dict[int, str] = field(default_factory=dict)
    done: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.delivery = Delivery(self.rules)
        self.delivery.link(reachable=True)
        self._random = Random(self.seed)
        self._answers: list[tuple[int, int]] = []
        self._next_id = 0

    def hear(self, payload: bytes) -> Record:
        self._next_id += 1
        heard = record(self._next_id, payload, monotonic_us=self.now_us)
        self.stored[heard.id] = heard
        self.delivery.frame_received(heard, self.now_us)
        self._step()
        return heard

    def run(self, duration_us: int) -> None:
        end_us = self.now_us + duration_us
        while self.now_us < end_us:
            self.now_us += self.step_us
            self._step()

    def cut(self) -> None:
        self.server_up = False
        self._answers.clear()

    def notice(self, *, reachable: bool) -> None:
        self.server_up = reachable
        self.delivery.link(reachable=reachable)
        self._step()

    def _step(self) -> None:
        due = [record_id for at_us, record_id in self._answers if at_us <= self.now_us]
        self._answers = [answer for answer in self._answers if answer[0] > self.now_us]
        for record_id in self.delivery.acknowledged(due, self.now_us):
            self.done.append(record_id)
            del self.stored[record_id]
        for _ in range(3):
            patience_us = self.patience_of(self.now_us) if self.patience_of else self.patience_us
            work = self.delivery.step(self.now_us, patience_us)
            self._send(work.live, late=False)
            self._send(work.late, late=True)
            for record_id, reason in work.dropped:
                self.dropped[record_id] = reason
                self.stored.pop(record_id, None)
            if not work.fetch:
                return
            self.delivery.fetched(work.fetch, [self.stored[i] for i in work.fetch if i in self.stored])

    def _send(self, records: tuple[Record, ...], *, late: bool) -> None:
        for sent in records:
            self.sent.append((self.now_us, sent, late))
            if self.server_up and self._random.random() >= self.loss:
                self.arrived.append((self.now_us, sent))
                if self._random.random() >= self.loss:
                    self._answers.append((self.now_us + self.round_trip_us, sent.id))
