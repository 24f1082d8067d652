"""What silicon has not proved, measured on a board: one experiment each, a finding each.

    confirmed     the board does what the driver relies on
    refuted       it does not; the detail says what it does
    unmeasured    what is needed for it is not here: a second board, an SX1261, a scope

A second board, the partner, hears and is heard: both may hang on one host.  Frames leave at the lowest power
of the gain table.

Sources: ``README.md``, "What silicon has not proved".
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from hal.airtime import fsk_us, lora_us
from hal.bus.shadow import Write
from hal.errors import HalError, OurMistake
from hal.packets import Crc, Cw, Fsk, Lora, ReceivedFrame, Transmission, TxState, TxTrigger
from hal.registers.bitfields import extract
from hal.sx1261.lbt import LbtVerdict
from hal.sx1302 import boot
from hal.sx1302.driver import Sx1302
from hal.sx1302.tx import writes as tx_writes
from hal.sx1302.tx.start_delay import FSK_START_DELAY_TICKS
from hal.units import Hz, Micros

TRIGGERS_AT = 0x5200
ALL_TRIGGERS = 0x07
AHEAD_US = 200_000
LATE_US = 10_000
SECOND_US = 1_000_000
POLL_US = 5_000
SENDER_OFFSET_HZ = 2_000
TOLERANCE_US = 200
"""Two crystals of 20 ppm are 10 us apart after a quarter of a second; FSK is stamped to some bits."""
PAYLOAD = bytes(range(24))


class ProofVerdict(StrEnum):
    """What an experiment found."""

    CONFIRMED = "confirmed"
    REFUTED = "refuted"
    UNMEASURED = "unmeasured"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the report."""

    name: str
    verdict: ProofVerdict
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """The board in question, started, and its partner, started as well or None."""

    board: Sx1302
    partner: Sx1302 | None
    repeats: int

    def pause(self, microseconds: int) -> None:
        """Wait."""
        self.board.wiring.clock.sleep(microseconds / 1e6)


def run(bench: Bench) -> Iterator[Finding]:
    """Yield a finding for each experiment."""
    for name, experiment in EXPERIMENTS.items():
        try:
            verdict, detail = experiment(bench)
        except HalError as error:
            verdict, detail = ProofVerdict.UNMEASURED, str(error)
        yield Finding(name=name, verdict=verdict, detail=detail)
    yield Finding(name="rf_instant", verdict=ProofVerdict.UNMEASURED, detail="needs a scope on pulse and RF")


Outcome = tuple[ProofVerdict, str]


def _judged(holds: bool, detail: str) -> Outcome:
    return ProofVerdict.CONFIRMED if holds else ProofVerdict.REFUTED, detail


def _frame(board: Sx1302) -> Transmission:
    """Return a frame on a channel that both boards have, as quietly as the table allows."""
    settings = board.settings
    channel = next((each for each in settings.channels if each is not None), None)
    if channel is None:
        raise OurMistake("needs a channel", where="experiments")
    radio = settings.radios[channel.rf_chain]
    sender = next((i for i, each in enumerate(settings.radios) if each is not None and each.tx_enabled), None)
    if radio is None or sender is None:
        raise OurMistake("needs a transmitter", where="experiments")
    transmitter = settings.radios[sender]
    assert transmitter is not None, "it transmits"
    return Transmission(
        payload=PAYLOAD,
        modulation=Lora(sf=7),
        frequency_hz=Hz(radio.frequency_hz + channel.if_hz),
        power_dbm=min(gain.power_dbm for gain in transmitter.gains),
        rf_chain=sender,
        invert_polarity=False,
        with_crc=True,
    )


