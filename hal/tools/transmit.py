"""``passerelle hal transmit``: one frame, a few, or a carrier for an antenna test."""

from argparse import Namespace

from hal.airtime import fsk_us, lora_us
from hal.errors import OurMistake
from hal.packets import Cw, Fsk, Lora, Modulation, Transmission, TxState, TxTrigger
from hal.sx1261.lbt import LbtVerdict
from hal.sx1302.driver import Sx1302
from hal.tools.opening import opened
from hal.tools.words import words
from hal.units import Hz
from hal.waiting import wait_for

SENT_LIMIT_US = 10_000_000
"""Longer than any packet, and a PPS more."""
CARRIER_LIMIT_S = 30.0
COUNT_LIMIT = 1000


def run(options: Namespace) -> int:
    """Send what the options say and wait until it has left."""
    transmission = of(options)
    if not 1 <= options.count <= COUNT_LIMIT:
        raise OurMistake(f"{options.count} is not in 1..{COUNT_LIMIT}", where="--count")
    text = words(options.lang)
    with opened(options) as (concentrator, _board):
        concentrator.start()
        for _ in range(options.count):
            reason = send(concentrator, transmission, carrier_s=min(options.seconds, CARRIER_LIMIT_S))
            if reason:
                print(text["not_sent"].format(reason=text.get(reason, reason)))
                return 1
            print(
                text["sent"].format(
                    modulation=transmission.modulation,
                    frequency=transmission.frequency_hz / 1e6,
                    power=transmission.power_dbm,
                    airtime=airtime_us(transmission) / 1000,
                ),
                flush=True,
            )
    return 0


def of(options: Namespace) -> Transmission:
    """Return the transmission that the options describe.

    Raises:
        OurMistake: a value that no transmission can have.
    """
    try:
        return Transmission(
            payload=bytes.fromhex(options.payload),
            modulation=_modulation(options),
            frequency_hz=Hz(round(options.frequency * 1e6)),
            power_dbm=options.power,
            rf_chain=options.rf_chain,
            trigger=TxTrigger.ON_GPS if options.on_gps else TxTrigger.IMMEDIATE,
            invert_polarity=options.downlink,
            preamble_symbols=options.preamble,
            with_crc=not options.downlink,
        )
    except ValueError as error:
        raise OurMistake(str(error), where="transmit") from error


def _modulation(options: Namespace) -> Modulation:
    if options.modulation == "fsk":
        return Fsk(bitrate_bps=options.bitrate, deviation_hz=options.deviation)
    if options.modulation == "cw":
        return Cw(offset_hz=options.offset)
    return Lora(
        sf=options.sf, bandwidth_hz=options.bandwidth * 1000, coding_rate=int(options.coding_rate[2:]) - 4
    )


def send(concentrator: Sx1302, transmission: Transmission, *, carrier_s: float) -> str:
    """Send and wait; returns why it did not leave, or an empty string."""
    try:
        concentrator.transmit(transmission)
    except OurMistake as error:
        return str(error)
    clock = concentrator.wiring.clock
    if isinstance(transmission.modulation, Cw):
        clock.sleep(carrier_s)
        concentrator.abort(transmission.rf_chain)
        return ""
    wait_for(
        lambda: concentrator.tx_state(transmission.rf_chain),
        lambda state: state in {TxState.FREE, TxState.BLOCKED} and not concentrator.listening,
        clock=clock,
        limit_us=SENT_LIMIT_US,
        where="transmission",
    )
    return "lbt_blocked" if concentrator.last_verdict is LbtVerdict.BLOCKED else ""


def airtime_us(transmission: Transmission) -> int:
    """Return the time on air; 0 for a carrier."""
    modulation, count = transmission.modulation, len(transmission.payload)
    if isinstance(modulation, Lora):
        return lora_us(
            modulation,
            count,
            preamble_symbols=transmission.preamble_symbols,
            header=not transmission.implicit_header,
            crc=transmission.with_crc,
        )
    if isinstance(modulation, Fsk):
        return fsk_us(modulation, count, crc=transmission.with_crc)
    return 0
