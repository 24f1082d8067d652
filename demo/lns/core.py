"""The network server without sockets: deliveries counted, frames deduplicated, answers scheduled.

A *delivery* is one frame from one gateway, once, however often its datagram was repeated.  A *frame* is
the same bytes heard by any number of gateways within ``DEDUPLICATION_US``; its answer goes through the
gateway that heard it best, in RX1, and in RX2 when that gateway refuses RX1.
Limits: ``SEEN_LIMIT`` deliveries remembered for telling repeats, ``AWAITING_LIMIT`` downlinks that await
their TX_ACK.
"""

import itertools
from collections import Counter, OrderedDict
from dataclasses import dataclass, field, replace

from agent.lorawan.phy import PhyError, parse_phy
from demo.lns.devices import RX1_DELAY_S, Device, FrameVerdict, Outcome, judge
from demo.lns.semtech import Downlink, PullData, PushData, Reception, TxAck

DEDUPLICATION_US = 200_000
"""What ChirpStack waits by default for the same frame from other gateways."""
SEEN_LIMIT = 200_000
AWAITING_LIMIT = 10_000
RX1_POWER_DBM, RX2_POWER_DBM = 14, 27
RX2_FREQUENCY_MHZ, RX2_DATARATE = 869.525, "SF12BW125"
"""RP002-1.0.4 §2.4.7."""
SECOND_US = 1_000_000


@dataclass(slots=True)
class _Pending:
    due_us: int
    receptions: list[Reception]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sent:
    gateway: str
    downlink: Downlink
    second: Downlink | None


@dataclass(slots=True)
class Lns:
    """State of the server; methods take ``now_us`` and return datagrams as (gateway, bytes)."""

    devices: dict[str, Device] = field(default_factory=dict)
    deliveries: Counter[str] = field(default_factory=Counter)
    """Frames delivered, by gateway."""
    counts: Counter[str] = field(default_factory=Counter)
    """repeated, frames, each verdict, downlinks, taken, refused_…, rxpk_refused, not_lorawan."""
    delivered: list[tuple[str, bytes]] = field(default_factory=list)
    """Every delivery, when ``keep_deliveries`` is set."""
    keep_deliveries: bool = False
    heard_plain: list[tuple[str, bytes]] = field(default_factory=list)
    _seen: OrderedDict[tuple[str, int, bytes], None] = field(default_factory=OrderedDict)
    _pending: OrderedDict[bytes, _Pending] = field(default_factory=OrderedDict)
    _awaiting: OrderedDict[tuple[str, bytes], _Sent] = field(default_factory=OrderedDict)
    _tokens: "itertools.count[int]" = field(default_factory=itertools.count)
    _nonces: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def take(self, message: PushData | PullData | TxAck, now_us: int) -> list[tuple[str, bytes]]:
        """Take one message of a gateway; returns downlinks that must go out at once."""
        match message:
            case PushData():
                self.counts["rxpk_refused"] += message.refused
                for reception in message.receptions:
                    self._hear(reception, now_us)
                return []
            case PullData():
                return []
            case TxAck():
                return self._acknowledged(message)

    def due(self, now_us: int) -> list[tuple[str, bytes]]:
        """Judge every frame whose wait for other gateways is over; returns the downlinks."""
        datagrams = []
        while self._pending:
            phy, pending = next(iter(self._pending.items()))
            if pending.due_us > now_us:
                break
            del self._pending[phy]
            datagrams += self._answer(phy, pending.receptions)
        return datagrams

    def next_due_us(self) -> int | None:
        """When ``due`` has something to do."""
        return next(iter(self._pending.values())).due_us if self._pending else None

    def _hear(self, reception: Reception, now_us: int) -> None:
        key = (reception.gateway, reception.tmst, reception.phy)
        if key in self._seen:
            self.counts["repeated"] += 1
            return
        self._seen[key] = None
        if len(self._seen) > SEEN_LIMIT:
            self._seen.popitem(last=False)
        self.deliveries[reception.gateway] += 1
        if self.keep_deliveries:
            self.delivered.append((reception.gateway, reception.phy))
        pending = self._pending.get(reception.phy)
        if pending is None:
            self._pending[reception.phy] = _Pending(now_us + DEDUPLICATION_US, [reception])
        else:
            pending.receptions.append(reception)

    def _answer(self, raw: bytes, receptions: list[Reception]) -> list[tuple[str, bytes]]:
        self.counts["frames"] += 1
        try:
            phy = parse_phy(raw)
        except PhyError:
            self.counts["not_lorawan"] += 1
            return []
        outcome = judge(phy, raw, self.devices, next(self._nonces) & 0xFFFFFF)
        self.counts[outcome.verdict] += 1
        if outcome.device is not None:
            self.devices[outcome.device.dev_eui] = outcome.device
            if outcome.verdict is FrameVerdict.ACCEPTED:
                self.heard_plain.append((outcome.device.dev_eui, outcome.plain))
                del self.heard_plain[:-SEEN_LIMIT]
        if outcome.answer is None:
            return []
        best = max(receptions, key=lambda reception: (reception.snr_db, reception.rssi_dbm))
        return [self._send(best.gateway, *_windows(best, outcome, outcome.answer))]

    def _send(self, gateway: str, first: Downlink, second: Downlink | None) -> tuple[str, bytes]:
        token = (next(self._tokens) & 0xFFFF).to_bytes(2, "big")
        self._awaiting[gateway, token] = _Sent(gateway=gateway, downlink=first, second=second)
        if len(self._awaiting) > AWAITING_LIMIT:
            self._awaiting.popitem(last=False)
        self.counts["downlinks"] += 1
        return gateway, first.datagram(token)

    def _acknowledged(self, message: TxAck) -> list[tuple[str, bytes]]:
        sent = self._awaiting.pop((message.gateway, message.token), None)
        if sent is None:
            self.counts["ack_unexpected"] += 1
            return []
        if not message.error:
            self.counts["taken"] += 1
            return []
        self.counts[f"refused_{message.error.lower()}"] += 1
        return [] if sent.second is None else [self._send(sent.gateway, sent.second, None)]


def _windows(reception: Reception, outcome: Outcome, answer: bytes) -> tuple[Downlink, Downlink]:
    """Return the answer for RX1 and for RX2, one second later."""
    delay_s = outcome.delay_s or RX1_DELAY_S
    first = Downlink(
        phy=answer,
        tmst=(reception.tmst + delay_s * SECOND_US) % (1 << 32),
        frequency_mhz=reception.frequency_mhz,
        datarate=reception.datarate,
        power_dbm=RX1_POWER_DBM,
    )
    second = replace(
        first,
        tmst=(first.tmst + SECOND_US) % (1 << 32),
        frequency_mhz=RX2_FREQUENCY_MHZ,
        datarate=RX2_DATARATE,
        power_dbm=RX2_POWER_DBM,
    )
    return first, second