def _until_free(bench: Bench, rf_chain: int) -> None:
    for _ in range(2 * SECOND_US // POLL_US):
        if bench.board.tx_state(rf_chain) in {TxState.FREE, TxState.BLOCKED}:
            return
        bench.pause(POLL_US)
    raise OurMistake("the transmitter is not free", where="experiments")


def starts(bench: Bench) -> Outcome:
    """Start again and again: radios reset together, the second time without 500 ms."""
    for number in range(bench.repeats):
        try:
            bench.board.start()
        except HalError as error:
            return ProofVerdict.REFUTED, f"start {number + 1} of {bench.repeats}: {error}"
    return ProofVerdict.CONFIRMED, f"{bench.repeats} starts"


def bursts(bench: Bench) -> Outcome:
    """Read back what bursts in any order wrote at the start."""
    return _read_back(bench, boot.configuration(bench.board.settings))


def sends(bench: Bench) -> Outcome:
    """Read back what bursts in any order wrote for a transmission."""
    frame = _frame(bench.board)
    bench.board.transmit(frame)
    _until_free(bench, frame.rf_chain)
    return _read_back(bench, tx_writes.program(frame, bench.board.settings).settings)


def _read_back(bench: Bench, writes: Sequence[Write]) -> Outcome:
    final = {(field.address, field.offset): value for field, value in writes}
    checked = {field for field, _ in writes if field.checkable and not field.read_only}
    wrong = []
    for field in sorted(checked, key=lambda each: each.address):
        found = extract(field, bench.board.registers.read(field.address)[0])
        wanted = final[field.address, field.offset]
        if found != wanted:
            wrong.append(f"{field.address:#06x}: {found}, written {wanted}")
    return _judged(not wrong, "; ".join(wrong[:4]) or f"{len(checked)} fields")


def triggers(bench: Bench) -> Outcome:
    """Look whether trigger bits stay after they fired, and whether a second send fires the first again."""
    frame = _frame(bench.board)
    bench.board.transmit(frame)
    _until_free(bench, frame.rf_chain)
    bits = bench.board.registers.read(TRIGGERS_AT + 0x200 * frame.rf_chain)[0] & ALL_TRIGGERS
    later = replace(frame, trigger=TxTrigger.TIMESTAMPED, at_us=Micros(bench.board.counter_us() + AHEAD_US))
    bench.board.transmit(later)
    state = bench.board.tx_state(frame.rf_chain)
    _until_free(bench, frame.rf_chain)
    return _judged(bits == 1 and state is TxState.SCHEDULED, f"bits {bits:#04x}, then {state}")


def late(bench: Bench) -> Outcome:
    """Give the chip an instant that has passed; it must wait rather than send."""
    board, frame = bench.board, _frame(bench.board)
    strict, board.settings = board.settings, replace(board.settings, strict_tx=False)
    try:
        at_us = Micros(board.counter_us() - LATE_US)
        board.transmit(replace(frame, trigger=TxTrigger.TIMESTAMPED, at_us=at_us))
        bench.pause(SECOND_US)
        state = board.tx_state(frame.rf_chain)
        board.abort(frame.rf_chain)
    finally:
        board.settings = strict
    return _judged(state is TxState.SCHEDULED, f"{state} a second later")


def fsk_start(bench: Bench) -> Outcome:
    """Compare when FSK and LoRa end at the partner with when both were to start."""
    late_us = []
    for _ in range(bench.repeats):
        lora, fsk = (_end_at_partner(bench, modulation) for modulation in (Lora(sf=7), _fsk(bench)))
        late_us.append(fsk - lora)
    middle_us = sorted(late_us)[len(late_us) // 2]
    delay_us = FSK_START_DELAY_TICKS // 32
    detail = f"{middle_us} us later than LoRa (median of {len(late_us)}), brought forward by {delay_us} us"
    return _judged(abs(middle_us) <= TOLERANCE_US, detail)


def offset_sign(bench: Bench) -> Outcome:
    """Send 2 kHz above the channel; the partner must report its channel minus the sender."""
    frame = _frame(bench.board)
    straight = _exchange(bench, frame).frequency_offset_hz
    above = _exchange(bench, replace(frame, frequency_hz=Hz(frame.frequency_hz + SENDER_OFFSET_HZ)))
    moved_hz = above.frequency_offset_hz - straight
    return _judged(moved_hz < 0, f"{moved_hz} Hz for a sender {SENDER_OFFSET_HZ} Hz higher")


def listening(bench: Bench) -> Outcome:
    """Listen before talk must let a frame leave on a quiet channel, and forbid it under a carrier."""
    partner, listener = _partner(bench), bench.board.settings.sx1261
    if listener is None or listener.lbt is None:
        raise OurMistake("needs an SX1261 with listen before talk in the settings", where="lbt")
    channel = listener.lbt.channels[0]
    frame = replace(_frame(bench.board), frequency_hz=channel.frequency_hz)
    carrier = replace(_frame(partner), frequency_hz=channel.frequency_hz, modulation=Cw())
    quiet = _listened(bench, frame)
    _until_free(bench, frame.rf_chain)
    partner.transmit(carrier)
    try:
        occupied = _listened(bench, frame)
    finally:
        partner.abort(carrier.rf_chain)
    holds = (quiet, occupied) == (LbtVerdict.SENT, LbtVerdict.BLOCKED)
    return _judged(holds, f"{quiet} on a quiet channel, {occupied} under a carrier")


def _listened(bench: Bench, frame: Transmission) -> LbtVerdict | None:
    """Return the verdict on a frame; None while the listening radio has not decided."""
    bench.board.transmit(frame)
    for _ in range(SECOND_US // POLL_US):
        bench.pause(POLL_US)
        if not bench.board.listening:
            return bench.board.last_verdict
        bench.board.poll()
    return None


def _fsk(bench: Bench) -> Fsk:
    settings = bench.board.settings.fsk
    if settings is None:
        raise OurMistake("needs an FSK channel", where="experiments")
    return Fsk(bitrate_bps=settings.bitrate_bps)


def _partner(bench: Bench) -> Sx1302:
    if bench.partner is None:
        raise OurMistake("needs a second board (--partner)", where="experiments")
    return bench.partner


def _end_at_partner(bench: Bench, modulation: Lora | Fsk) -> int:
    """Return by how much a timestamped frame ends at the partner later than it should; both counters free."""
    frame = replace(_frame(bench.board), modulation=modulation)
    size, preamble = len(frame.payload), frame.preamble_symbols
    if isinstance(modulation, Fsk):
        frame = replace(frame, frequency_hz=_fsk_hz(bench.board))
        airtime_us = fsk_us(modulation, size, preamble_bytes=preamble)
    else:
        airtime_us = lora_us(modulation, size, preamble_symbols=preamble, crc=True)
    mine_us, theirs_us = bench.board.counter_us(), _partner(bench).counter_us()
    at_us = Micros(mine_us + AHEAD_US)
    received = _exchange(bench, replace(frame, trigger=TxTrigger.TIMESTAMPED, at_us=at_us))
    return received.counter_us - theirs_us - (at_us + airtime_us - mine_us)


def _fsk_hz(board: Sx1302) -> Hz:
    modem = board.settings.fsk
    radio = None if modem is None else board.settings.radios[modem.channel.rf_chain]
    assert modem is not None, "the caller looked"
    assert radio is not None, "channels are on radios that are enabled"
    return Hz(radio.frequency_hz + modem.channel.if_hz)


def _exchange(bench: Bench, frame: Transmission) -> ReceivedFrame:
    """Send a frame and return it as the partner received it."""
    partner = _partner(bench)
    partner.receive()
    bench.board.transmit(frame)
    for _ in range(2 * SECOND_US // POLL_US):
        bench.pause(POLL_US)
        heard = [each for each in partner.receive() if each.payload == frame.payload and each.crc is Crc.OK]
        if heard:
            _until_free(bench, frame.rf_chain)
            return heard[0]
    raise OurMistake("the partner heard nothing", where="experiments")


EXPERIMENTS: dict[str, Callable[[Bench], Outcome]] = {
    "starts": starts,
    "bursts": bursts,
    "sends": sends,
    "triggers": triggers,
    "late": late,
    "fsk_start": fsk_start,
    "offset_sign": offset_sign,
    "lbt": listening,
}
"""By the name that the report and the table in the README share."""
