"""Stored frames that an LNS has through a neighbour are kept back; pure: the caller gives the time.

    state     event                              ->  state    what is done
    any       the server goes away               ->  away     what is known stays true
    any       nothing is stored any more         ->  open     what was known is forgotten
    away      it answers, frames are stored      ->  waiting  they wait, ``neighbours_wait_us`` at most
    waiting   the fleet's word                   ->  open     what it names is settled, the rest leaves
    waiting   no word in time                    ->  open     all leave; ``neighbours_unknown`` counts it
    open      the fleet's word                   ->  open     what still waits is compared with it

Live frames of an address without stored ones never wait.  A rule without ``spare_delivered``, or without
``replay``, is always open and knows nothing.

Sources: LoRaWAN 1.0.4 (TS001) §4.3.1.5: a frame carries the low 16 bits of its counter.
"""

from collections import Counter

from agent.connectors.rules import DeliveryRules
from agent.lorawan.phy import DataUp, PhyError, parse_phy
from agent.record import Record
from agent.wire.neighbours import CounterSpan, NeighbourDeliveries


class Neighbours:
    """What one connector knows of its neighbours' deliveries since its server answers again."""

    def __init__(self, rules: DeliveryRules, counts: "Counter[str]") -> None:
        self._asks = rules.replay and rules.spare_delivered
        self._wait_us = rules.neighbours_wait_us
        self._counts = counts
        self._open = True
        self._until_us: int | None = None
        self._known: dict[int, tuple[CounterSpan, ...]] = {}

    def link(self, *, reachable: bool) -> None:
        """Take in that the server answers again, or no more."""
        self._open, self._until_us = not (reachable and self._asks), None

    def answered(self, word: NeighbourDeliveries) -> None:
        """Take in the fleet's word."""
        if self._asks:
            self._open = True
            self._known |= {int(device.address, 16): device.spans for device in word.devices}

    def waits_until_us(self, now_us: int, *, stored: bool) -> int | None:
        """Return until when stored frames wait; None: they may leave."""
        if not stored:
            self._open, self._known = True, {}
        if self._open:
            return None
        if self._until_us is None:
            self._until_us = now_us + self._wait_us
        if now_us < self._until_us:
            return self._until_us
        self._open = True
        self._counts["neighbours_unknown"] += 1
        return None

    def delivered(self, record: Record) -> bool:
        """Return whether the LNS has a frame already.

        A payload that is no data frame has no counter, so nobody can have named it.
        """
        spans = self._known.get(record.address)
        if not spans:
            return False
        try:
            frame = parse_phy(record.payload)
        except PhyError:
            return False
        return isinstance(frame, DataUp) and any(span.first <= frame.fcnt <= span.last for span in spans)
