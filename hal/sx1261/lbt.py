"""Listen-before-talk as a machine that never waits: reception goes on while the verdict is awaited.

    state      event                        ->  state      commands
    Awaiting   Agc, chain initiated         ->  Clearing   ClearAgc
    Awaiting   Agc, past the deadline       ->  Clearing   ClearAgc, Abort
    Awaiting   Agc, otherwise               ->  unchanged  -
    Clearing   Agc 0, or past the deadline  ->  None       Acknowledge, StopListening
    Clearing   Agc, otherwise               ->  unchanged  -

Sources: FACTS §11 (AGC status bits, mailbox acknowledgement, limits); §14 (the reference blocks).
"""

from dataclasses import dataclass
from enum import Enum, StrEnum

from hal.airtime import fsk_us, reference_lora_us
from hal.errors import OurMistake
from hal.packets import Fsk, Lora, Transmission
from hal.settings import LbtChannel, ListenBeforeTalk
from hal.units import Hz

MATCH_TOLERANCE_HZ = 10_000
LISTEN_LEAD_US = 1500
"""The channel is judged this long before departure, and that much of its transmit time is gone."""
VERDICT_LIMIT_US = 500_000
"""Time from the requested departure until a verdict that did not come counts as unknown."""
CLEAR_LIMIT_US = 500_000
BLOCKED_SHIFT = 6


class LbtVerdict(StrEnum):
    """What became of the last transmission that listened first."""

    SENT = "sent"
    BLOCKED = "blocked"
    UNKNOWN = "unknown"
    """The AGC never said; the transmission was aborted."""


class Do(Enum):
    """Commands to the chip, in order."""

    CLEAR_AGC = "clear_agc"
    ABORT = "abort"
    ACKNOWLEDGE = "acknowledge"
    STOP_LISTENING = "stop_listening"


@dataclass(frozen=True, slots=True, kw_only=True)
class Awaiting:
    """A transmission is programmed and the AGC has not judged yet."""

    rf_chain: int
    from_us: int
    """Before this instant of the host the AGC cannot have judged: no need to look."""
    until_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Clearing:
    """The verdict is known; the AGC's status is being cleared."""

    verdict: LbtVerdict
    until_us: int


Listening = Awaiting | Clearing


def worth_a_look(state: Listening, now_us: int) -> bool:
    """Whether the AGC can have something to say."""
    return isinstance(state, Clearing) or now_us >= state.from_us


def step(state: Listening, agc_status: int, now_us: int) -> tuple[Listening | LbtVerdict, tuple[Do, ...]]:
    """Return what follows from one look at the AGC's status; a verdict ends it."""
    match state:
        case Awaiting(rf_chain=chain, until_us=until_us):
            if agc_status >> chain & 1:
                blocked = agc_status >> (BLOCKED_SHIFT + chain) & 1
                verdict = LbtVerdict.BLOCKED if blocked else LbtVerdict.SENT
                return Clearing(verdict=verdict, until_us=now_us + CLEAR_LIMIT_US), (Do.CLEAR_AGC,)
            if now_us >= until_us:
                unknown = Clearing(verdict=LbtVerdict.UNKNOWN, until_us=now_us + CLEAR_LIMIT_US)
                return unknown, (Do.CLEAR_AGC, Do.ABORT)
            return state, ()
        case Clearing(verdict=verdict, until_us=until_us):
            if agc_status == 0 or now_us >= until_us:
                return verdict, (Do.ACKNOWLEDGE, Do.STOP_LISTENING)
            return state, ()


def matching(lbt: ListenBeforeTalk, frequency_hz: Hz, bandwidth_hz: int) -> LbtChannel | None:
    """Return the first channel at a frequency and bandwidth; None where there is none."""
    for channel in lbt.channels:
        near = abs(channel.frequency_hz - frequency_hz) <= MATCH_TOLERANCE_HZ
        if near and channel.bandwidth_hz == bandwidth_hz:
            return channel
    return None


def channel_for(transmission: Transmission, lbt: ListenBeforeTalk) -> LbtChannel:
    """Return the channel that a transmission may use.

    Raises:
        OurMistake: no channel matches, or the packet is longer than the channel allows.
    """
    channel = matching(lbt, transmission.frequency_hz, transmission.modulation.bandwidth_hz)
    if channel is None:
        raise OurMistake(
            f"no channel at {transmission.frequency_hz} Hz of {transmission.modulation.bandwidth_hz} Hz",
            where="listen before talk",
        )
    limit_us = channel.transmit_limit_ms * 1000 - LISTEN_LEAD_US
    needed_us = reference_time_on_air_ms(transmission) * 1000
    if limit_us <= 0 or needed_us > limit_us:
        raise OurMistake(
            f"{needed_us} us on air, at most {limit_us} us allowed here", where="listen before talk"
        )
    return channel


def reference_time_on_air_ms(transmission: Transmission) -> int:
    """Return the reference's time on air, in its own rounding; 0 for a carrier."""
    modulation, count = transmission.modulation, len(transmission.payload)
    if isinstance(modulation, Lora):
        exact_us = reference_lora_us(
            modulation,
            count,
            preamble_symbols=transmission.preamble_symbols,
            header=not transmission.implicit_header,
            crc=transmission.with_crc,
        )
        return (exact_us + 500) // 1000
    if isinstance(modulation, Fsk):
        exact_us = fsk_us(
            modulation, count, preamble_bytes=transmission.preamble_symbols, crc=transmission.with_crc
        )
        return exact_us // 1000 + 1
    return 0
